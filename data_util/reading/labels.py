"""The labels of a task and their ids."""

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence

from common.errors import InputError
from common.files import MAX_BYTES, read_lines
from common.whole_files import write_whole

# The names are in every metrics.json too, where a character can take twice as many bytes.
MAX_LABELS = 1_000_000
MAX_LABEL_BYTES = MAX_BYTES // 4

_CONTROL = re.compile("[\0-\x1f\x7f-\x9f]")
# Zero width space and joiners, marks of direction, the byte order mark. Within a label they may be
# intended, as in the emoji of a family; at its ends they are leftovers that make another label.
_INVISIBLE = "\xad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff"
_INVISIBLE_END = re.compile(f"^[{_INVISIBLE}]|[{_INVISIBLE}]$")


class LabelSet:
    """Labels in a fixed order: a label's id is its index.

    Args:
        labels: distinct, without white space other than single spaces between words.

    Attributes:
        labels: the labels, as a tuple.
    """

    def __init__(self, labels: Sequence[str]) -> None:
        self.labels = tuple(labels)
        self._ids = _checked_ids(self.labels, path=None)

    def __len__(self) -> int:
        return len(self.labels)

    def ids(self, labels: Iterable[str]) -> list[int]:
        """The ids of the given labels, in their order.

        Raises:
            InputError: a label is not one of these.
        """
        try:
            return [self._ids[label] for label in labels]
        except KeyError as error:
            raise InputError(
                f"the label {error.args[0]!r} is not one of the {len(self)} known labels"
            ) from None

    @classmethod
    def from_counts(cls, counts: Counter[str]) -> "LabelSet":
        """Labels by descending frequency, ties by code point: the same on every machine."""
        return cls(sorted(counts, key=lambda label: (-counts[label], label)))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes one label per line, in UTF-8."""
        write_whole(path, "".join(f"{label}\n" for label in self.labels).encode())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "LabelSet":
        """Reads what `save` wrote.

        Raises:
            InputError: a line is empty, a duplicate or has white space that is no single space
                between words; the message names it.
        """
        labels = read_lines(path)
        _checked_ids(labels, path=path)
        return cls(labels)


def label_problem(label: str) -> str | None:
    """What is wrong with the characters of a non-empty label, if anything."""
    if not (found := _CONTROL.search(label) or _INVISIBLE_END.search(label)):
        return None
    character = found.group()
    name = unicodedata.name(character, "a control character")
    where = "has" if _CONTROL.match(character) else "begins or ends with"
    return (
        f"the label {label!r:.80} {where} U+{ord(character):04X} ({name.lower()}), which cannot be "
        "seen: remove it"
    )


def _checked_ids(labels: Sequence[str], path: str | os.PathLike[str] | None) -> dict[str, int]:
    """The ids by label; if the labels come from a file, errors name the line."""
    if not labels:
        raise InputError("no labels: at least one is needed", path)
    size = sum(len(label.encode("utf-8", "surrogatepass")) + 1 for label in labels)
    if len(labels) > MAX_LABELS or size > MAX_LABEL_BYTES:
        raise InputError(
            f"{len(labels):,} labels of {size:,} bytes together: at most {MAX_LABELS:,} labels and "
            f"{MAX_LABEL_BYTES:,} bytes are possible",
            path,
        )
    ids: dict[str, int] = {}
    for index, label in enumerate(labels):
        line = None if path is None else index + 1
        if not label.strip():
            raise InputError("an empty label: each line must have a label", path, line)
        if label != " ".join(label.split()):
            raise InputError(
                f"the label {label!r:.80} has white space in it that is no single space between "
                "words: remove it",
                path,
                line,
            )
        if problem := label_problem(label):
            raise InputError(problem, path, line)
        if label in ids:
            raise InputError(
                f"the label {label!r:.80} is there twice, first as number {ids[label] + 1}: "
                "remove one",
                path,
                line,
            )
        ids[label] = index
    return ids
