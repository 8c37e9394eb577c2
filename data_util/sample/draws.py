"""Random choices that stay the same with another NumPy."""

from collections.abc import Sequence
from typing import TypeVar

from common.random_streams import random_generator

T = TypeVar("T")


class Draws:
    """Random choices, all derived from `Generator.random`.

    NumPy may change how `choice`, `integers` and `shuffle` use the bit stream; uniform numbers are
    the bit stream itself, so the sample stays the same with another NumPy.

    Args:
        seed: of the whole sample.
        stream: the part of the sample, which has random draws of its own.
    """

    def __init__(self, seed: int, stream: str) -> None:
        self._uniform = random_generator(seed, f"sample_corpus/{stream}").random

    def below(self, limit: int) -> int:
        """An integer from 0 to `limit - 1`."""
        return int(self._uniform() * limit)

    def happens(self, probability: float) -> bool:
        """True with this probability."""
        return bool(self._uniform() < probability)

    def one_of(self, items: Sequence[T]) -> T:
        """One of the items, each with the same probability."""
        return items[self.below(len(items))]

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """The items in a random order."""
        keys = [self._uniform() for _ in items]
        return [items[i] for i in sorted(range(len(items)), key=keys.__getitem__)]
