"""Batches of labelled texts: a row for each window, and the tag of each unit in one of them."""

from collections.abc import Sequence

import numpy as np

from data_util.bucketing import padded_length
from data_util.inputs import Segments
from data_util.labelled.batches import LabelledExamples
from tasks.token_classification.passages import EncodedPassage, unit_range
from tasks.token_classification.tags import Entity, tags_of
from tasks.windows import owners


class TokenExamples(LabelledExamples):
    """Texts whose units have tags.

    Args:
        encoded: the texts.
        tags: for each, the tags of its units, (units,) int; -1 for a unit without one.
        sequence_length: the longest sequence.
        num_tags: T.
    """

    def __init__(
        self,
        encoded: Sequence[EncodedPassage],
        tags: Sequence[np.ndarray],
        sequence_length: int,
        num_tags: int,
    ) -> None:
        self._encoded, self._tags = encoded, tags
        self._sequence_length, self._num_tags = sequence_length, num_tags
        # Of the longest window: [CLS] and [SEP] are in each.
        self.lengths = np.array(
            [2 + max(end - start for start, end in each.windows) for each in encoded], np.int64
        )

    def rows(self, example: int) -> list[Segments]:
        """The windows."""
        encoded = self._encoded[example]
        return [(encoded.ids[start:end],) for start, end in encoded.windows]

    def targets(self, examples: np.ndarray) -> dict[str, np.ndarray]:
        """The tags, each in the window that answers for its token.

        Returns:
            "tags" (rows, length) int32; "tag_weights" (rows, length) float32, 1 where there is one;
            "previous_tags" (rows, length) int32, the tag before each in its row, T for the first;
            "last_tags" (rows,) int32.
        """
        length = padded_length(int(self.lengths[examples].max()), self._sequence_length)
        rows = [row for number in examples.tolist() for row in self._rows_of(number, length)]
        tags, previous, last = map(np.stack, zip(*rows, strict=True))
        return {
            "tags": np.maximum(tags, 0),
            "tag_weights": (tags >= 0).astype(np.float32),
            "previous_tags": previous,
            "last_tags": last,
        }

    def _rows_of(self, number: int, length: int) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        encoded, found = self._encoded[number], []
        tags_of_tokens = np.full(len(encoded.ids), -1, np.int32)
        tags_of_tokens[encoded.first] = self._tags[number]
        owner = owners(encoded.windows)
        for row, (start, end) in enumerate(encoded.windows):
            tags = np.full(length, -1, np.int32)
            own = owner[start:end] == row
            tags[1 : 1 + end - start] = np.where(own, tags_of_tokens[start:end], -1)
            places = np.flatnonzero(tags >= 0)
            previous = np.full(length, self._num_tags, np.int32)
            previous[places[1:]] = tags[places[:-1]]
            last = tags[places[-1]] if len(places) else np.int32(0)
            found.append((tags, previous, np.asarray(last, np.int32)))
        return found


def unit_tags(
    encoded: EncodedPassage, entities: Sequence[Entity], names: Sequence[str], scheme: str
) -> tuple[np.ndarray, int]:
    """The tags of a text's units.

    An entity has all units that have a part of it; of two that share a unit, the first has it.

    Args:
        encoded: the text.
        entities: spans of characters.
        names: of the tags; entities with labels that have none are left out.
        scheme: "bio", "bioes" or "plain".

    Returns:
        (units,) int64, -1 for a unit that plain tags leave without one; and the number of entities
        that begin or end within a unit, which no tags express.
    """
    index_of = {name: index for index, name in enumerate(names)}
    units, inexact, used, placed = encoded.units, 0, 0, []
    for label, start, end in entities:
        first, last = unit_range(units, start, end)
        exact = first < last and units[first, 0] == start and units[last - 1, 1] == end
        inexact += not exact
        first = max(first, used)
        if first < last:
            placed.append(Entity(label, first, last))
            used = last
    known = [
        each
        for each in placed
        if tags_of([each._replace(start=0, end=1)], 1, scheme)[0] in index_of
    ]
    tags = [index_of.get(tag, -1) for tag in tags_of(known, len(units), scheme)]
    return np.array(tags, np.int64), inexact
