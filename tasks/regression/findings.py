"""What the log, the report and `test_predictions.jsonl` say of predicted values."""

import json
import logging
from collections.abc import Iterable, Sequence

import numpy as np

from common.errors import InputError
from reports.blocks import Block, Example, Examples, Fact, LineChart, Section, Sentences, Series
from tasks.evaluation import Findings
from tasks.regression.records import Valued

logger = logging.getLogger(__name__)

_WORST = 20
_CHARACTERS = 300
_TEXT_CHARACTERS = 80
_MAX_LINES = 100_000
_GROUPS = 10


def predictions_of(
    predicted: np.ndarray, true: np.ndarray, examples: Iterable[Valued]
) -> tuple[dict[str, str], list[Valued]] | None:
    """Describes the test examples, which are read once more.

    Args:
        predicted, true: (examples,) float.
        examples: in the same order.

    Returns:
        `test_predictions.jsonl` with a line for each (of very many the first), and the examples.
        None, with a warning, if the files can no longer be read, or have changed.
    """
    try:
        read = list(examples)
    except InputError as error:
        logger.warning("the test examples cannot be listed: %s", error)
        return None
    if len(read) != len(true):
        logger.warning("the test examples cannot be listed: their files have changed")
        return None
    lines = []
    for each, value, expected in zip(read[:_MAX_LINES], predicted, true, strict=False):
        names = ("text",) if len(each.texts) == 1 else ("text_a", "text_b")
        path, line = each.place
        entry = {
            "file": path,
            "line": line,
            **dict(zip(names, (text[:_TEXT_CHARACTERS] for text in each.texts), strict=True)),
            "true": round(float(expected), 6),
            "predicted": round(float(value), 6),
        }
        lines.append(json.dumps(entry, ensure_ascii=False) + "\n")
    return {"test_predictions.jsonl": "".join(lines)}, read


def findings_of(predicted: np.ndarray, true: np.ndarray, examples: Sequence[Valued]) -> Findings:
    """Describes predicted values.

    Args:
        predicted, true: (examples,) float.
        examples: in the same order, or none if they could not be read again.
    """
    errors = np.abs(predicted.astype(np.float64) - true)
    spread = float(np.abs(true - np.median(true)).mean())
    lines = [
        f"mean absolute error {errors.mean():.4g}; of the median of all values it is {spread:.4g}"
    ]
    worst: list[Block] = [Sentences(["The test files could not be read again."])]
    if examples:
        numbers = np.argsort(-errors, kind="stable")[:_WORST].tolist()
        found = [_example(examples[at], predicted[at], true[at]) for at in numbers]
        worst = [Examples(found)]
    return Findings(
        lines=lines,
        sections=[
            Section(
                "Predicted and true values",
                [_chart(predicted, true)],
                "The test examples in up to ten groups by their predicted value: where the dots "
                "rise evenly, a higher prediction means a higher value.",
            ),
            Section(
                "Examples with the largest errors",
                worst,
                "All test examples are in test_predictions.jsonl.",
            ),
        ],
    )


def _chart(predicted: np.ndarray, true: np.ndarray) -> LineChart:
    order = np.argsort(predicted, kind="stable")
    groups = [each for each in np.array_split(order, _GROUPS) if len(each)]
    points = [(float(predicted[each].mean()), float(true[each].mean())) for each in groups]
    return LineChart(
        "Predicted and true",
        "mean predicted value",
        "mean true value",
        [Series("", points)],
        sizes=[len(each) for each in groups],
    )


def _example(example: Valued, predicted: float, true: float) -> Example:
    texts = [
        text if len(text) <= _CHARACTERS else text[: _CHARACTERS - 1] + "…"
        for text in example.texts
    ]
    facts = [Fact("predicted", f"{predicted:.4g}"), Fact("true", f"{true:.4g}")]
    return Example(":".join(map(str, example.place)), texts, facts)
