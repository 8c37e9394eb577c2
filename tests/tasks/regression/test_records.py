"""Texts with values: lines, JSON and tables, and what is wrong with others."""

import io
import json

import pytest

from common.errors import InputError
from data_util.reading.settings import DEFAULT_READING, Reading
from tasks.regression.data import split_examples
from tasks.regression.records import read_lines, read_valued, training_texts


def read(folder, text, name="values.txt", **changes):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return [(each.texts, each.value) for each in read_valued([path], Reading(**changes))]


def test_lines(tmp_path):
    assert read(tmp_path, "a b\t4.2\n\nc\t-1e3\n") == [(("a b",), 4.2), (("c",), -1000)]
    assert read(tmp_path, "a\tb \t 0\nc\td\t5\n") == [(("a", "b"), 0), (("c", "d"), 5)]


def test_records_and_tables(tmp_path):
    expected = [(("a", "b"), 4.5), (("c", "d"), 1.0)]
    records = [{"text_a": "a", "text_b": "b", "score": 4.5}, {"text_a": "c", "text_b": "d"}]
    records[1]["value"] = "1.0"
    assert read(tmp_path, "".join(json.dumps(each) + "\n" for each in records)) == expected
    assert read(tmp_path, json.dumps(records)) == expected
    # GLUE's STS-B.
    table = "index\tsentence1\tsentence2\tscore\n0\ta\tb\t4.500\n1\tc\td\t1.000\n"
    assert read(tmp_path, table, "train.tsv") == expected
    table = "body,stars\nfine,5\n"
    changes = {"text_field": ("body",), "label_field": "stars"}
    assert read(tmp_path, table, "train.csv", **changes) == [(("fine",), 5)]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("a text alone", "no value at the end, or too many tabs"),
        ("a\tb\tc\t1", "no value at the end, or too many tabs"),
        ("a\tnan", "no value at the end"),
        ("a\t1e99", "no value at the end"),
        ("\t3", "a text is empty"),
        ("a\tb\t3", "a pair among single texts"),
    ],
)
def test_wrong_lines(tmp_path, line, message):
    with pytest.raises(InputError, match=message) as error:
        read(tmp_path, f"a\t1\n{line}\n")
    assert error.value.line == 2


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"text": "a"}, "no value: a record needs `value` or `score` or `label`"),
        ({"text": "a", "value": True}, "`value` must be a finite number, not True"),
        ({"text": "a", "value": None}, "`value` must be a finite number, not None"),
        ({"text": "a", "value": [1]}, "`value` must be a finite number"),
        ({"text": " ", "value": 1}, "a text is empty"),
        ({"value": 1}, "no text: a record needs"),
        ({"text_a": "a", "text_b": "b", "value": 1}, "a pair among single texts"),
    ],
)
def test_wrong_records(tmp_path, record, message):
    with pytest.raises(InputError, match=message):
        read(tmp_path, f'{{"text": "a", "value": 1}}\n{json.dumps(record)}\n')


def test_pairs_can_be_required(tmp_path):
    with pytest.raises(InputError, match="a single text among pairs"):
        read(tmp_path, "a\t1\n", pairs=True)


def test_lines_to_predict():
    def found(text, pairs):
        stream = io.BytesIO(text.encode())
        lines = read_lines(stream, "lines", DEFAULT_READING, pairs=pairs)
        return [line.record if line.error is None else str(line.error) for line in lines]

    assert found("a\tb\na\tb\t4.2\n\n", True) == [("a", "b"), ("a", "b"), None]
    assert found("a\nb\t4.2\na\tb\n", False) == ["a", "b", "a b"]
    assert found('{"sentence1": "a", "sentence2": "b"}', True) == [("a", "b")]
    assert "this checkpoint reads pairs" in found("a", True)[0]
    assert "reads single texts" in found('{"text_a": "a", "text_b": "b"}', False)[0]


def test_examples_of_the_same_texts_stay_together(tmp_path):
    path = tmp_path / "values.txt"
    path.write_text("a\tb\t3\n", encoding="utf-8")
    (found,) = split_examples([path], DEFAULT_READING, None)
    assert found.texts == ("a", "b")
    expected = {"text_a": "a", "text_b": "b", "value": 3.0, "source": f"{path}:1"}
    assert found.record == expected
    (found,) = split_examples([path], Reading(text_field=("x", "y"), label_field="z"), None)
    assert found.record == {"x": "a", "y": "b", "z": 3.0, "source": f"{path}:1"}
    assert list(training_texts({"train": [str(path)]}, DEFAULT_READING)) == [("a", "b")]
