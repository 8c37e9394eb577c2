"""Texts that go on: what follows the beginnings of several texts."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from data_util.bucketing import padded_length
from data_util.tokens.vocabulary import Vocabulary
from models.generation.base import Generated
from models.generation.generate import generate
from models.generation.settings import GenerationSettings

# From a padding mask (rows, length) bool and the number of tokens that were given (rows, 1) int to
# segments (rows, length) int32.
Segments = Callable[[np.ndarray, np.ndarray], np.ndarray]


def kept_tokens(longest: int, max_length: int) -> int:
    """How many tokens of a text are read, from its end, so that there is room for what follows.

    A sequence consists of [CLS], these tokens, and up to `max_length` that are written. If these
    want more than half of the sequence, they get half of it, and what the text leaves.

        >>> kept_tokens(longest=128, max_length=50)
        77

    Args:
        longest: the most tokens of a sequence, 3 or more.
        max_length: how many are to be written.
    """
    return longest - 1 - min(max_length, longest // 2)


class Continuation:
    """Continues texts, several at a time, each as if it were alone.

    Args:
        logits: runs a `models.language_model.LanguageModel` that predicts the next token.
        segments: see `models.language_model.prefix_segments`.
        vocabulary: of the token ids.
        longest: the most tokens of a sequence.
        settings: how to generate.
    """

    def __init__(
        self,
        logits: Callable[[Mapping[str, np.ndarray]], Any],
        segments: Segments,
        vocabulary: Vocabulary,
        longest: int,
        settings: GenerationSettings,
    ) -> None:
        self._logits, self._segments, self._vocabulary = logits, segments, vocabulary
        self._longest, self._settings = longest, settings

    def __call__(
        self, texts: Sequence[np.ndarray], generators: Sequence[np.random.Generator]
    ) -> list[Generated]:
        """What follows each text, the best that was found.

        Args:
            texts: (tokens,) int32 each.
            generators: one for each text, if tokens are drawn.
        """
        kept = kept_tokens(self._longest, self._settings.max_length)
        prompts = [np.append(np.int32(self._vocabulary.cls_id), ids[-kept:]) for ids in texts]
        rooms = [min(self._settings.max_length, self._longest - len(prompt)) for prompt in prompts]
        found: list[Any] = [None] * len(texts)
        # Texts for which there is as much room are written together: all, unless there is little.
        for room in sorted(set(rooms)):
            rows = [row for row, each in enumerate(rooms) if each == room]
            settings = dataclasses.replace(self._settings, max_length=room)
            step = _Step(
                self._logits,
                self._segments,
                [prompts[row] for row in rows],
                self._vocabulary.pad_id,
                self._longest,
            )
            chosen = [generators[row] for row in rows] if generators else []
            for row, results in zip(
                rows, generate(step, step.prompts, settings, chosen), strict=True
            ):
                found[row] = results[0]
        return found


class _Step:
    """Scores the next token of texts of different lengths.

    Generation writes at the end of all rows, so their beginnings are padded. The model reads each
    row without this padding, since a token's position counts from the beginning of its text.

    Attributes:
        prompts: (rows, longest) int32, padded at the beginning.
    """

    def __init__(
        self,
        logits: Callable[[Mapping[str, np.ndarray]], Any],
        segments: Segments,
        prompts: Sequence[np.ndarray],
        pad_id: int,
        longest: int,
    ) -> None:
        self._logits, self._segments = logits, segments
        self._pad_id, self._longest = pad_id, longest
        self._lengths = np.array([len(prompt) for prompt in prompts])
        self._sources = np.arange(len(prompts))
        self.prompts = np.full((len(prompts), self._lengths.max()), pad_id, np.int32)
        self.prompts[self._used(self.prompts)] = np.concatenate(prompts)

    def _used(self, sequences: np.ndarray) -> np.ndarray:
        """(rows, tokens) bool: what is not padding at the beginning of a row."""
        unused = self._lengths.max() - self._lengths[self._sources]
        return np.arange(sequences.shape[1]) >= unused[:, None]

    def __call__(self, sequences: np.ndarray, parents: np.ndarray) -> np.ndarray:
        """See `models.generation.base.Step`."""
        self._sources = self._sources[parents]
        used = self._used(sequences)
        lengths = used.sum(axis=1)
        shape = (len(sequences), padded_length(int(lengths.max()), self._longest))
        mask = np.arange(shape[1]) < lengths[:, None]
        token_ids = np.full(shape, self._pad_id, np.int32)
        token_ids[mask] = sequences[used]
        inputs = {
            "token_ids": token_ids,
            "segment_ids": self._segments(mask, self._lengths[self._sources, None]),
            "padding_mask": mask,
            "positions": (lengths - 1)[:, None].astype(np.int32),
        }
        return self._logits(inputs)[:, 0]
