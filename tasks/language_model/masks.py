"""The tokens that stand for [MASK] in a text of any length."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from data_util.tokens.vocabulary import Vocabulary
from models.generation.scores import log_softmax
from tasks.data import TextEncoder
from tasks.windows import owners, windows

MASK = "[MASK]"
# Positions that are scored together, so that their scores for a whole vocabulary stay small.
_TOGETHER = 64


@dataclass(frozen=True)
class Window:
    """A part of a text.

    Attributes:
        ids: (tokens,) int32, the tokens of the part.
        filled: (tokens,) bool, the masks that are filled in here.
    """

    ids: np.ndarray
    filled: np.ndarray


@dataclass(frozen=True)
class Candidates:
    """The most probable tokens for some masks, the best first.

    Attributes:
        ids: (masks, candidates) int32.
        probabilities: (masks, candidates) float32.
    """

    ids: np.ndarray
    probabilities: np.ndarray

    @classmethod
    def joined(cls, parts: "Sequence[Candidates]") -> "Candidates":
        """Those of several windows, one after the other."""
        return cls(
            np.concatenate([each.ids for each in parts]),
            np.concatenate([each.probabilities for each in parts]),
        )

    def to_dicts(self, tokens: Sequence[str], top_k: int) -> list[list[dict[str, Any]]]:
        """For each mask its `top_k` best tokens, as JSON has them."""
        return [
            [
                {"token": tokens[token], "probability": round(probability, 6)}
                for token, probability in zip(ids[:top_k], probabilities[:top_k], strict=True)
            ]
            for ids, probabilities in zip(
                self.ids.tolist(), self.probabilities.tolist(), strict=True
            )
        ]

    def fill(self, text: str, tokens: Sequence[str]) -> str:
        """The text with the best token in the place of each [MASK]."""
        best = [tokens[token].removeprefix("##") for token in self.ids[:, 0].tolist()]
        return "".join(chain.from_iterable(zip(text.split(MASK), [*best, ""], strict=True)))


def encode_masked(texts: Sequence[str], text: TextEncoder) -> list[np.ndarray]:
    """The token ids of texts, (tokens,) int32 each, in which [MASK] is one token."""
    parts = [each.split(MASK) for each in texts]
    encoded = iter(text.encode(list(chain.from_iterable(parts))))
    mask = np.array([text.vocabulary.mask_id], np.int32)
    found = []
    for each in parts:
        pieces = [next(encoded)]
        for _ in each[1:]:
            pieces += [mask, next(encoded)]
        found.append(np.concatenate(pieces))
    return found


def mask_windows(ids: np.ndarray, mask_id: int, room: int) -> list[Window]:
    """The parts of a text in which its masks are filled in.

    Parts of a text that is too long have half of their tokens in common, and each mask is filled in
    where most of the text is around it. A part without a mask is left out.

    Args:
        ids: (tokens,) int32 of the text.
        mask_id: that of [MASK].
        room: the most tokens of a part.
    """
    spans, masks = windows(len(ids), room, room // 2), ids == mask_id
    owner = owners(spans)
    found = []
    for number, (start, end) in enumerate(spans):
        filled = (masks & (owner == number))[start:end]
        if filled.any():
            found.append(Window(ids[start:end], filled))
    return found


def filled_places(parts: Sequence[Window], shape: tuple[int, ...]) -> np.ndarray:
    """The masks that are filled in, where each part is a row of a batch and stands after [CLS].

    Args:
        parts: the parts of one or more texts.
        shape: (rows, length) of the batch.

    Returns:
        (rows, length) bool.
    """
    places = np.zeros(shape, bool)
    for row, part in enumerate(parts):
        places[row, 1 : len(part.ids) + 1] = part.filled
    return places


class MaskFiller:
    """Gives the most probable tokens for the masks of a batch.

    Each is predicted as if the others of its window were masked, too.

    Args:
        states: runs a `models.language_model.PositionStates`.
        scores: runs a `models.language_model.StateScores`.
        vocabulary: of the token ids.
    """

    def __init__(
        self,
        states: Callable[[Mapping[str, np.ndarray]], Any],
        scores: Callable[[Mapping[str, np.ndarray]], Any],
        vocabulary: Vocabulary,
    ) -> None:
        self._states, self._scores = states, scores
        self._ordinary = vocabulary.ordinary_ids

    def __call__(
        self,
        inputs: Mapping[str, np.ndarray],
        filled: np.ndarray,
        most: int,
        allowed: np.ndarray | None = None,
    ) -> list[Candidates]:
        """The candidates of each row.

        Args:
            inputs: the backbone's.
            filled: (rows, length) bool, the masks.
            most: how many tokens to give for each; fewer if there are no more.
            allowed: (tokens,) int32, the ids among which they are, at least one; None: all but the
                reserved tokens. The probabilities of all that are allowed have the sum 1.
        """
        counts = filled.sum(axis=1)
        slots = np.arange(int(counts.max(initial=0))) < counts[:, None]
        positions = np.zeros(slots.shape, np.int32)
        positions[slots] = np.nonzero(filled)[1]
        # The scores of all masks at once might not fit into memory: one has thousands of them.
        states = np.asarray(self._states({**inputs, "positions": positions}), np.float32)[slots]
        allowed = self._ordinary if allowed is None else allowed
        most = min(most, len(allowed))
        parts = [
            self._best(states[start : start + _TOGETHER], most, allowed)
            for start in range(0, len(states), _TOGETHER)
        ]
        joined, ends = Candidates.joined(parts), np.cumsum(counts).tolist()
        return [
            Candidates(joined.ids[start:end], joined.probabilities[start:end])
            for start, end in zip([0, *ends], ends, strict=False)
        ]

    def _best(self, states: np.ndarray, most: int, allowed: np.ndarray) -> Candidates:
        logits = np.asarray(self._scores({"states": states[None]}), np.float32)[0][:, allowed]
        chosen = np.argpartition(-logits, most - 1, axis=1)[:, :most]
        order = np.argsort(-np.take_along_axis(logits, chosen, axis=1), axis=1, kind="stable")
        best = np.take_along_axis(chosen, order, axis=1)
        probabilities = np.exp(np.take_along_axis(log_softmax(logits), best, axis=1))
        return Candidates(allowed[best], probabilities)
