"""The endpoint that says which model answers, how good it is, and what the service takes."""

import math
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI

from data_util.reading.sources import check_paths
from data_util.tokens.vocabulary import Vocabulary
from serving.options import ServingOptions
from serving.schemas import ModelAnswer
from tasks.base import Task
from training.predictor import TaskPredictor

_EXAMPLES = 10
_HAN = range(0x4E00, 0xA000)


def add_model(app: FastAPI, predictor: TaskPredictor, options: ServingOptions) -> None:
    """Adds /v1/model."""
    answer = model_answer(predictor, options)

    @app.get("/v1/model", response_model=ModelAnswer)
    async def model() -> dict[str, Any]:
        """The model, its metrics, and the limits of a request."""
        return answer


def model_answer(predictor: TaskPredictor, options: ServingOptions) -> dict[str, Any]:
    """What /v1/model answers.

    Raises:
        InputError: `--examples_file` cannot be read.
    """
    task, checkpoint = predictor.task, predictor.checkpoint
    figures, measured_on = _measured(predictor.metrics)
    examples = figures.pop("examples", None)
    return {
        "name": checkpoint.folder.resolve().name,
        "task": task.name,
        "exclusive": bool(getattr(task, "exclusive", False)),
        "backbone": checkpoint.setting("backbone", dict)["backbone"],
        "labels": len(task.known_labels()),
        "sequence_length": predictor.text.sequence_length,
        "test_mode": checkpoint.setting("test_mode", bool),
        "metrics": figures,
        "measured_on": measured_on,
        "examples_measured": None if examples is None else int(examples),
        "max_texts": options.max_texts,
        "max_characters": options.max_characters,
        "max_body_bytes": options.max_body_bytes,
        "examples": _examples(task, predictor.text.vocabulary, options.examples_file),
    }


def _measured(metrics: Mapping[str, Any]) -> tuple[dict[str, float], str]:
    """The figures of the test documents or, without any, of the validation in the best epoch."""
    if found := _figures(metrics.get("test")):
        return found, "test"
    history = metrics.get("history")
    for epoch in history if isinstance(history, list) else []:
        if isinstance(epoch, dict) and epoch.get("epoch") == metrics.get("best_epoch"):
            return _figures(epoch.get("valid")), "valid"
    return {}, "valid"


def _figures(found: Any) -> dict[str, float]:
    """The numbers of an entry of metrics.json, which anybody may have written."""
    if not isinstance(found, dict):
        return {}
    numbers = {name: value for name, value in found.items() if type(value) in (int, float)}
    return {name: value for name, value in numbers.items() if math.isfinite(value)}


def _examples(task: Task, vocabulary: Vocabulary, path: str) -> list[dict[str, Any]]:
    if path:
        return _read_examples(task, path)
    han = sum(any(ord(char) in _HAN for char in token) for token in vocabulary.tokens)
    return task.examples(chinese=2 * han > len(vocabulary))


def _read_examples(task: Task, path: str) -> list[dict[str, Any]]:
    (checked,) = check_paths([path])
    found: list[dict[str, Any]] = []
    with checked.open("rb") as file:
        for line in task.read(file, path):
            if line.error is not None:
                raise line.error
            if line.record is not None:
                found.append(task.values(line.record))
            if len(found) == _EXAMPLES:
                break
    return found
