"""The content of `test_predictions.jsonl`: each test example with its true and predicted labels."""

import json
import logging
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from common.errors import InputError
from data_util.reading.documents import Document
from tasks.classification.outcome import Outcome

logger = logging.getLogger(__name__)

TEXT_CHARACTERS = 80
# A file of so many lines has some 30 MB, and a checkpoint of which it is part is read in a second.
MAX_LINES = 100_000


def predictions_of(
    outcome: Outcome, documents: Iterable[Document], shown: Sequence[int]
) -> tuple[str, dict[int, Document]] | None:
    """Describes the test examples, which are read once more.

    Of more than `MAX_LINES` examples only wrong ones are described, and of those the ones with the
    largest losses.

    Args:
        outcome: the decisions.
        documents: the examples in the order of the outcome.
        shown: the examples to return with their texts.

    Returns:
        Lines of JSON, and the documents of `shown` by their numbers. None, with a warning, if the
        files can no longer be read, or have other examples than before.
    """
    written = np.ones(len(outcome), bool)
    if len(outcome) > MAX_LINES:
        written[:] = False
        written[outcome.worst(MAX_LINES)] = True
        logger.info(
            "test_predictions.jsonl has only the wrong ones of %s examples, at most %s",
            f"{len(outcome):,}",
            f"{MAX_LINES:,}",
        )
    lines, kept, wanted, number = [], {}, set(shown), -1
    try:
        for number, document in enumerate(documents):
            if number >= len(outcome):
                break
            if written[number]:
                lines.append(json.dumps(_entry(outcome, number, document), ensure_ascii=False))
            if number in wanted:
                kept[number] = document
    except InputError as error:
        logger.warning("the test examples cannot be listed: %s", error)
        return None
    if number != len(outcome) - 1:
        logger.warning("the test examples cannot be listed: their files have changed")
        return None
    return "".join(f"{line}\n" for line in lines), kept


def _entry(outcome: Outcome, number: int, document: Document) -> dict[str, Any]:
    texts = {"text": document.text[:TEXT_CHARACTERS]}
    if document.text_b is not None:
        texts["text_b"] = document.text_b[:TEXT_CHARACTERS]
    return {
        "file": document.path,
        "line": document.line,
        **texts,
        "correct": not (outcome.targets[number] != outcome.decisions[number]).any(),
        "true": _labels(outcome, number, outcome.targets[number]),
        "predicted": _labels(outcome, number, outcome.decisions[number]),
    }


def _labels(outcome: Outcome, number: int, chosen: np.ndarray) -> list[dict[str, Any]]:
    """The chosen labels as `predict.py` writes them, the most probable first."""
    labels, probabilities = np.flatnonzero(chosen), outcome.probabilities[number]
    return [
        {"label": outcome.labels[label], "probability": round(float(probabilities[label]), 6)}
        for label in labels[np.argsort(-probabilities[labels], kind="stable")].tolist()
    ]
