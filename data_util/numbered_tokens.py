"""The tokens of several texts as numbers: a token's number is its place among the distinct ones."""

import itertools
from array import array
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class NumberedTokens:
    """The tokens of several texts.

    Attributes:
        tokens: the distinct ones, in the order in which they were first seen.
        numbers: (number of tokens,) int32, places in `tokens`, all texts one after another.
        lengths: (texts,) int64, tokens a text.
    """

    tokens: list[str]
    numbers: np.ndarray
    lengths: np.ndarray


def number_tokens(texts: Sequence[str], tokenize: Callable[[str], Sequence[str]]) -> NumberedTokens:
    """Numbers what `tokenize` makes of each text."""
    # A token that is new gets the next number. The look-ups run without a line of Python for each.
    places: defaultdict[str, int] = defaultdict(itertools.count().__next__)
    numbers = array("i")
    lengths = np.zeros(len(texts), np.int64)
    for index, text in enumerate(texts):
        tokens = tokenize(text)
        numbers.extend(map(places.__getitem__, tokens))
        lengths[index] = len(tokens)
    return NumberedTokens(
        list(places),
        np.frombuffer(numbers, np.int32) if numbers else np.zeros(0, np.int32),
        lengths,
    )
