"""Parses a line of a data file: labelled text, free text or a JSON record."""

import json
import re
import reprlib
from collections import Counter
from typing import Any

from common.errors import InputError
from data_util.choices import LABEL_FIELDS
from data_util.reading.labels import label_problem
from data_util.reading.text_pairs import (
    PAIR_KEYS,
    RIGHT_FORM,
    Text,
    check_kind,
    json_pair,
    split_pair,
)

_MARK = "__label__"
_MARKED_WORD = re.compile(rf"[^\S\r\n]?{_MARK}\S*")
# Chinese input methods write the mark in full-width characters.
_WIDE = "＿"
_WIDE_MARK = re.compile("[_＿]{2}[lｌ][aａ][bｂ][eｅ][lｌ][_＿]{2}")
_SURROGATE = re.compile("[\ud800-\udfff]")
_RIGHT_FORM = "the form is `text __label__A __label__B`, with a space before each label"


class LineParser:
    """Extracts text and labels from the lines of one file.

    The first non-blank line decides what the file is: CAIL2018 JSON lines if it parses as a JSON
    object, plain text otherwise.

    Args:
        path: the file's name, for errors.
        labelled: whether labels are wanted. Otherwise they are dropped wherever they are.
        label_field: the one of `LABEL_FIELDS` that holds a JSON record's labels.
        pairs: whether texts must be pairs, or must be single, in which a tab is white space; None:
            all labelled texts of a file must be of one kind, free text may be of either. In free
            text a tab separates two texts only if the file's first line is a pair; otherwise it is
            white space.

    Attributes:
        pairs: whether the texts are pairs; None before the first text.
        is_json: whether the file is CAIL2018 JSON lines; None before the first line with text.
        without_labels: number of records so far whose labels are null or an empty list, if labels
            are wanted. CAIL2018 as published has some; they count as blank lines.
    """

    def __init__(
        self, path: str, *, labelled: bool, label_field: str, pairs: bool | None = None
    ) -> None:
        if label_field not in LABEL_FIELDS:
            raise InputError(
                f"the label field must be one of {', '.join(LABEL_FIELDS)}. "
                f"Received: {label_field!r}"
            )
        self.pairs = pairs
        self._one_kind = labelled or pairs is not None
        self._single = pairs is False
        self._kind_reason = "the classifier reads" if pairs is not None else "above it are"
        self.is_json: bool | None = None
        self.without_labels = 0
        self._path = path
        self._labelled = labelled
        self._label_field = label_field

    def parse(self, line: str, number: int) -> tuple[Text, tuple[str, ...]]:
        """Parses a line.

        Returns:
            The text, or the two texts of a pair, without surrounding white space, and the labels.
            "" and no labels for a blank line, and for a record that is left out. If labels are not
            wanted, the text may be empty in other lines too.

        Raises:
            InputError: the line is wrong; the message names path and line.
        """
        if not line or line.isspace():
            return "", ()
        try:
            if self.is_json is None:
                self.is_json = _is_json(line)
            if self.is_json:
                text, labels = self._parse_json(line)
            elif self._labelled:
                whole, labels = _parse_labelled(line)
                text = self._parted(whole)
            else:
                text, labels = self._parted(_without_labels(line)), ()
            if text and self._one_kind:
                if self.pairs is None:
                    self.pairs = isinstance(text, tuple)
                check_kind(text, pairs=self.pairs, reason=self._kind_reason)
            return text, labels
        except InputError as error:
            raise InputError(error.message, self._path, number) from None

    def _parted(self, text: str) -> Text:
        if self._single:
            return text
        if self._one_kind:
            return split_pair(text)
        is_pair = text.count("\t") == 1
        if self.pairs is None and text:
            self.pairs = is_pair
        return split_pair(text) if is_pair and self.pairs else text

    def _parse_json(self, line: str) -> tuple[Text, tuple[str, ...]]:
        try:
            record = json.loads(line, object_pairs_hook=_without_duplicates)
        except (ValueError, RecursionError) as error:
            raise InputError(
                f"not a JSON object, as the first line of this file is: {error}"
            ) from None
        if not isinstance(record, dict):
            raise InputError("not a JSON object, as the first line of this file is")
        if any(key in record for key in PAIR_KEYS):
            return self._parse_json_pair(record)
        fact = record.get("fact")
        if not isinstance(fact, str):
            raise InputError(
                "a CAIL2018 record needs a string as its `fact`. "
                + (f"Received: {reprlib.repr(fact)}" if "fact" in record else "There is none")
            )
        _check_characters(fact)
        text = _without_labels(fact)
        if not self._labelled:
            return text, ()
        if not text:
            raise InputError("a labelled record needs text: its `fact` is empty")
        meta = record.get("meta")
        if not isinstance(meta, dict) or self._label_field not in meta:
            raise InputError(
                f"a labelled CAIL2018 record needs labels in `meta.{self._label_field}`"
            )
        value = meta[self._label_field]
        if value is None or value == []:
            self.without_labels += 1
            return "", ()
        return text, _json_labels(value, f"meta.{self._label_field}")

    def _parse_json_pair(self, record: dict[str, Any]) -> tuple[Text, tuple[str, ...]]:
        for text in json_pair(record):
            _check_characters(text)
        first, second = map(_without_labels, json_pair(record))
        if not self._labelled:
            if first and second:
                return (first, second), ()
            # Half a pair is still free text, but no classifier could label it.
            return ("" if self._one_kind else first or second), ()
        if not (first and second):
            raise InputError(f"a text of this pair is empty: {RIGHT_FORM}")
        if "label" not in record:
            raise InputError("a labelled pair needs labels in `label`")
        if record["label"] is None or record["label"] == []:
            self.without_labels += 1
            return "", ()
        return (first, second), _json_labels(record["label"], "label")


def _is_json(line: str) -> bool:
    if not line.lstrip().startswith("{"):
        return False
    try:
        return isinstance(json.loads(line, object_pairs_hook=_without_duplicates), dict)
    except (ValueError, RecursionError) as error:
        # As plain text, the whole file of records would be learned, braces and all.
        for key, kind in (("fact", "CAIL2018 record"), ("text_a", "JSON record of a pair")):
            if f'"{key}"' in line:
                raise InputError(f"this looks like a {kind} but is no JSON: {error}") from None
        return False


def _json_labels(value: Any, field: str) -> tuple[str, ...]:
    labels = []
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, bool) or not isinstance(item, str | int):
            raise InputError(
                f"labels in `{field}` must be strings or whole numbers. "
                f"Received: {reprlib.repr(item)}"
            )
        label = str(item)
        if not label or len(label.split()) != 1 or label != label.strip():
            raise InputError(
                f"the label {label!r:.80} in `{field}` is empty or has white space in it"
            )
        _check_characters(label)
        _check_label(label)
        labels.append(label)
    return tuple(dict.fromkeys(labels))


def _parse_labelled(line: str) -> tuple[str, tuple[str, ...]]:
    words = line.split()
    first = len(words)
    end = len(line)
    while first and words[first - 1].startswith(_MARK):
        first -= 1
        end = line.rfind(words[first], 0, end)
    text = line[:end].strip()
    if _MARK in text:
        raise InputError(f"`{_MARK}` before the end of the text: {_RIGHT_FORM}")
    if _has_wide_mark(text):
        raise InputError(f"`{_MARK}` is written in full-width characters: {_RIGHT_FORM}")
    if first == len(words):
        raise InputError(f"a line without a label: {_RIGHT_FORM}")
    if not text:
        raise InputError(f"labels without a text: {_RIGHT_FORM}")
    labels = tuple(dict.fromkeys(word[len(_MARK) :] for word in words[first:]))
    if "" in labels:
        raise InputError(f"`{_MARK}` without a name: {_RIGHT_FORM}")
    for label in labels:
        _check_label(label)
    return text, labels


def _without_labels(text: str) -> str:
    """Drops labels even if the space before them is missing: a model must never read them."""
    if _has_wide_mark(text):
        text = _WIDE_MARK.sub(_MARK, text)
    return (_MARKED_WORD.sub("", text) if _MARK in text else text).strip()


def _has_wide_mark(text: str) -> bool:
    return _WIDE in text and _WIDE_MARK.search(text) is not None


def _check_label(label: str) -> None:
    if problem := label_problem(label):
        raise InputError(problem)


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuses duplicate keys: Python would take the last one, other readers the first."""
    record = dict(pairs)
    if len(record) < len(pairs):
        twice, _ = Counter(key for key, _ in pairs).most_common(1)[0]
        raise InputError(f"the key {reprlib.repr(twice)} is there twice in one object: remove one")
    return record


def _check_characters(text: str) -> None:
    """Refuses what JSON can spell but UTF-8 text cannot hold: NUL, half of a surrogate pair."""
    if "\0" in text:
        raise InputError("\\u0000 is a NUL byte, which is no text: remove it")
    if not text.isascii() and (half := _SURROGATE.search(text)):
        raise InputError(
            f"\\u{ord(half.group()):04x} is half of a surrogate pair, which is no character: "
            "remove it"
        )
