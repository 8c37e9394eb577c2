"""A backbone, an objective with its noise, and a task of someone else, added when the tests run."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from data_util.registry import NOISES
from models.registry import BACKBONES, OBJECTIVE_OPTIONS, OBJECTIVES
from tasks.registry import TASK_OPTIONS, TASKS

_PLACES: list[tuple[Any, str]] = [
    (BACKBONES, "tests.toys.toy_backbone:ToyBackbone"),
    (OBJECTIVES, "tests.toys.toy_objective:SwappedTokens"),
    (OBJECTIVE_OPTIONS, "tests.toys.toy_objective:ToyOptions"),
    (NOISES, "tests.toys.toy_noise:SwapNoise"),
    (TASKS, "tests.toys.toy_task.task:ToyTask"),
    (TASK_OPTIONS, "tests.toys.toy_task.records:ToyOptions"),
]


@contextmanager
def registered() -> Iterator[None]:
    """Each of them is there under the name "toy" until the end of the `with` block."""
    before = [dict(registry._places) for registry, _ in _PLACES]
    for registry, place in _PLACES:
        registry.register("toy", place)
    try:
        yield
    finally:
        for (registry, _), places in zip(_PLACES, before, strict=True):
            registry._places = places
