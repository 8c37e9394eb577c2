import gzip
import io
import json
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.errors import InputError
from data_util.reading.settings import Reading
from tasks.token_classification.examples import split_examples
from tasks.token_classification.records import (
    read_lines,
    read_splits,
    training_texts,
)
from tasks.token_classification.tags import Entity

CONLL = (
    "-DOCSTART- -X- O\n\nEU NNP B-ORG\nrejects VBZ O\n\n\n# id = 7\n北\tB-LOC\n京\tI-LOC\n　\tO\n"
)
RECORDS = [
    {"text": "张三 在北京", "entities": [["PER", 0, 3], ["LOC", 4, 6]]},
    {"text": "ab", "entities": [{"start": 0, "end": 1, "label": "X"}]},
    {"text": "ab", "entities": [[1, 2, "X"]]},
    {"tokens": ["a", "b"], "tags": ["B-X", "O"]},
    {"text": "no", "entities": []},
]
EXPECTED = [
    [("PER", 0, 2), ("LOC", 4, 6)],
    [("X", 0, 1)],
    [("X", 1, 2)],
    [("X", 0, 1)],
    [],
]


@pytest.fixture
def read(tmp_path):
    def of(content, name="train.txt", **settings):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        texts, kind = read_splits({"train": [str(path)]}, **settings)
        return texts["train"], kind

    return of


def test_columns(read):
    (english, chinese), kind = read(CONLL)
    assert kind == "bio"
    assert english.passage.text == "EU rejects" and english.line == 3
    assert english.entities == (Entity("ORG", 0, 2),)
    assert chinese.passage.text == "北京　" and chinese.line == 8
    assert chinese.passage.words == ((0, 1), (1, 2), (2, 3))
    assert chinese.entities == (Entity("LOC", 0, 2),)


@pytest.mark.parametrize("form", ["lines", "array", "csv", "gz"])
def test_records_in_every_format(read, form):
    lines = "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in RECORDS)
    if form == "csv":
        rows = [f'{each["text"]},"{json.dumps(each["entities"])}"' for each in RECORDS[:2]]
        rows = [row.replace('"', '""').replace(',""', ',"', 1) for row in rows]
        rows = [row.removesuffix('""') + '"' for row in rows]
        texts, _ = read("text,entities\n" + "\n".join(rows) + "\n", "train.csv")
    elif form == "gz":
        texts, _ = read(gzip.compress(lines.encode()), "train.jsonl.gz")
    else:
        texts, _ = read(json.dumps(RECORDS) if form == "array" else lines)
    assert [each.entities for each in texts] == [
        tuple(map(Entity._make, each)) for each in EXPECTED[: len(texts)]
    ]
    assert len(texts) == (2 if form == "csv" else 5)


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        ("a B-X\nb I-Y\n", 2, "neither B-Y nor I-Y"),
        ("a B-X\nb\n", 2, "a token and its tag"),
        ('{"text": "ab"}', 1, "`text` and `entities`"),
        ('{"text": "ab", "entities": [["X", 0, 3]]}', 1, "not in the text"),
        ('{"text": "ab", "entities": [["X", 1, 1]]}', 1, "not in the text"),
        ('{"text": "a ", "entities": [["X", 1, 2]]}', 1, "only white space"),
        ('{"text": "ab", "entities": [["", 0, 2]]}', 1, "empty"),
        ('{"text": "ab", "entities": [["X", 0]]}', 1, "is no entity"),
        ('{"text": "ab", "entities": [["X", true, 2]]}', 1, "is no entity"),
        ('{"text": "ab", "entities": 7}', 1, "must be a list"),
        ('{"text": "ab", "entities": [["X", 0, 2], ["Y", 1, 2]]}', 1, "overlap"),
        ("a\t\n", 1, "a token and its tag are expected"),
        ("a O\n\nb\tB- X\n", 3, "the label ' X' begins with white space"),
        ("a O\nb B-X\u200b\n", 2, "which cannot be seen: remove it"),
        ('{"tokens": ["a"], "tags": [" "]}', 1, "the tag of 'a' is white space"),
        ('{"tokens": ["a"], "tags": []}', 1, "must be a list"),
        ('{"tokens": ["a"], "tags": ["O", "O"]}', 1, "1 tokens with 2 tags"),
        ('{"tokens": ["a", 1], "tags": ["O", "O"]}', 1, "must hold texts"),
        ('{"text": "ab", "entities": []}\n{"text": ', 2, "not a JSON object"),
        ('{"text_a": "a", "text_b": "b", "entities": []}', 1, "single texts"),
        ("\n \n", None, "no labelled text"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(read, content, line, words):
    with pytest.raises(InputError, match=words) as raised:
        read(content)
    assert raised.value.line == line and raised.value.path.endswith("train.txt")


def test_nested_entities(read):
    entities = [["X", 0, 4], ["Y", 1, 2], ["Y", 3, 5], ["Z", 5, 6], ["X", 0, 4]]
    line = json.dumps({"text": "abcdef", "entities": entities})
    (text,), _ = read(line, nested="outermost")
    assert text.entities == (Entity("X", 0, 4), Entity("Z", 5, 6))
    assert text.dropped == (Entity("Y", 1, 2), Entity("Y", 3, 5))


def test_the_scheme_is_that_of_all_files_or_the_given_one(read):
    assert read("a I-X\nb B-X\n")[0][0].entities == (Entity("X", 0, 1), Entity("X", 2, 3))
    texts, kind = read("the DT\ndog NN\n")
    assert kind == "plain" and texts[0].entities == (Entity("DT", 0, 3), Entity("NN", 4, 7))
    with pytest.raises(InputError, match="--file_tags"):
        read("a I-X\n", file_tags="bio")
    texts, kind = read("a B\nb S\n", file_tags="plain")
    assert kind == "plain" and texts[0].entities[0].label == "B"


def test_what_is_held_out_reads_as_before(read, tmp_path):
    path = tmp_path / "given.jsonl"
    lines = [json.dumps(each) for each in RECORDS]
    lines.append(json.dumps({"text": "abc", "entities": [["X", 0, 3], ["Y", 1, 2]]}))
    path.write_text("\n".join(lines))
    examples = list(split_examples([path], Reading(), None))
    assert [set(each.labels) for each in examples[:2]] == [{"PER", "LOC"}, {"X"}]
    assert examples[-1].labels == ("X", "Y")
    written = "".join(json.dumps(each.record) + "\n" for each in examples)
    before = read_splits({"train": [str(path)]}, nested="outermost")[0]["train"]
    after = read(written, "again.jsonl", nested="outermost")[0]
    assert [(each.passage, each.entities, each.dropped) for each in before] == [
        (each.passage, each.entities, each.dropped) for each in after
    ]
    assert list(training_texts({"train": [str(path)]}, Reading()))[3] == "a b"


PIECES = [
    "\n", "\n\n", "\t", " ", "a", "北", "O", "B-X", "I-X", "E-X", "{", "}", "[", "]", '"', ":", ",",
    '{"text": "ab", "entities": [["X", 0, 1]]}', '{"tokens": ["a"], "tags": ["B-X"]}', "-1", "\0",
    "\r", "\ufeff", "-DOCSTART-", "[1, 2]", '{"text": ', "null", "1e9", "\\ud800",
]  # fmt: skip


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=5)), max_size=12))
def test_whatever_a_file_holds_it_is_read_or_named(read, pieces):
    content = "".join(pieces).encode("utf-8", "replace")
    try:
        texts, _ = read(content, nested="outermost")
    except InputError as error:
        assert error.path.endswith("train.txt")
    else:
        for each in texts:
            for entity in each.entities:
                assert 0 <= entity.start < entity.end <= len(each.passage.text)
    with suppress(InputError):
        for line in read_lines(io.BytesIO(content), "in"):
            assert line.number >= 1


def test_lines_to_predict_from():
    content = '{"id": 3, "text": "ab"}\n\n{"tokens": ["EU", "is"]}\n{"x": 1}\n{"text": " "}\n'
    lines = list(read_lines(io.BytesIO(content.encode()), "in.jsonl"))
    assert [line.number for line in lines] == [1, 2, 3, 4, 5]
    assert lines[0].id == 3 and lines[0].record.text == "ab" and lines[0].record.words is None
    assert lines[1].record is None and lines[4].record is None
    assert lines[2].record.text == "EU is" and lines[2].record.words == ((0, 2), (3, 5))
    assert "no text" in lines[3].error.message and lines[3].error.line == 4
    (text,) = read_lines(io.BytesIO(b" a {b}\n"), "in.txt")
    assert text.record.text == " a {b}"
