import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.result_writers import csv_writer, jsonl_writer


def table(results, added=(), columns=("value",)):
    target = io.BytesIO()
    write = csv_writer(target, added, columns, lambda result: [result.get(c) for c in columns])
    for result in results:
        write(result)
    return target.getvalue().decode()


def test_lines_are_json_that_people_can_read():
    target = io.BytesIO()
    write = jsonl_writer(target)
    for result in ({"labels": ["盗窃"]}, {"labels": []}):
        write(result)
    assert target.getvalue().decode() == '{"labels": ["盗窃"]}\n{"labels": []}\n'


def test_texts_are_quoted_and_numbers_are_not():
    results = [{"id": 7, "value": 0.25}, {"id": "a", "value": True}, {"value": None, "error": "e"}]
    assert table(results, ["id", "error"]) == (
        '"id","value","error"\n7,0.25,""\n"a","true",""\n"","","e"\n'
    )


@pytest.mark.parametrize("text", ["=1+1", "+a", "-x", "@SUM(A1)", "\t=1", "\r=1", "＝1", "-1+cmd"])
def test_what_a_spreadsheet_would_compute_has_an_apostrophe(text):
    (row,) = csv.DictReader(io.StringIO(table([{"value": text}]), newline=""))
    assert row["value"] == f"'{text}"


@pytest.mark.parametrize("text", ["-1", "+5", "-0.5", "264", "a=b", "", "'quoted"])
def test_numbers_and_other_texts_are_as_they_were(text):
    (row,) = csv.DictReader(io.StringIO(table([{"value": text}]), newline=""))
    assert row["value"] == text


@given(st.lists(st.text(st.characters(blacklist_categories=["Cs"]), min_size=1), min_size=1))
def test_python_reads_what_was_written(texts):
    rows = csv.DictReader(io.StringIO(table([{"value": text} for text in texts]), newline=""))
    for row, text in zip(rows, texts, strict=True):
        assert row["value"] in (text, f"'{text}")


def test_values_that_are_no_texts_are_json():
    (row,) = csv.DictReader(io.StringIO(table([{"value": [0.5, "甲"]}])))
    assert json.loads(row["value"]) == [0.5, "甲"]
