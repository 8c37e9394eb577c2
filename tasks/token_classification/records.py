"""Reads labelled texts: CoNLL columns, and JSON records or tables with entities or with tags.

token<white space>...<white space>tag      a token a line, a blank line after each text
{"text": "...", "entities": [["PER", 0, 2]]}
{"text": "...", "entities": [{"start": 0, "end": 2, "label": "PER"}]}
{"tokens": ["...", "..."], "tags": ["B-PER", "O"]}
"""

import json
import reprlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, BinaryIO

from common.errors import InputError
from data_util.reading.fields import id_of, json_object, listed, text_fields, text_of
from data_util.reading.labels import label_problem
from data_util.reading.records import Records
from data_util.reading.settings import DEFAULT_READING, Reading
from data_util.reading.sources import sources
from tasks.data import Files, Line
from tasks.token_classification.passages import Passage, joined
from tasks.token_classification.spans import spans_of
from tasks.token_classification.tags import (
    Entity,
    TagError,
    entities_of,
    scheme_of,
)

_DOCUMENT = "-DOCSTART-"
_SHOWN = 40


@dataclass(frozen=True)
class TaggedText:
    """A labelled text.

    Attributes:
        passage: the text, and its words where the file has them.
        entities: spans of characters, in order, none of them within another.
        path, line: where it begins.
        dropped: entities within others, which do not count.
    """

    passage: Passage
    entities: tuple[Entity, ...]
    path: str
    line: int
    dropped: tuple[Entity, ...] = ()


@dataclass(frozen=True)
class TaggedWords:
    """Words with their tags, as a file has them.

    Attributes:
        words, tags: of each other.
        lines: of each word.
    """

    words: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)


def read_splits(
    files: Files,
    reading: Reading = DEFAULT_READING,
    *,
    file_tags: str = "auto",
    nested: str = "error",
    max_examples: int | None = None,
) -> tuple[dict[str, list[TaggedText]], str]:
    """Reads the labelled texts of all splits.

    Args:
        files: by split.
        reading: how to read them.
        file_tags: see `TokenClassificationOptions`.
        nested: see `TokenClassificationOptions.nested_entities`.
        max_examples: the most of a split; None: all.

    Returns:
        The texts by split, and "plain" if each tag of the files is a label, otherwise "bio".

    Raises:
        InputError: a file cannot be used; the message names the line.
    """
    found = {
        split: list(islice(labelled_texts(paths, reading, nested), max_examples))
        for split, paths in files.items()
    }
    tagged = [
        each for texts in found.values() for _, each, _ in texts if isinstance(each, TaggedWords)
    ]
    scheme = scheme_of([each.tags for each in tagged]) if file_tags == "auto" else file_tags
    splits = {
        split: [
            each if isinstance(each, TaggedText) else converted(each, scheme, path, line)
            for path, each, line in texts
        ]
        for split, texts in found.items()
    }
    return splits, "plain" if tagged and scheme == "plain" else "bio"


def training_texts(files: Files, reading: Reading) -> Iterator[str]:
    """The training texts in their order, read while they are asked for."""
    for _, each, _ in labelled_texts(files["train"], reading, "outermost"):
        yield (each.passage if isinstance(each, TaggedText) else joined(each.words)).text


def read_lines(stream: BinaryIO, name: str, reading: Reading = DEFAULT_READING) -> Iterator[Line]:
    """The passage of each line of what is to be predicted: a text, or a record.

    A record has a text (`{"text": ...}`) or words (`{"tokens": [...]}`).
    """
    is_json: bool | None = None
    for number, item in Records(stream, name, reading):
        if isinstance(item, InputError):
            yield Line(number, error=item)
            continue
        if isinstance(item, str) and not item.strip():
            yield Line(number)
            continue
        if is_json is None:
            is_json = isinstance(item, dict) or item.lstrip().startswith("{")
        try:
            record = item if isinstance(item, dict) else json_object(item) if is_json else None
            passage = Passage(str(item)) if record is None else _passage(record, reading)
        except InputError as error:
            yield Line(number, error=InputError(error.message, name, number))
            continue
        record = record or {}
        yield Line(number, passage if passage.text.strip() else None, id_of(record))


def labelled_texts(
    paths: Sequence[str], reading: Reading, nested: str
) -> Iterator[tuple[str, TaggedText | TaggedWords, int]]:
    """The path, the text and the line of each text of some files.

    Raises:
        InputError: a file cannot be used; the message names the line.
    """
    for source in sources(paths):
        path, empty = str(source.path), True
        with source.path.open("rb") as file:
            for line, found in read_stream(file, path, reading, nested):
                if isinstance(found, InputError):
                    raise found
                empty = False
                yield path, found, line
        if empty and not source.one_of_many:
            raise InputError("there is no labelled text in this file", path)


def read_stream(
    stream: BinaryIO, name: str, reading: Reading, nested: str
) -> Iterator[tuple[int, TaggedText | TaggedWords | InputError]]:
    """The labelled texts of a stream, each with its line, or what is wrong with a line.

    Raises:
        InputError: the rest of the stream cannot be read.
    """
    is_json: bool | None = None
    words = TaggedWords()
    for number, item in Records(stream, name, reading):
        if isinstance(item, InputError):
            yield number, item
            continue
        blank = isinstance(item, str) and not item.strip("\n\r ")
        if is_json is None and not blank:
            is_json = isinstance(item, dict) or item.lstrip().startswith("{")
        try:
            if is_json and not blank:
                record = item if isinstance(item, dict) else json_object(item)
                yield number, _labelled(record, name, number, reading, nested)
            elif isinstance(item, str) and not (blank or item.startswith(_DOCUMENT)):
                _add_columns(words, item, number)
            elif words.words:
                yield words.lines[0], words
                words = TaggedWords()
        except InputError as error:
            yield number, InputError(error.message, name, number)
    if words.words:
        yield words.lines[0], words


def _add_columns(words: TaggedWords, line: str, number: int) -> None:
    if line.startswith("# ") and " = " in line and "\t" not in line:  # CoNLL-U's comments
        return
    columns = line.split("\t") if "\t" in line else line.split()
    tag = " ".join(columns[-1].split()) if columns[1:] else ""
    if not columns or not columns[0] or not tag:
        raise InputError(
            f"a token and its tag are expected, with white space between them, not "
            f"{line.strip()!r:.80}; or JSON records with `text` and `entities`"
        )
    words.words.append(columns[0])
    words.tags.append(tag)
    words.lines.append(number)


def converted(tagged: TaggedWords, scheme: str, path: str, line: int) -> TaggedText:
    """Words with tags as a text with entities.

    Raises:
        InputError: a tag does not fit the scheme, or cannot be a label; the message names its
            line.
    """
    passage = joined(tagged.words)
    assert passage.words is not None
    try:
        entities = entities_of(tagged.tags, scheme)
    except TagError as error:
        word = tagged.words[error.index]
        raise InputError(
            f"the tag of {word!r:.80}: {error}. The tags are read as {scheme}; see --file_tags",
            path,
            tagged.lines[error.index],
        ) from None
    for label, start, _ in entities:
        problem = label_problem(label)
        if label != label.strip():
            problem = f"the label {label!r:.80} begins with white space"
        if problem:
            raise InputError(problem, path, tagged.lines[start])
    return TaggedText(
        passage,
        tuple(
            Entity(label, passage.words[start][0], passage.words[end - 1][1])
            for label, start, end in entities
        ),
        path,
        line,
    )


def _labelled(
    record: Mapping[str, Any], path: str, line: int, reading: Reading, nested: str
) -> TaggedText | TaggedWords:
    if "tokens" in record:
        words = _list_of(record, "tokens")
        tags = [" ".join(tag.split()) for tag in _list_of(record, "tags")]
        if "" in tags:
            raise InputError(f"the tag of {words[: tags.index('') + 1][-1]!r:.80} is white space")
        if len(words) != len(tags):
            raise InputError(f"{len(words)} tokens with {len(tags)} tags: one for each is needed")
        return TaggedWords(words, tags, [line] * len(words))
    passage = _passage(record, reading)
    if "entities" not in record:
        raise InputError(
            "a labelled record needs `text` and `entities`, or `tokens` and `tags`. "
            f"{listed(record)}"
        )
    entities, dropped = spans_of(_decoded(record["entities"]), passage.text, nested)
    return TaggedText(passage, entities, path, line, dropped)


def _passage(record: Mapping[str, Any], reading: Reading) -> Passage:
    if "tokens" in record:
        return joined(_list_of(record, "tokens"))
    name, *more = text_fields(record, reading)
    if more:
        raise InputError("this task reads single texts, not pairs")
    return Passage(text_of(record, name))


def _list_of(record: Mapping[str, Any], name: str) -> list[str]:
    values = _decoded(record.get(name))
    if not isinstance(values, list) or not values:
        raise InputError(f"`{name}` must be a list of texts, not {reprlib.repr(values)}")
    for value in values:
        if not isinstance(value, str) or not value:
            raise InputError(f"`{name}` must hold texts, not {reprlib.repr(value)}")
        text_of({name: value}, name)
    return values


def _decoded(value: Any) -> Any:
    """A cell of a table may hold JSON."""
    if isinstance(value, str):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value
