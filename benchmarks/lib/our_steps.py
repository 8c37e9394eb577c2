"""Training steps of this project's networks, as run by its own training loop."""

import argparse
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.lib.peers import InputCount

VOCAB_SIZE = 30_000
# The head of the peers, if there are peers of the same network.
DEFAULT_HEADS = {"text_cnn": "max_pooled", "transformer": "pooled"}


class Data:
    """The training documents of CAIL2018, as read by pre-training and fine-tuning.

    Args:
        arguments: with "data" (the folder of the data sets) and "documents" (their maximum number;
            None for all).
        folder: for the caches.
    """

    def __init__(self, arguments: argparse.Namespace, folder: Path) -> None:
        from data_util.labelled.build_corpus import (
            build_vocabulary,
            count_labels,
            prepare_labelled_data,
        )
        from data_util.pretraining.build_corpus import prepare_pretraining_data
        from data_util.reading.labels import LabelSet
        from data_util.tokens.tokenizers import make_tokenizer
        from tasks.classification.records import multi_hot

        paths, limit = [str(arguments.data / "cail2018/train.json")], arguments.documents
        tokenizer = make_tokenizer("word")
        self.vocabulary = build_vocabulary(
            paths,
            tokenizer,
            vocab_size=VOCAB_SIZE,
            min_count=1,
            max_documents=limit,
            processes=1,
        )
        self.labels = LabelSet.from_counts(count_labels(paths, max_documents=limit))
        self.labelled = prepare_labelled_data(
            paths,
            tokenizer,
            self.vocabulary,
            self.labels,
            cache_folder=folder,
            processes=1,
            max_documents=limit,
        )
        self.free, _ = prepare_pretraining_data(
            paths, tokenizer, vocabulary=self.vocabulary, cache_folder=folder, max_documents=limit
        )
        self.documents = [self.labelled.tokens(number) for number in range(len(self.labelled))]
        self.targets = multi_hot(self.labelled, len(self.labels)).astype(np.float32)


class OurSteps:
    """A model with its optimizer and its input.

    Args:
        arguments: with "preset" (None for the shape of the peers), "sequence_length", "batch_size"
            and "steps", the number of steps of `work`.
        data: the training data.
        backbone: the name of the backbone.
        head: the name of the head; "masked_lm" for pre-training.
    """

    def __init__(self, arguments: argparse.Namespace, data: Data, backbone: str, head: str) -> None:
        from data_util.pretraining.batches import PretrainingBatches
        from data_util.registry import NOISES
        from models.backbones.base import make_backbone
        from models.build import build
        from models.presets import backbone_config
        from models.pretraining_model import PretrainingModel
        from tasks.classification.batches import classification_batches
        from tasks.classification.task import MultiLabel
        from training.loop.optimizer import AdamW

        sizes: dict[str, Any] = {}
        if arguments.preset is None and backbone == "transformer":
            # The shape of the peers' BERT.
            sizes = {"num_heads": 2, "d_k": 64, "d_v": 64, "d_ff": 512, "position": "learned"}
        preset = arguments.preset or "small"
        self.config = backbone_config(backbone, preset, len(data.vocabulary), **sizes)
        shared: dict[str, Any] = {
            "sequence_length": arguments.sequence_length,
            "batch_size": arguments.batch_size,
            "seed": 1,
        }
        self.made: Any
        if head == "masked_lm":
            self.made = PretrainingBatches(
                data.free,
                np.arange(len(data.free)),
                data.vocabulary,
                rows="single",
                noise=NOISES["token"](data.vocabulary),
                **shared,
            )
            self.model = build(PretrainingModel(make_backbone(self.config), ("masked_lm",)))
        else:
            self.made = classification_batches(
                data.labelled, len(data.labels), data.vocabulary, **shared
            )
            task = MultiLabel(data.labels, head=head)
            self.model = build(task.build_model(make_backbone(self.config), dropout=0.1))
        self.model.compile(optimizer=AdamW(1e-4))
        self.input = InputCount()
        self._steps, self._epoch, self._head = arguments.steps, 0, head

    def batches(self, epoch: int) -> Iterator[Any]:
        """Yields batches endlessly, starting with an epoch."""
        for number in itertools.count(epoch):
            yield from self.made.batches(number)

    def work(self) -> float:
        """Runs the steps; returns the number of documents (for masked LM: tokens) processed."""
        from training.devices.input_pipeline import prefetched

        self._epoch += 1
        epoch, seen = self._epoch, list[np.ndarray]()

        def some() -> Iterator[Any]:
            # It is called twice, the first time only for the shapes.
            seen.clear()
            for batch in itertools.islice(self.batches(epoch), self._steps):
                inputs = batch[0] if isinstance(batch, tuple) else batch
                seen.append(inputs["padding_mask"])
                yield batch

        self.model.fit(prefetched(some, self._steps), verbose=0)
        before = self.input.tokens
        for mask in seen:
            self.input.add(mask)
        if self._head == "masked_lm":
            return self.input.tokens - before
        return sum(len(mask) for mask in seen)

    def median_batch(self) -> Any:
        """The batch of median length among the first ones of an epoch."""
        some = list(itertools.islice(self.batches(0), 15))
        lengths = [
            (batch[0] if isinstance(batch, tuple) else batch)["token_ids"].shape[1]
            for batch in some
        ]
        return some[int(np.argsort(lengths, kind="stable")[len(some) // 2])]

    def operations_per_step(self, head: str, classes: int) -> float:
        """The mean of `operations` over the batches of the last round."""
        from benchmarks.lib.step_profile import operations

        some = list(itertools.islice(self.batches(self._epoch), self._steps))
        return float(
            np.mean(
                [
                    operations(
                        self.config, batch[0] if isinstance(batch, tuple) else batch, head, classes
                    )
                    for batch in some
                ]
            )
        )
