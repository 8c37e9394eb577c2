"""Examples of any form, given a function that parses one record."""

import gzip
import io
import json

import pytest

from common.errors import InputError
from data_util.reading.examples import ExampleReader
from data_util.reading.records import Form
from data_util.reading.settings import DEFAULT_READING


def parse(given):
    """The numbers of a record; a line of text has none."""
    if isinstance(given, list):
        return given
    if not isinstance(given, dict) or "n" not in given:
        raise InputError(f"no number in {given!r:.40}")
    return [int(given["n"])] * int(given.get("times", 1))


READER = ExampleReader(parse, DEFAULT_READING, Form(columns=(("n", "times"),), arrays=True))


def read(data, name="file.txt"):
    found = READER.stream(io.BytesIO(data), name)
    return [(line, str(each) if isinstance(each, InputError) else each) for line, each in found]


def test_one_record_may_have_several_examples_or_none():
    lines = b'{"n": 1, "times": 2}\n\n{"n": 3, "times": 0}\n{"n": 4}\n'
    assert read(lines) == [(1, 1), (1, 1), (2, None), (4, 4)]
    assert read(gzip.compress(lines)) == read(lines)


def test_other_formats():
    assert read(b"N,times,more\n5,2,x\n\n6,1,y\n", "file.csv") == [
        (2, 5),
        (2, 5),
        (3, None),
        (4, 6),
    ]
    assert read(b"n\ttimes\n5\t1\n") == [(2, 5)]
    assert read(b'[\n{"n": 7},\n[8, 9]\n]') == [(2, 7), (3, 8), (3, 9)]
    assert read(json.dumps([[[1], 2], {"n": 3}]).encode()) == [(1, [1]), (1, 2), (1, 3)]


def test_errors_name_the_line_and_reading_goes_on():
    found = read(b'\n{"n": 1}\n{"m": 2}\n{"n"\n3\n{"n": 4}\n')
    assert [line for line, _ in found] == [1, 2, 3, 4, 5, 6]
    assert found[2][1].startswith("file.txt:3: no number in")
    assert found[3][1].startswith("file.txt:4: not JSON")
    assert found[4][1] == "file.txt:5: a JSON object is expected here"
    assert found[5] == (6, 4)


def test_files(tmp_path):
    first, second = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    first.write_text('{"n": 1}\n{"n": 2}\n')
    second.write_text('{"n": 3}\n')
    expected = [(str(first), 1, 1), (str(first), 2, 2), (str(second), 1, 3)]
    assert list(READER.files([first, second])) == expected
    assert list(READER.files([first, second], 2)) == expected[:2]
    second.write_text("\n\n")
    with pytest.raises(InputError, match="no example in this file"):
        list(READER.files([second]))
    second.write_text('{"n": 3}\n{}\n')
    with pytest.raises(InputError, match=r"b\.jsonl:2: no number"):
        list(READER.files([first, second]))
