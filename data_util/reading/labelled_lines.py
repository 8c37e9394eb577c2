"""Lines of text with `__label__A` words, at their end or (as fastText has them) at their start."""

import re

from common.errors import InputError
from data_util.reading.labels import label_problem

MARK = "__label__"
_MARKED_WORD = re.compile(rf"[^\S\r\n]?{MARK}\S*")
# Chinese input methods write the mark in full-width characters.
_WIDE = "＿"
_WIDE_MARK = re.compile("[_＿]{2}[lｌ][aａ][bｂ][eｅ][lｌ][_＿]{2}")
_BETWEEN_LABELS = re.compile("[,，;；|]")
_RIGHT_FORM = (
    "the form is `text __label__A __label__B` or `__label__A __label__B text`, with a space "
    "between labels"
)


def parse_labelled(line: str, *, keep_unlabelled: bool) -> tuple[str, tuple[str, ...]]:
    """The text and the labels of a line that is not blank.

        >>> parse_labelled("the parcel is late __label__shipping", keep_unlabelled=False)
        ('the parcel is late', ('shipping',))

    Args:
        line: of the file.
        keep_unlabelled: whether a line without labels is a text that has none.

    Raises:
        InputError: the line is wrong.
    """
    words = line.split()
    first, last = 0, len(words)
    start, end = 0, len(line)
    while first < last and words[first].startswith(MARK):
        start = line.index(words[first], start) + len(words[first])
        first += 1
    while last > first and words[last - 1].startswith(MARK):
        last -= 1
        end = line.rfind(words[last], 0, end)
    text = line[start:end].strip()
    if not text:
        raise InputError(f"labels without a text: {_RIGHT_FORM}")
    if MARK in text:
        raise InputError(f"`{MARK}` within the text: {_RIGHT_FORM}")
    if has_wide_mark(text):
        raise InputError(f"`{MARK}` is written in full-width characters: {_RIGHT_FORM}")
    marked = [*words[:first], *words[last:]]
    if not marked and not keep_unlabelled:
        raise InputError(f"a line without a label: {_RIGHT_FORM}")
    labels = tuple(dict.fromkeys(word[len(MARK) :] for word in marked))
    for label in labels:
        _check_label(label)
    return text, labels


def without_labels(text: str) -> str:
    """Drops labels even if the space before them is missing: a model must never read them."""
    if has_wide_mark(text):
        text = _WIDE_MARK.sub(MARK, text)
    return (_MARKED_WORD.sub("", text) if MARK in text else text).strip()


def has_wide_mark(text: str) -> bool:
    """Whether the mark of a label is there in full-width characters."""
    return _WIDE in text and _WIDE_MARK.search(text) is not None


def _check_label(label: str) -> None:
    if not label:
        raise InputError(f"`{MARK}` without a name: {_RIGHT_FORM}")
    if MARK in label or has_wide_mark(label):
        raise InputError(f"`{MARK}` within the label {label!r:.80}: {_RIGHT_FORM}")
    if found := _BETWEEN_LABELS.search(label):
        raise InputError(
            f"{found.group()!r} in the label {label!r:.80} separates nothing: {_RIGHT_FORM}. (A "
            "label whose name has one can be given in JSON lines or in a table)"
        )
    if problem := label_problem(label):
        raise InputError(problem)
