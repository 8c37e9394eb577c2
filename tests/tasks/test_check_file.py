import os
import statistics
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_util.labelled.checked_examples import check_documents
from data_util.labelled.file_report import check_file, median

ROOT = Path(__file__).parents[2]


def test_goes_on_after_wrong_lines(tmp_path, script):
    path = tmp_path / "file.txt"
    lines = [
        "ab __label__x __label__y",
        "",
        "a __label__x b",
        "abcd __label__x",
        "__label__y",
        "三",
    ]
    path.write_bytes("\n".join(lines).encode() + b"\xff\n" + b"abcdef __label__x\n")
    report = check_file(path, check_documents)
    assert (report.examples, report.blank_lines, report.wrong) == (3, 1, 3)
    assert report.lengths == {2: 1, 4: 1, 6: 1}
    assert report.label_counts == {"x": 3, "y": 1}
    assert report.labels_per_example == {1: 2, 2: 1}
    assert [number for number, _ in report.first_errors] == [3, 5, 6]

    status, output, _ = script("tasks.check_file", path)
    assert status == 1
    for expected in (
        "plain text, a document per line; labelled text",
        "3 documents, 1 blank lines, 3 wrong lines",
        "12 characters: 4.0 per document on average, median 4.0, longest 6",
        "2 labels, 1.33 per document, at most 2; 2 labels have fewer than 10 documents",
        "3  100.0%  x",
        "1   33.3%  y",
        "line 3: `__label__` within the text",
        "line 5: labels without a text",
        "line 6: not UTF-8: byte 0xff at offset 3",
    ):
        assert expected in output


def test_shows_some_of_many(tmp_path, script):
    path = tmp_path / "file.txt"
    labelled = [f"text __label__{label:02}" for label in range(30) for _ in range(label + 1)]
    path.write_text("\n".join([*labelled, *["__label__wrong"] * 25]))
    status, output, _ = script("tasks.check_file", path)
    assert status == 1
    assert "30 labels, 1.00 per document, at most 1; 9 labels have fewer than 10" in output
    assert "The 20 most frequent labels" in output
    shown = [line.split()[-1] for line in output.splitlines() if "%" in line]
    assert shown == [f"{label:02}" for label in range(29, 9, -1)]
    assert output.count("labels without a text") == 20
    assert "and 5 more" in output


def test_exit_status(tmp_path, script, refused):
    path = tmp_path / "file.txt"
    path.write_text("free text\n\nmore\n")
    status, output, _ = script("tasks.check_file", path, "--free_text")
    assert status == 0
    assert "2 documents, 1 blank lines, 0 wrong lines" in output
    assert script("tasks.check_file", path)[0] == 1
    path.write_text(" \n")
    status, output, _ = script("tasks.check_file", path, "--free_text")
    assert status == 1
    assert "no text in this file" in output
    path.write_text("")
    assert "the file is empty" in refused("tasks.check_file", path)
    assert "no such file" in refused("tasks.check_file", tmp_path / "missing.txt")


def test_label_field_of_json(tmp_path, script):
    path = tmp_path / "file.json"
    meta = '{"accusation": ["a"], "relevant_articles": %s}'
    path.write_text("".join(f'{{"fact": "t", "meta": {meta % v}}}\n' for v in ("[264]", "null")))
    status, output, _ = script("tasks.check_file", path)
    assert status == 0
    assert "JSON lines with the fields fact, meta.accusation; labelled text" in output
    status, output, _ = script("tasks.check_file", path, "--label_field=relevant_articles")
    assert status == 0
    assert "2 documents, 0 blank lines, 0 wrong lines" in output
    assert "1 documents have no labels: with --task=multi_label they are examples of none" in output
    assert "264" in output


def test_pairs(tmp_path, script):
    path = tmp_path / "file.txt"
    path.write_text("ab\tabcd __label__x\nabcd\ta __label__y\nsingle __label__x\n", "utf-8")
    status, output, _ = script("tasks.check_file", path)
    assert status == 1
    for expected in (
        "plain text, a pair of texts per line with a tab between them; labelled pairs of texts",
        "2 documents, 0 blank lines, 1 wrong lines",
        "11 characters: 5.5 per document",
        "2 pairs of texts: first 3.0, second 2.5 characters on average",
        "line 3: a single text, but above it are pairs",
    ):
        assert expected in output
    # As free text, a line of an other form is a document like any other.
    status, output, _ = script("tasks.check_file", path, "--free_text")
    assert status == 0
    assert "with a tab between them; free text" in output
    assert "2 pairs of texts: first 3.0" in output
    path.write_text('{"text_a": "ab", "text_b": "a", "label": 1}\n', "utf-8")
    status, output, _ = script("tasks.check_file", path)
    assert status == 0
    assert "JSON lines with the fields text_a, text_b, label; labelled pairs of texts" in output
    path.write_text("ab __label__x\n", "utf-8")
    status, output, _ = script("tasks.check_file", path)
    assert status == 0
    assert " pairs" not in output


def test_the_command(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("一 __label__盗窃\n", "utf-8")
    command = [sys.executable, "-X", "utf8", "-m", "tasks.check_file", str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert "盗窃" in done.stdout.decode()
    assert "Every line can be used" in done.stdout.decode()


def test_the_status_is_kept_where_nobody_reads_the_report(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("no label\n" * 1000, "utf-8")
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "tasks.check_file", str(path)]
    done = subprocess.run(command, cwd=ROOT, stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, b"")


@given(st.lists(st.integers(0, 50), min_size=1))
def test_median(lengths):
    assert median(Counter(lengths)) == pytest.approx(statistics.median(lengths))


def test_several_files_are_the_splits_of_one_set(tmp_path, script):
    train, valid = tmp_path / "train.csv", tmp_path / "valid.csv"
    rows = [f"text {number},{'billing' if number % 2 else 'login'}" for number in range(40)]
    train.write_text("\n".join(["text,label", *rows, "text 1,login", "new,Billing"]) + "\n")
    valid.write_text("text,label\ntext 2,login\nlong " + "word " * 40 + ",shipping\n")
    status, output, _ = script("tasks.check_file", train, valid, "--sequence_length=32")
    assert status == 0
    for expected in (
        f"{train}: a table (CSV) with the columns text, label; labelled text",
        "42 documents, 0 blank lines, 0 wrong lines",
        "no document is longer than --sequence_length=32; the longest has 2 tokens",
        "1 documents are longer than --sequence_length=32 and will be truncated",
        "line 2: text 0  [login]",
        f"1 of 2 documents in {valid} have a text that is in {train} too",
        f"1 texts are there several times, with different labels ({train}:42 as {train}:3)",
        f"1 of 42 documents in {train} repeat the text of an earlier one",
        "is each pair the same label? 'Billing' and 'billing'",
        f"{valid} has 1 labels that {train} does not have (shipping)",
        "Each document has exactly one label: --task=multi_class learns to choose one.",
    ):
        assert expected in output, output


def test_free_text_is_no_labelled_file(tmp_path, script):
    path = tmp_path / "raw.txt"
    path.write_text("one\ntwo\n")
    status, output, _ = script("tasks.check_file", path)
    assert status == 1
    assert "No document has a label: as files for pre-training, check them with --free_t" in output


def test_what_ends_the_reading_is_a_wrong_line(tmp_path, script):
    path = tmp_path / "file.json"
    path.write_text('[\n{"text": "a", "label": "x"},\n{"text": ]\n')
    status, output, _ = script("tasks.check_file", path)
    assert status == 1
    assert "1 documents, 0 blank lines, 1 wrong lines" in output
    assert "line 3: not JSON: Expecting value" in output
