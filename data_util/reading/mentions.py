"""Finds the labels that a raw text names, and hides their names."""

import hashlib
import json
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate

from common.errors import InputError
from common.files import read_lines
from data_util.reading.labels import LabelSet
from data_util.reading.text_pairs import Text

PLACE = "{}"
DEFAULT_PATTERNS = (PLACE,)
REPLACEMENT = "××"
MAX_LABELS = 4

# Of the scripts that put spaces between words: a name that ends in such a letter ends a word.
_LETTER = "[0-9A-Za-z_\u00c0-\u024f\u0370-\u052f]"
_COMMENT, _FORBID = "#", "!"


class LabelMentions:
    """Finds which labels a text names, by patterns with a place for the name.

    Everything is literal text, no regular expression. Where names overlap, the longest one counts.
    A label is named if one of its names stands where an allowing pattern matches and no forbidding
    one does: "构成{}罪" names theft in "构成盗窃罪", unless "不构成{}罪" forbids it.

        >>> charges = LabelMentions({"盗窃": ["盗窃"]}, ["构成{}罪"], ["不构成{}罪"])
        >>> charges.find("其行为构成盗窃罪，盗窃数额较大。")
        ('其行为构成××，××数额较大。', ('盗窃',))

    Args:
        names: the names of each label, in the order of the labels.
        allowing: patterns, each with one `{}` as the place of the name.
        forbidding: patterns that say that the label does not apply.
        replacement: what stands for a name that was hidden.
        max_labels: a text that names more labels than this is a listing and names none.

    Raises:
        InputError: a label, name or pattern cannot be used, or two labels have the same name.
    """

    def __init__(
        self,
        names: Mapping[str, Sequence[str]],
        allowing: Sequence[str] = DEFAULT_PATTERNS,
        forbidding: Sequence[str] = (),
        *,
        replacement: str = REPLACEMENT,
        max_labels: int = MAX_LABELS,
    ) -> None:
        self._labels = LabelSet(tuple(names))
        self._names = {label: tuple(of_label) for label, of_label in names.items()}
        self._label_of: dict[str, str] = {}
        for label, of_label in self._names.items():
            _add_names(self._label_of, label, of_label)
        self._allowing = tuple(map(_parted, allowing))
        self._forbidding = tuple(map(_parted, forbidding))
        if not self._allowing:
            raise InputError("no pattern that allows a mention: at least one is needed")
        self._replacement = replacement
        self._max_labels = max_labels
        self._suffix = _common_letters([after for _, after in self._allowing])
        longest_first = sorted(self._label_of, key=lambda name: (-len(name), name))
        self._search = re.compile("|".join(map(_expression, longest_first))).search

    @classmethod
    def read(
        cls, names_file: str | os.PathLike[str], patterns_file: str | os.PathLike[str] | None = None
    ) -> "LabelMentions":
        """Reads the names of the labels and, if there are any, the patterns.

        Args:
            names_file: `label` on each line, for a label that is its own name, or
                `label<TAB>name<TAB>name`. Blank lines are ignored.
            patterns_file: a pattern on each line, one that forbids after `!`. Blank lines and lines
                that start with `#` are ignored. Without the file, a name counts wherever it stands.

        Raises:
            InputError: a file cannot be read, or a line of it cannot be used, which is named.
        """
        return cls._with_patterns(_read_names(names_file), patterns_file)

    @classmethod
    def of_labels(
        cls, labels: Sequence[str], patterns_file: str | os.PathLike[str] | None = None
    ) -> "LabelMentions":
        """Takes each label for its own name; see `read` for the patterns."""
        return cls._with_patterns({label: [label] for label in labels}, patterns_file)

    @classmethod
    def _with_patterns(
        cls, names: Mapping[str, Sequence[str]], patterns_file: str | os.PathLike[str] | None
    ) -> "LabelMentions":
        if not patterns_file:
            return cls(names)
        return cls(names, *_read_patterns(patterns_file))

    def __len__(self) -> int:
        return len(self._labels)

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, in the order of the file."""
        return self._labels.labels

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of everything that decides what is found and what replaces it."""
        parts = [self._names, self._allowing, self._forbidding, self._replacement, self._max_labels]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def find(self, text: str) -> tuple[str, tuple[str, ...]]:
        """Finds the labels that a text names.

        Hidden are all names where a pattern matches, allowing or not, and further all names of the
        labels that were found. If most allowing patterns continue the name with the same letters,
        such as 罪, these belong to it: they are hidden too, and so is every name before them.

        Args:
            text: of a document.

        Returns:
            The text with the names hidden, and the labels, in the order of the file.
        """
        (hidden,), found = self._find((text,))
        return hidden, tuple(self.labels[index] for index in found)

    def find_ids(self, text: Text) -> tuple[Text, list[int]]:
        """The same for a text or a pair of texts, with the labels as indices into `labels`."""
        if isinstance(text, str):
            (hidden,), found = self._find((text,))
            return hidden, found
        (first, second), found = self._find(text)
        return (first, second), found

    def _find(self, texts: Sequence[str]) -> tuple[list[str], list[int]]:
        """The texts of one document with the names hidden, and the ids of the labels found."""
        hidden, found = [], set()
        for text in texts:
            places = []
            for start, end in self._occurrences(text):
                allowed = _any_matches(self._allowing, text, start, end)
                forbidden = _any_matches(self._forbidding, text, start, end)
                if allowed and not forbidden:
                    found.add(self._label_of[text[start:end]])
                has_suffix = bool(self._suffix) and text.startswith(self._suffix, end)
                if allowed or forbidden or has_suffix:
                    places.append((start, end + len(self._suffix) * has_suffix))
            hidden.append(self._without(text, places))
        if len(found) > self._max_labels:
            found.clear()
        names = [name for label in found for name in self._names[label]]
        for name in sorted(names, key=lambda name: (-len(name), name)):
            if any(name in text for text in hidden):
                expression = re.compile(_expression(name))
                hidden = [expression.sub(lambda _: self._replacement, text) for text in hidden]
        return hidden, sorted(self._labels.ids(found))

    def _without(self, text: str, hidden: Sequence[tuple[int, int]]) -> str:
        """The text with slices replaced, which are in ascending order."""
        pieces, done = [], 0
        for start, end in hidden:
            pieces += [text[done:start], self._replacement]
            done = end
        return "".join([*pieces, text[done:]])

    def _occurrences(self, text: str) -> list[tuple[int, int]]:
        """The slices of the names in a text, in order; of those that overlap, the longest."""
        spans = list(self._all_spans(text))
        ends = [0, *accumulate((end for _, end in spans), max)]
        if all(start >= end for (start, _), end in zip(spans, ends, strict=False)):
            return spans
        taken, kept = bytearray(len(text)), []
        for start, end in sorted(spans, key=lambda span: (span[0] - span[1], span[0])):
            if not any(taken[start:end]):
                taken[start:end] = b"\1" * (end - start)
                kept.append((start, end))
        return sorted(kept)

    def _all_spans(self, text: str) -> Iterator[tuple[int, int]]:
        """For every position at which a name starts, the slice of the longest one."""
        position = 0
        while match := self._search(text, position):
            yield match.span()
            position = match.start() + 1


def _add_names(label_of: dict[str, str], label: str, names: Sequence[str]) -> None:
    """Adds the names of a label to those of all labels."""
    if not names:
        raise InputError(f"the label {label!r:.80} has no name: at least one is needed")
    for name in names:
        if not name or name != name.strip():
            raise InputError(
                f"a name of the label {label!r:.80} is empty or begins or ends with white space: "
                "remove it"
            )
        other = label_of.setdefault(name, label)
        if other != label:
            raise InputError(
                f"{name!r:.80} is a name of two labels, {other!r:.80} and {label!r:.80}: a mention "
                "must say which is meant"
            )


def _expression(name: str) -> str:
    """A regular expression of a name that is not part of a longer word."""
    before = f"(?<!{_LETTER})" if re.match(_LETTER, name[0]) else ""
    after = f"(?!{_LETTER})" if re.match(_LETTER, name[-1]) else ""
    return before + re.escape(name) + after


def _parted(pattern: str) -> tuple[str, str]:
    """What is before and what is after the place of the name."""
    if pattern.count(PLACE) != 1:
        raise InputError(
            f"a pattern has exactly one {PLACE}, the place of the name. Received: {pattern!r:.80}"
        )
    before, _, after = pattern.partition(PLACE)
    return before, after


def _any_matches(patterns: Sequence[tuple[str, str]], text: str, start: int, end: int) -> bool:
    """Whether the text around a name is that of one of the patterns."""
    return any(
        text.startswith(after, end) and text.endswith(before, 0, start)
        for before, after in patterns
    )


def _common_letters(texts: Sequence[str]) -> str:
    """The most letters with which more than half of the texts start; "" if there are none."""
    letters = [re.split(r"\W", text, maxsplit=1)[0] for text in texts]
    counts = Counter(each[:length] for each in letters for length in range(1, len(each) + 1))
    common = [start for start, count in counts.items() if 2 * count > len(texts)]
    return max(common, key=len, default="")


def _read_names(path: str | os.PathLike[str]) -> dict[str, list[str]]:
    names: dict[str, list[str]] = {}
    label_of: dict[str, str] = {}
    for number, line in enumerate(read_lines(path), 1):
        if not line.strip():
            continue
        label, *others = (part.strip() for part in line.split("\t"))
        try:
            LabelSet([label])
            if label in names:
                raise InputError(f"the label {label!r:.80} is there twice: remove one")
            names[label] = list(dict.fromkeys(others or [label]))
            _add_names(label_of, label, names[label])
        except InputError as error:
            raise InputError(error.message, path, number) from None
    if not names:
        raise InputError("no labels: at least one is needed", path)
    return names


def _read_patterns(path: str | os.PathLike[str]) -> tuple[list[str], list[str]]:
    """The patterns that allow and those that forbid."""
    allowing: list[str] = []
    forbidding: list[str] = []
    for number, line in enumerate(read_lines(path), 1):
        pattern = line.strip()
        if not pattern or pattern.startswith(_COMMENT):
            continue
        chosen = forbidding if pattern.startswith(_FORBID) else allowing
        pattern = pattern.removeprefix(_FORBID).strip()
        try:
            _parted(pattern)
        except InputError as error:
            raise InputError(error.message, path, number) from None
        chosen.append(pattern)
    if not allowing:
        raise InputError("no pattern that allows a mention: at least one is needed", path)
    return allowing, forbidding
