import gzip
import io
import json

import pytest

from common.errors import InputError
from data_util.reading.settings import Reading
from tasks.sequence_to_sequence.examples import split_examples
from tasks.sequence_to_sequence.records import read_examples, read_sources

PAIRS = [("Whose turn is it?", "轮到谁了？"), ("I don't know.", "我不知道。")]


def lines():
    return "".join(f"{source}\t{target}\n" for source, target in PAIRS)


def records(names=("source", "target")):
    return [dict(zip(names, pair, strict=True)) for pair in PAIRS]


@pytest.mark.parametrize(
    ("name", "text", "first"),
    [
        ("train.txt", lines(), 1),
        ("train.tsv", lines(), 1),
        ("headed.tsv", f"source\ttarget\n{lines()}", 2),
        ("train.jsonl", "\n".join(map(json.dumps, records())), 1),
        ("array.json", json.dumps(records()), 1),
        (
            "table.csv",
            'target,source\n轮到谁了？,Whose turn is it?\n"我不知道。",I don\'t know.',
            2,
        ),
    ],
)
def test_formats(tmp_path, name, text, first):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    found = list(read_examples([str(path)]))
    assert [(each.source, each.target) for each in found] == PAIRS
    assert found[0].place == f"{path}:{first}"
    packed = tmp_path / f"{name}.gz"
    packed.write_bytes(gzip.compress(text.encode()))
    assert next(read_examples([str(packed)], max_examples=1)).target == "轮到谁了？"
    # What is held out is read again.
    (one, other) = split_examples([path], Reading(), None)
    assert one.texts == PAIRS[0][0] and not other.labels
    path = tmp_path / "part.jsonl"
    path.write_text(json.dumps(one.record) + "\n", encoding="utf-8")
    assert [(each.source, each.target) for each in read_examples([str(path)])] == PAIRS[:1]


def test_other_names(tmp_path):
    path = tmp_path / "train.jsonl"
    path.write_text("\n".join(map(json.dumps, records(("en", "zh")))), encoding="utf-8")
    reading = Reading(text_field=("en", "zh"))
    assert [each.target for each in read_examples([str(path)], reading)] == [
        PAIRS[0][1],
        PAIRS[1][1],
    ]
    found = read_sources(io.BytesIO(path.read_bytes()), "x.jsonl", reading)
    assert [line.record for line in found] == [PAIRS[0][0], PAIRS[1][0]]


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("a.txt", "a\tb\nno target\n", 2),
        ("a.txt", "a\tb\nthree\ttexts\there\n", 2),
        ("a.txt", "a\t \n", 1),
        ("a.jsonl", '{"source": "a", "target": "b"}\n{"source": "a"}\n', 2),
        ("a.jsonl", '{"source": "a", "target": ""}\n', 1),
        ("a.jsonl", '{"source": "a", "target": 3}\n', 1),
    ],
)
def test_an_example_that_is_not_whole(tmp_path, name, text, line):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        list(read_examples([str(path)]))
    assert str(caught.value).startswith(f"{path}:{line}: ")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("stdin", "Whose turn is it?\n\nI don't know.\n"),
        ("test.tsv", f"{lines().splitlines()[0]}\n\n{lines().splitlines()[1]}\n"),
        ("x.jsonl", '{"source": "Whose turn is it?"}\n\n{"source": "I don\'t know.", "id": 7}\n'),
    ],
)
def test_sources_to_write_from(name, text):
    found = list(read_sources(io.BytesIO(text.encode()), name))
    assert [line.record for line in found] == [PAIRS[0][0], None, PAIRS[1][0]]
    assert [line.number for line in found] == [1, 2, 3]
    assert found[2].id == (7 if name == "x.jsonl" else None)


def test_a_wrong_line_is_told_and_passed():
    text = '{"source": "a"}\n{"source": 3}\n{"source": "b"}\n'
    first, wrong, last = read_sources(io.BytesIO(text.encode()), "x.jsonl")
    assert (first.record, last.record) == ("a", "b")
    assert wrong.error is not None and wrong.number == 2
