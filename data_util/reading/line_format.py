"""Parses a line or a record of a data file: labelled text, free text, JSON, a row of a table."""

import json
from typing import Any

from common.errors import InputError
from data_util.reading.fields import (
    TEXT_FIELDS,
    id_of,
    json_object,
    label_field_of,
    labels_of,
    text_fields,
    text_of,
    without_duplicates,
)
from data_util.reading.labelled_lines import parse_labelled, without_labels
from data_util.reading.records import Item
from data_util.reading.settings import DEFAULT_READING, Reading
from data_util.reading.text_pairs import RIGHT_FORM, Text, check_kind, split_pair


class LineParser:
    """Extracts text and labels from the lines, or the records, of one file.

    The first non-blank line decides what the lines are: JSON records if it parses as a JSON
    object, plain text otherwise.

    Args:
        path: the file's name, for errors.
        labelled: whether labels are wanted. Otherwise they are dropped wherever they are.
        reading: the fields of records, and whether lines are pairs.
        pairs: whether texts must be pairs, or must be single, because a classifier reads such; it
            overrides `reading.pairs`. None: all labelled texts of a file must be of one kind, that
            of the first one; free text may be of either. A tab separates the texts of a pair
            where pairs are read, and is white space elsewhere.

    Attributes:
        pairs: whether the texts are pairs; None before the first text.
        is_json: whether the lines are JSON records; None before the first line with text.
        fields: of the first record, those that were read; () for plain text.
        without_labels: number of labelled documents so far that have no labels (CAIL2018 as
            published has some): they are kept, or count as blank lines, see `Reading`.
        id: of the last record, if it has one.
    """

    def __init__(
        self,
        path: str,
        *,
        labelled: bool,
        reading: Reading = DEFAULT_READING,
        pairs: bool | None = None,
    ) -> None:
        self.pairs = reading.pairs if pairs is None else pairs
        self.is_json: bool | None = None
        self.fields: tuple[str, ...] = ()
        self.without_labels = 0
        self.id: str | int | None = None
        self._kind_reason = "above it are"
        if pairs is not None:
            self._kind_reason = "the classifier reads"
        elif reading.pairs is not None:
            self._kind_reason = "this run reads"
        self._one_kind = labelled or pairs is not None
        self._path = path
        self._labelled = labelled
        self._reading = reading

    def parse(self, item: Item, number: int) -> tuple[Text, tuple[str, ...]]:
        """Parses a line or a record.

        Args:
            item: as `Records` gives it.
            number: of its (first) line.

        Returns:
            The text, or the two texts of a pair, without surrounding white space, and the labels.
            "" and no labels for a blank line, and for a record that is left out. If labels are not
            wanted, the text may be empty in other lines too.

        Raises:
            InputError: the item is wrong; the message names path and line.
        """
        if isinstance(item, InputError):
            raise item
        self.id = None
        if isinstance(item, str) and (not item or item.isspace()):
            return "", ()
        try:
            text, labels = self._parsed(item)
            if text and self._one_kind:
                if self.pairs is None:
                    self.pairs = isinstance(text, tuple)
                check_kind(text, pairs=self.pairs, reason=self._kind_reason)
            return text, labels
        except InputError as error:
            raise InputError(error.message, self._path, number) from None

    def _parsed(self, item: str | dict[str, Any]) -> tuple[Text, tuple[str, ...]]:
        if isinstance(item, dict):
            return self._parse_record(item)
        if self.is_json is None:
            self.is_json = _is_json(item)
        if self.is_json:
            return self._parse_record(json_object(item))
        if not self._labelled:
            return self._parted(without_labels(item)), ()
        whole, labels = parse_labelled(item, keep_unlabelled=self._reading.keep_unlabelled)
        self.without_labels += not labels
        return self._parted(whole), labels

    def _parted(self, text: str) -> Text:
        """The text, or its two halves if it is a pair."""
        is_pair = text.count("\t") == 1
        if self.pairs is None and text:
            self.pairs = is_pair
        if not self.pairs:
            return text
        return split_pair(text) if is_pair or self._one_kind else text

    def _parse_record(self, record: dict[str, Any]) -> tuple[Text, tuple[str, ...]]:
        names = text_fields(record, self._reading)
        texts = tuple(without_labels(text_of(record, name)) for name in names)
        self.id = id_of(record)
        text: Text = texts[0] if len(texts) == 1 else (texts[0], texts[1])
        if not self.fields:
            self.fields = names
            if self._labelled:
                self.fields += (label_field_of(record, self._reading),)
        if not self._labelled:
            if isinstance(text, tuple) and not all(text):
                # Half a pair is still free text, but no classifier could label it.
                return ("" if self._one_kind else text[0] or text[1]), ()
            return text, ()
        if isinstance(text, tuple) and not all(text):
            raise InputError(f"a text of this pair is empty: {RIGHT_FORM}")
        if not text:
            raise InputError(f"a labelled record needs text: its `{names[0]}` is empty")
        labels = labels_of(record, self._reading)
        if not labels:
            self.without_labels += 1
            return (text if self._reading.keep_unlabelled else ""), ()
        return text, labels


def _is_json(line: str) -> bool:
    if not line.lstrip().startswith("{"):
        return False
    try:
        return isinstance(json.loads(line, object_pairs_hook=without_duplicates), dict)
    except (ValueError, RecursionError) as error:
        # As plain text, the whole file of records would be learned, braces and all.
        for key in (*TEXT_FIELDS, "text_a", "sentence1"):
            if f'"{key}"' in line:
                raise InputError(
                    f"this looks like a JSON record with `{key}` but is no JSON: {error}"
                ) from None
        return False
