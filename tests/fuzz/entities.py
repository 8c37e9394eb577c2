"""The reader of labelled texts: CoNLL columns, entities and tags in JSON, tables."""

import io
import json

from common.errors import InputError
from data_util.reading.labels import label_problem
from data_util.reading.settings import Reading
from tasks.token_classification.records import TaggedText, TaggedWords, converted, read_stream
from tasks.token_classification.tags import scheme_of

NAMES = ("file.txt", "file.csv", "file.tsv", "file.json")
_MOST = 1000


def seeds() -> list[bytes]:
    """One file of each form; the first byte says how it is read."""
    entities = {"text": "甲乙 丙", "entities": [["A", 0, 3], {"start": 3, "end": 4, "label": "B"}]}
    nested = {"text": "甲乙丙", "entities": [[0, 3, "A"], [1, 2, "B"]]}
    tags = {"tokens": ["a", "b", "丙"], "tags": ["B-A", "I-A", "O"]}
    columns = "-DOCSTART- O\n\nEU NNP S-A\nb VBZ O\n\n# id = 7\n北\tB-B\n京\tE-B\n".encode()
    records = [entities, nested, tags]
    return [
        b"\x01" + columns,
        b"\x01" + b"a I-A\nb B-A\n\nc N\n",
        b"\x01" + "".join(json.dumps(each) + "\n" for each in records).encode(),
        b"\x00" + "".join(json.dumps(each) + "\n" for each in records).encode(),
        b"\x07" + json.dumps(records, ensure_ascii=False).encode(),
        b"\x03" + b'text,entities\nabc,"[[""A"", 0, 1]]"\n',
    ]


def one_input(data: bytes) -> None:
    """Reads the rest of the bytes as a file; the first one says how."""
    if not data:
        return
    nested, name = "outermost" if data[0] & 1 else "error", NAMES[data[0] >> 1 & 3]
    found = []
    try:
        for line, each in read_stream(io.BytesIO(data[1:]), name, Reading(), nested):
            assert line >= 1
            if isinstance(each, InputError):
                _check_error(each, name)
            else:
                found.append((line, each))
            if len(found) > _MOST:
                break
    except InputError as error:
        _check_error(error, name)
    scheme = scheme_of([each.tags for _, each in found if isinstance(each, TaggedWords)])
    for line, each in found:
        if isinstance(each, TaggedWords):
            assert len(each.words) == len(each.tags) == len(each.lines) and min(each.lines) == line
            try:
                text = converted(each, scheme, name, line)
            except InputError as error:
                _check_error(error, name)
                continue
            assert text.passage.words is not None
            parts = [text.passage.text[start:end] for start, end in text.passage.words]
            assert parts == each.words
        else:
            text = each
            assert nested == "outermost" or not text.dropped
        _check(text)


def _check(tagged: TaggedText) -> None:
    """What holds for every text: entities in order, none within another, no space at their ends."""
    text, last = tagged.passage.text, 0
    text.encode()
    assert "\0" not in text
    for label, start, end in tagged.entities:
        assert last <= start < end <= len(text)
        last = end
        assert tagged.passage.words or text[start:end] == text[start:end].strip()
        assert label == " ".join(label.split()) and label and label_problem(label) is None


def _check_error(error: InputError, name: str) -> None:
    assert error.path == name and error.line and error.line >= 1 and len(str(error)) < 3000
