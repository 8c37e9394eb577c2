"""Labels for new text, in a stream: a file may be larger than memory."""

import json
import logging
import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from common.errors import CheckpointError, OptionError
from data_util.classification_data import pack_documents, pack_pairs
from data_util.documents import Document, check_paths, read_texts
from data_util.labels import LabelSet
from data_util.sentence_pairs import Text, check_kind
from models.checkpoints.folder import read_checkpoint
from models.checkpoints.weights import load_model
from models.tables import TASKS
from training.input_pipeline import predict_logits
from training.metrics import decide
from training.options import PredictionOptions
from training.setup import stored_tokenizer

logger = logging.getLogger(__name__)

_BATCHES_TOGETHER = 16
_LOG_SECONDS = 30.0
_LINES_NAMED = 10


class Classifier:
    """A fine-tuned checkpoint, ready to label texts.

    Args:
        folder: the checkpoint folder.
        threshold: for all labels, instead of the checkpoint's own.

    Attributes:
        pairs: whether it labels pairs of texts, and not single ones.

    Raises:
        CheckpointError: the folder is not a whole, fine-tuned checkpoint.
    """

    def __init__(self, folder: Path, threshold: float | None = None) -> None:
        checkpoint = read_checkpoint(folder)
        if checkpoint.config.get("stage") != "fine_tuning":
            raise CheckpointError(
                f"{folder}: this checkpoint is only pre-trained and knows no labels. Run "
                "train_bert_fine_tuning.py on it first."
            )
        if checkpoint.setting("test_mode", bool):
            logger.warning("%s was made in --test_mode: its labels mean little", folder)
        self.tokenizer, self.vocabulary = stored_tokenizer(checkpoint)
        self.labels = LabelSet.load(checkpoint.path("labels.txt"))
        if len(self.labels) != checkpoint.setting("num_labels", int):
            raise CheckpointError(
                f"{checkpoint.path('labels.txt')}: {len(self.labels):,} labels, but the model has "
                f"{checkpoint.setting('num_labels', int):,}; it is of another checkpoint."
            )
        self._task_name = checkpoint.setting("task", str)
        self.sequence_length = checkpoint.setting("sequence_length", int)
        self.pairs = "pairs" in checkpoint.config and checkpoint.setting("pairs", bool)
        shortest = 5 if self.pairs else 3
        longest = checkpoint.backbone.max_position
        if not shortest <= self.sequence_length <= longest:
            raise CheckpointError(
                f"{folder}: config.json has a sequence_length of {self.sequence_length}; it must "
                f"be from {shortest} to max_position ({longest:,})."
            )
        names = self.labels.labels
        self.thresholds = np.array(
            checkpoint.thresholds(names) if threshold is None else [threshold] * len(names)
        )
        self.checkpoint = checkpoint
        self.model = load_model(checkpoint)

    def probabilities(self, texts: Sequence[Text], batch_size: int = 64) -> np.ndarray:
        """(texts, labels) float32: how likely each label is for each text.

        Args:
            texts: strings, or tuples of two for a classifier of pairs.
            batch_size: texts a step.

        Raises:
            InputError: a text is of the wrong kind.
        """
        if not texts:
            return np.zeros((0, len(self.labels)), dtype=np.float32)
        ids = self.encode(texts)
        results = np.zeros((len(texts), len(self.labels)), dtype=np.float32)
        # Texts of like length go together, so that little of a batch is padding.
        order = sorted(range(len(texts)), key=lambda index: sum(map(len, ids[index])))
        results[order] = TASKS[self._task_name].probabilities(
            predict_logits(
                self.model,
                lambda: self._batches([ids[i] for i in order], batch_size),
                -(-len(order) // batch_size),
            )
        )
        return results

    def encode(self, texts: Sequence[Text]) -> list[tuple[np.ndarray, ...]]:
        """The token ids of each text, or of the two texts of each pair, (tokens,) int32 each.

        Raises:
            InputError: a text is of the kind that the classifier does not read.
        """
        for text in texts:
            check_kind(text, pairs=self.pairs, reason="the classifier reads")
        parts = [(text,) if isinstance(text, str) else text for text in texts]
        numbered = self.tokenizer.number([part for text in parts for part in text])
        ids = self.vocabulary.encode(numbered.tokens)[numbered.numbers]
        of_parts = iter(np.split(ids, np.cumsum(numbered.lengths)[:-1]))
        return [tuple(islice(of_parts, len(text))) for text in parts]

    def _batches(
        self, ids: list[tuple[np.ndarray, ...]], batch_size: int
    ) -> Iterator[dict[str, np.ndarray]]:
        for first in range(0, len(ids), batch_size):
            yield self.pack(ids[first : first + batch_size])

    def pack(self, ids: Sequence[tuple[np.ndarray, ...]]) -> dict[str, np.ndarray]:
        """What `encode` gave for several texts as the backbone's input, padded."""
        if self.pairs:
            pairs = [(a, b) for a, b in ids]
            return pack_pairs(pairs, self.vocabulary, self.sequence_length)
        documents = [document for (document,) in ids]
        return pack_documents(documents, self.vocabulary, self.sequence_length)

    def result(self, probabilities: np.ndarray, top_k: int = 0) -> dict[str, Any]:
        """What one text got: {"labels": [{"label", "probability"}...]}, likeliest first.

        Args:
            probabilities: (labels,) float, of one text.
            top_k: also give so many labels, decided for or not, under "top".
        """

        def entries(labels: np.ndarray) -> list[dict[str, Any]]:
            return [
                {
                    "label": self.labels.labels[label],
                    "probability": round(float(probabilities[label]), 6),
                }
                for label in labels
            ]

        order = np.argsort(-probabilities, kind="stable")
        decided = decide(probabilities[None], self.thresholds, self._task_name)[0]
        result = {"labels": entries(order[decided[order]])}
        if top_k:
            result["top"] = entries(order[:top_k])
        return result


def predict(options: PredictionOptions) -> int:
    """Labels every line of `--input`, in its order.

    Returns:
        The number of lines.
    """
    if options.input != "-":
        check_paths([options.input])
        if os.path.realpath(options.output) == os.path.realpath(options.input):
            raise OptionError(f"--output={options.output}: this is the input; name another file.")
    classifier = Classifier(Path(options.ckpt_dir), options.threshold)
    began = shown = time.monotonic()
    lines = without_text = 0
    with ExitStack() as stack:
        source = sys.stdin.buffer
        if options.input != "-":
            source = stack.enter_context(open(options.input, "rb"))
        target = stack.enter_context(_output(options.output))
        name = "standard input" if options.input == "-" else options.input
        size = options.batch_size * _BATCHES_TOGETHER
        for documents in _blocks(read_texts(source, name, pairs=classifier.pairs), size):
            for document in documents:
                if not document.text:
                    without_text += 1
                    if without_text <= _LINES_NAMED:
                        logger.warning("%s:%d: no text, so no labels", name, document.line)
            for result in _label(classifier, documents, options):
                target.write(json.dumps(result, ensure_ascii=False) + "\n")
            target.flush()
            lines += len(documents)
            if time.monotonic() - shown > _LOG_SECONDS:
                shown = time.monotonic()
                logger.info("%s documents, %.0f/s", f"{lines:,}", lines / (shown - began))
    if without_text > _LINES_NAMED:
        logger.warning("%s: %s lines in all had no text, so no labels", name, f"{without_text:,}")
    logger.info("labelled %s documents in %.1f s", f"{lines:,}", time.monotonic() - began)
    return lines


@contextmanager
def _output(path: str) -> Iterator[TextIO]:
    """Where the labels go: what is under the name of a file is whole, and nothing else stays."""
    if path == "-":
        yield sys.stdout
    elif os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path):
        # A pipe or a device. To rename a file to its name would put the file in its place.
        with open(path, "w", encoding="utf-8") as file:
            yield file
    else:
        partial = Path(f"{path}.partial")
        try:
            with open(partial, "w", encoding="utf-8") as file:
                yield file
            os.replace(partial, path)
        finally:
            partial.unlink(missing_ok=True)


def _label(
    classifier: Classifier, documents: list[Document], options: PredictionOptions
) -> Iterator[dict[str, Any]]:
    texts = [document for document in documents if document.text]
    probabilities = iter(
        classifier.probabilities([document.texts for document in texts], options.batch_size)
    )
    for document in documents:
        if document.text:
            yield classifier.result(next(probabilities), options.top_k)
        else:
            yield {"labels": []}


def _blocks(documents: Iterable[Document], size: int) -> Iterator[list[Document]]:
    documents = iter(documents)
    while block := list(islice(documents, size)):
        yield block
