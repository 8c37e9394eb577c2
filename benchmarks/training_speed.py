"""How fast both steps train, beside transformers with PyTorch, KerasHub and plain Keras.

    python -m benchmarks.training_speed --data=DATA [--rounds=5] [--steps=20]
    KERAS_BACKEND=jax python -m benchmarks.training_speed --data=DATA --ours_only \
        --preset=big --precision=mixed_bfloat16 --batch_size=256

Networks of the same shape (2 layers, d_model 128, 2 heads, feed-forward 512; the TextCNN with 128
filters of each size), 64 documents of CAIL2018 of up to 200 tokens a step. Documents, or tokens of
masked LM, a second of processor time; padding counts as nothing, and its share is told. Then where
our step's time goes, and which part of the machine's own rate of matrix products it reaches. On a
GPU the processor's time says little: read `per_second`, with `--ours_only`.
"""

import argparse
import itertools
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measuring import in_turn, needed, parser, report, summary
from benchmarks.training_peers import Fed, KerasPeer, Shape, Torch
from models.config import PRESETS

VOCAB_SIZE = 30_000
INSTALL = 'pip install ".[benchmarks]" -r requirements-torch.txt'
Batches = Callable[[int], Iterator[Any]]


def main() -> None:
    """Measures every workload and prints the tables."""
    options = parser(__doc__.splitlines()[0])
    options.add_argument("--steps", type=int, default=20, help="of each side in a round")
    options.add_argument("--batch_size", type=int, default=64)
    options.add_argument("--sequence_length", type=int, default=200)
    options.add_argument("--documents", type=int, default=None, help="of CAIL2018; default: all")
    options.add_argument("--preset", choices=tuple(PRESETS), help="instead of the shape")
    options.add_argument("--precision", default="float32")
    options.add_argument("--ours_only", action="store_true", help="without the peers")
    options.add_argument("--only", default="", help="what the workload's name must have in it")
    arguments = options.parse_args()
    if arguments.test_mode:
        arguments.documents, arguments.rounds, arguments.steps = 40, 1, 2
        arguments.batch_size, arguments.sequence_length = 8, 64
        arguments.preset = "tiny"
    if not arguments.ours_only:
        for module in ("torch", "transformers", "keras_hub"):
            needed(module, INSTALL)
    from training.command_line import quiet_libraries

    quiet_libraries()
    with tempfile.TemporaryDirectory() as folder:
        tables = measure(arguments, Path(folder))
    report("training_speed", arguments, tables)


def measure(arguments: argparse.Namespace, folder: Path) -> dict[str, list[dict]]:
    """All tables."""
    import keras

    from benchmarks.step_profile import input_ms, matmul_rate, operations, parts

    keras.config.set_dtype_policy(arguments.precision)
    data = Data(arguments, folder)
    shape = Shape(
        len(data.vocabulary),
        len(data.labels),
        sequence_length=arguments.sequence_length,
        batch_size=arguments.batch_size,
        steps=arguments.steps,
    )
    documents, targets = data.documents, data.targets
    peers: dict[str, dict[str, Callable[[], Any]]] = {
        "TextCNN, fine-tuning": {
            "plain Keras": lambda: KerasPeer(shape, documents, targets, "plain"),
        },
        "Transformer, fine-tuning": {
            "transformers": lambda: Torch(shape, documents, targets),
            "KerasHub": lambda: KerasPeer(shape, documents, targets),
        },
        "Transformer, masked LM": {
            "transformers": lambda: Torch(shape, documents, None),
            "KerasHub": lambda: KerasPeer(shape, documents, None),
        },
    }
    product = matmul_rate(precision="bfloat16" if "bfloat16" in arguments.precision else "float32")
    tables, rooflines, profiles = {}, [], []
    for title, others in peers.items():
        if arguments.only not in title:
            continue
        backbone = "text_cnn" if title.startswith("TextCNN") else "transformer"
        stage = "masked_lm" if title.endswith("masked LM") else "fine_tuning"
        head = "masked_lm" if stage == "masked_lm" else DEFAULT_HEADS[backbone]
        ours = Ours(arguments, data, backbone, head)
        sides = {"ours": ours}
        if not arguments.ours_only:
            sides |= {name: make() for name, make in others.items()}
        samples = in_turn({name: side.work for name, side in sides.items()}, arguments.rounds)
        unit = "tokens" if stage == "masked_lm" else "documents"
        rows = summary(samples, "ours")
        for row in rows:
            row["waste"] = sides[row["side"]].fed.waste
        tables[f"{title}: {unit} a second"] = rows

        batch = ours.median_batch()
        inputs = batch[0] if isinstance(batch, tuple) else batch
        classes = shape.vocab_size if stage == "masked_lm" else shape.num_labels
        work = operations(ours.config, inputs, head, classes)
        profile = {"input": input_ms(lambda: ours.batches(0), 20)}  # noqa: B023
        if keras.backend.backend() == "tensorflow":
            profile |= parts(ours.model, batch, 2 if arguments.test_mode else 15)
            profiles.append({"step": title, **{f"{key}_ms": v for key, v in profile.items()}})
            rate = work / (profile["step"] / 1000)
        else:
            per_second = [one.wall / arguments.steps for one in samples["ours"]]
            rate = ours.operations_a_step(head, classes) / float(np.median(per_second))
        rooflines.append(
            {
                "step": title,
                "matrix_product_gflops": product / 1e9,
                "step_gflop": work / 1e9,
                "reached_gflops": rate / 1e9,
                "fraction": rate / product,
            }
        )
    if profiles:
        tables["Where a step's time goes"] = profiles
    tables["Roofline"] = rooflines
    return tables


# The same head as the peers' where there are peers of the same network.
DEFAULT_HEADS = {"text_cnn": "detectors", "transformer": "pooled"}


class Data:
    """The training documents of CAIL2018, as both steps read them."""

    def __init__(self, arguments: argparse.Namespace, folder: Path) -> None:
        from data_util.classification_data import (
            build_vocabulary,
            count_labels,
            prepare_labelled_data,
        )
        from data_util.labels import LabelSet
        from data_util.pretraining_data import prepare_pretraining_data
        from data_util.tokenizers import make_tokenizer
        from training.labelled_data import multi_hot

        paths, limit = [str(arguments.data / "cail2018/train.json")], arguments.documents
        tokenizer = make_tokenizer("word")
        self.vocabulary = build_vocabulary(
            paths,
            tokenizer,
            vocab_size=VOCAB_SIZE,
            min_count=1,
            label_field="accusation",
            max_documents=limit,
            processes=1,
        )
        self.labels = LabelSet.from_counts(count_labels(paths, max_documents=limit))
        self.labelled = prepare_labelled_data(
            paths,
            tokenizer,
            self.vocabulary,
            self.labels,
            label_field="accusation",
            cache_folder=folder,
            processes=1,
            max_documents=limit,
        )
        self.free, _, _ = prepare_pretraining_data(
            paths, vocabulary=self.vocabulary, cache_folder=folder, max_documents=limit
        )
        self.documents = [self.labelled.tokens(number) for number in range(len(self.labelled))]
        self.targets = multi_hot(self.labelled, len(self.labels)).astype(np.float32)


class Ours:
    """This project's model, optimizer and input, run as its loop runs them."""

    def __init__(self, arguments: argparse.Namespace, data: Data, backbone: str, head: str) -> None:
        from data_util.classification_batches import ClassificationBatches
        from data_util.pretraining_batches import PretrainingBatches
        from models.backbone import make_backbone
        from models.build import build
        from models.classification import ClassificationModel
        from models.config import backbone_config
        from models.pretraining import PretrainingModel
        from training.optimizer import AdamW

        sizes: dict[str, Any] = {}
        if arguments.preset is None and backbone == "transformer":
            # What a BERT of the peers has.
            sizes = {"num_header": 2, "d_k": 64, "d_v": 64, "d_ff": 512, "position": "learned"}
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
                next_sentence=False,
                **shared,
            )
            self.model = build(PretrainingModel(make_backbone(self.config), ("masked_lm",)))
        else:
            self.made = ClassificationBatches(
                data.labelled, len(data.labels), data.vocabulary, **shared
            )
            self.model = build(
                ClassificationModel(make_backbone(self.config), len(data.labels), head=head)
            )
        self.model.compile(optimizer=AdamW(1e-4))
        self.fed = Fed()
        self._steps, self._epoch, self._head = arguments.steps, 0, head

    def batches(self, epoch: int) -> Iterator[Any]:
        """Batches without end, from an epoch on."""
        for number in itertools.count(epoch):
            for batch in self.made.batches(number):
                yield batch[:2] if isinstance(batch, tuple) else batch

    def work(self) -> float:
        """Some steps; the documents, or for masked LM the tokens, that they read."""
        from training.input_pipeline import prefetched

        self._epoch += 1
        epoch, seen = self._epoch, list[np.ndarray]()

        def some() -> Iterator[Any]:
            # It is begun twice, the first time for the shapes alone.
            seen.clear()
            for batch in itertools.islice(self.batches(epoch), self._steps):
                inputs = batch[0] if isinstance(batch, tuple) else batch
                seen.append(inputs["padding_mask"])
                yield batch

        self.model.fit(prefetched(some, self._steps), verbose=0)
        before = self.fed.tokens
        for mask in seen:
            self.fed.add(mask)
        if self._head == "masked_lm":
            return self.fed.tokens - before
        return sum(len(mask) for mask in seen)

    def median_batch(self) -> Any:
        """A batch of the middle length of an epoch's beginning."""
        some = list(itertools.islice(self.batches(0), 15))
        lengths = [
            (batch[0] if isinstance(batch, tuple) else batch)["token_ids"].shape[1]
            for batch in some
        ]
        return some[int(np.argsort(lengths, kind="stable")[len(some) // 2])]

    def operations_a_step(self, head: str, classes: int) -> float:
        """The mean over the batches of the last round."""
        from benchmarks.step_profile import operations

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


if __name__ == "__main__":
    main()
