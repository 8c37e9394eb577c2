"""Blocks of consecutive items."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

ItemT = TypeVar("ItemT")


def blocks(items: Iterable[ItemT], size: int) -> Iterator[list[ItemT]]:
    """Lists of `size` consecutive items; the last may be shorter."""
    iterator = iter(items)
    while block := list(islice(iterator, size)):
        yield block
