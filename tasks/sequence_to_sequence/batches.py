"""Batches of sources and targets."""

from collections.abc import Sequence

import numpy as np

from data_util.inputs import Segments
from data_util.labelled.batches import LabelledExamples
from data_util.tokens.vocabulary import Vocabulary

# A batch's targets are padded to a multiple of it: few shapes to compile for.
_STEP = 8


class SequenceToSequenceExamples(LabelledExamples):
    """Examples whose sources and targets are encoded.

    A target is learned token by token: what comes before each is an input ("previous_ids", which
    begins with [CLS]), and so is the token itself ("next_ids", which ends with [SEP]), of which the
    model gives the loss; its weight is the target of the batch. Of a target that is too long the
    beginning is learned, and nothing of its end.

    Args:
        sources, targets: the token ids of each example.
        vocabulary: of the ids.
        max_target_length: the most tokens of a target, the [SEP] at its end included.
    """

    def __init__(
        self,
        sources: Sequence[np.ndarray],
        targets: Sequence[np.ndarray],
        vocabulary: Vocabulary,
        max_target_length: int,
    ) -> None:
        self._sources = sources
        self._vocabulary = vocabulary
        self._next = [
            np.append(ids, np.int32(vocabulary.sep_id))[:max_target_length] for ids in targets
        ]
        self._longest = max_target_length
        self.lengths = np.array([2 + len(ids) for ids in sources], np.int64)
        self.num_cut = sum(len(ids) >= max_target_length for ids in targets)

    def rows(self, example: int) -> list[Segments]:
        """The source."""
        return [(self._sources[example],)]

    def targets(self, examples: np.ndarray) -> np.ndarray:
        """(rows, target_length) float32: 1 at each token of the target, 0 after its end."""
        chosen = [self._next[number] for number in examples.tolist()]
        lengths = np.array([len(ids) for ids in chosen])
        return (np.arange(self._length(lengths)) < lengths[:, None]).astype(np.float32)

    def arrays(self, examples: np.ndarray) -> dict[str, np.ndarray]:
        """The tokens of the target, (rows, target_length) int32: "previous_ids", "next_ids"."""
        chosen = [self._next[number] for number in examples.tolist()]
        width = self._length(np.array([len(ids) for ids in chosen]))
        pad = self._vocabulary.pad_id
        next_ids = np.stack([np.pad(ids, (0, width - len(ids)), constant_values=pad)
                             for ids in chosen]).astype(np.int32)  # fmt: skip
        first = np.full((len(chosen), 1), self._vocabulary.cls_id, np.int32)
        previous_ids = np.concatenate([first, next_ids[:, :-1]], axis=1)
        return {"previous_ids": previous_ids, "next_ids": next_ids}

    def _length(self, lengths: np.ndarray) -> int:
        longest = int(lengths.max(initial=1))
        return min(self._longest, -(-longest // _STEP) * _STEP)
