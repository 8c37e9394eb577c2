"""Numbers that say how each choice of a question compares with the context and with the others.

They are computed from token ids and know no word: what a linear classifier learns from them is how
much it says for a choice that the context has its tokens, close to those of the question. Only
NumPy is needed.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

# What lies beyond is not compared: the time for a choice grows with the product of both.
MAX_CONTEXT, MAX_CHOICE = 10_000, 500
# Tokens of the context that are looked at together.
_WINDOWS = (10, 30)
_OF_WINDOWS = ("choice", "choice_and_question", "choice_times_question", "own", "own_and_question")
_NUMBERS: tuple[str, ...] = (
    "covered",
    "own_covered",
    "bigrams",
    "trigrams",
    "substring_share",
    "whole",
    "substring",
    *(f"window_{size}_{name}" for size in _WINDOWS for name in (*_OF_WINDOWS, "place")),
    "window_of_choice",
    "window_of_choice_and_question",
    "mean_distance",
    "least_distance",
    "close_share",
    "in_question",
    "bigrams_in_question",
    "length",
    "own_share",
)
# Each number twice: compared with the mean of the other choices, and whether it is the highest.
FEATURE_NAMES: tuple[str, ...] = (*_NUMBERS, *(f"{name}_highest" for name in _NUMBERS))


def compare_choices(texts: Sequence[np.ndarray]) -> np.ndarray:
    """The features of the choices of a question, (choices, len(FEATURE_NAMES)) float32.

    A token counts as much as it is rare in the context, `log(1 + 1 / count)`, and windows slide
    over the context to find where it has most of what the choice says, or of the choice and the
    question together: both are from Richardson et al. 2013, MCTest
    (https://aclanthology.org/D13-1020), section 5.1, and so is the distance between the tokens of
    question and choice. A choice's own tokens are those that no other choice has. Without a
    context, the question takes its place.

        >>> question = [np.array(each, np.int32) for each in ([5, 6, 7, 8], [5], [6, 7], [9])]
        >>> compare_choices(question)[:, FEATURE_NAMES.index("whole")].tolist()
        [1.0, -1.0]

    Args:
        texts: the token ids of the context, of the question, and of each choice, int32. Of the
            context, the first `MAX_CONTEXT` are read, of the others `MAX_CHOICE`.
    """
    context, question, *choices = texts
    if not len(context):
        context, question = question, context
    choices = [choice[:MAX_CHOICE] for choice in choices]
    compared = _Context(context[:MAX_CONTEXT], question[:MAX_CHOICE])
    shared = Counter(token for choice in choices for token in set(choice.tolist()))
    numbers = np.array([compared.numbers(choice, shared) for choice in choices])
    others = (numbers.sum(axis=0) - numbers) / max(1, len(choices) - 1)
    highest = numbers >= numbers.max(axis=0)
    return np.concatenate([numbers - others, highest], axis=1).astype(np.float32)


class _Context:
    """What all choices of a question are compared with."""

    def __init__(self, context: np.ndarray, question: np.ndarray) -> None:
        self._ids, self._tokens = context, context.tolist()
        self._rarity = {
            token: math.log1p(1 / count) for token, count in Counter(self._tokens).items()
        }
        self._weights = np.array([self._rarity[token] for token in self._tokens])
        self._ngrams = {size: set(_ngrams(self._tokens, size)) for size in (2, 3)}
        self._question = set(question.tolist())
        self._question_bigrams = set(_ngrams(question.tolist(), 2))
        self._of_question = np.isin(context, question)
        self._question_weight = self._weight(self._question)

    def numbers(self, choice: np.ndarray, shared: Counter[int]) -> list[float]:
        """`_NUMBERS` of a choice.

        Args:
            choice: its token ids.
            shared: how many of the choices have each token.
        """
        tokens = choice.tolist()
        own = [token for token in tokens if shared[token] == 1]
        size = max(1, len(tokens))
        substring = self._longest_substring(tokens)
        bigrams = set(_ngrams(tokens, 2))
        return [
            self._covered(tokens),
            self._covered(own),
            _share(_ngrams(tokens, 2), self._ngrams[2]),
            _share(_ngrams(tokens, 3), self._ngrams[3]),
            substring / size,
            float(substring == len(tokens)),
            math.log1p(substring),
            *self._windows(set(tokens), set(own)),
            *self._distances(set(tokens)),
            _share(set(tokens), self._question),
            _share(bigrams, self._question_bigrams),
            math.log1p(len(tokens)),
            len(own) / size,
        ]

    def _weight(self, tokens: Iterable[int]) -> float:
        """Of all the tokens together; one that the context lacks is as rare as one it has once."""
        return sum(self._rarity.get(token, math.log(2)) for token in tokens) or 1.0

    def _covered(self, tokens: Sequence[int]) -> float:
        found = sum(self._rarity.get(token, 0.0) for token in tokens)
        return found / self._weight(tokens)

    def _windows(self, tokens: set[int], own: set[int]) -> list[float]:
        """The numbers from "window_10_choice" to "window_of_choice_and_question"."""
        weight, own_weight = self._weight(tokens), self._weight(own)
        of_choice = self._weights * np.isin(self._ids, list(tokens))
        of_own = self._weights * np.isin(self._ids, list(own))
        of_question = self._weights * self._of_question
        numbers: list[float] = []
        for size in _WINDOWS:
            choice, question = _sums(of_choice, size), _sums(of_question, size)
            both = (choice + question) / (weight + self._question_weight)
            choice, alone = choice / weight, _sums(of_own, size) / own_weight
            question = np.minimum(question / self._question_weight, 1)
            near = np.minimum(alone, 1)
            numbers += [
                choice.max(),
                both.max(),
                (np.minimum(choice, 1) * question).max(),
                alone.max(),
                (near + question).max(),
                float(np.argmax(near + question / 2)) / len(near),
            ]
        either = np.maximum(of_choice, of_question)
        together = _sums(either, len(tokens | self._question)).max()
        return [
            *numbers,
            _sums(of_choice, len(tokens)).max() / weight,
            together / (weight + self._question_weight),
        ]

    def _distances(self, tokens: set[int]) -> list[float]:
        """How far the choice's tokens in the context are from the nearest of the question's.

        Tokens that the question has, too, do not count. The last number is how many there are, for
        each token of the choice.
        """
        asked = np.flatnonzero(self._of_question)
        found = np.flatnonzero(np.isin(self._ids, list(tokens)) & ~self._of_question)
        if not len(asked) or not len(found):
            return [math.log1p(len(self._ids))] * 2 + [0.0]
        after = np.searchsorted(asked, found)
        distances = np.minimum(
            np.abs(found - asked[np.minimum(after, len(asked) - 1)]),
            np.abs(found - asked[np.maximum(after - 1, 0)]),
        )
        return [
            math.log1p(distances.mean()),
            math.log1p(distances.min()),
            len(found) / len(tokens),
        ]

    def _longest_substring(self, tokens: Sequence[int]) -> int:
        """The length of the longest run of these tokens that the context has."""
        longest = np.zeros(len(self._ids) + 1, np.int64)
        best = 0
        for token in tokens:
            # At each place of the context, the length of the run that ends there.
            longest[1:] = np.where(self._ids == token, longest[:-1] + 1, 0)
            best = max(best, int(longest.max()))
        return best


def _ngrams(tokens: Sequence[int], size: int) -> Iterator[tuple[int, ...]]:
    return zip(*(tokens[start:] for start in range(size)), strict=False)


def _share(parts: Iterator[tuple[int, ...]] | set, among: set) -> float:
    """Which share of the parts is among these; 0 if there are none."""
    found = [part in among for part in parts]
    return sum(found) / max(1, len(found))


def _sums(values: np.ndarray, size: int) -> np.ndarray:
    """The sums over windows of so many values, or over all of them if there are fewer."""
    size = min(max(1, size), len(values))
    if not size:
        return np.zeros(1)
    ends = np.concatenate([[0.0], np.cumsum(values)])
    return ends[size:] - ends[:-size]
