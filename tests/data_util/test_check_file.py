import os
import statistics
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_util.check_file import _median, check_file

ROOT = Path(__file__).parents[2]


def test_goes_on_after_wrong_lines(tmp_path, script):
    path = tmp_path / "file.txt"
    lines = ["ab __label__x __label__y", "", "no label", "abcd __label__x", "__label__y", "三"]
    path.write_bytes("\n".join(lines).encode() + b"\xff\n" + b"abcdef __label__x\n")
    report = check_file(path, labelled=True)
    assert (report.lines, report.blank_lines, report.documents, report.wrong) == (7, 1, 3, 3)
    assert report.lengths == {2: 1, 4: 1, 6: 1}
    assert report.label_counts == {"x": 3, "y": 1}
    assert report.labels_per_document == {1: 2, 2: 1}
    assert [number for number, _ in report.first_errors] == [3, 5, 6]

    status, output, _ = script("data_util.check_file", path)
    assert status == 1
    for expected in (
        "plain text, as labelled text",
        "7 lines: 3 documents, 1 blank, 3 wrong",
        "12 characters: 4.0 per document on average, median 4.0, longest 6",
        "2 labels, 1.33 per document, at most 2; 2 labels have fewer than 10 documents",
        "3  100.0%  x",
        "1   33.3%  y",
        "line 3: a line without a label",
        "line 5: labels without a text",
        "line 6: not UTF-8: byte 0xff at offset 3",
    ):
        assert expected in output


def test_shows_some_of_many(tmp_path, script):
    path = tmp_path / "file.txt"
    labelled = [f"text __label__{label:02}" for label in range(30) for _ in range(label + 1)]
    path.write_text("\n".join([*labelled, *["wrong"] * 25]))
    status, output, _ = script("data_util.check_file", path)
    assert status == 1
    assert "30 labels, 1.00 per document, at most 1; 9 labels have fewer than 10" in output
    assert "The 20 most frequent labels" in output
    shown = [line.split()[-1] for line in output.splitlines() if "%" in line]
    assert shown == [f"{label:02}" for label in range(29, 9, -1)]
    assert output.count("a line without a label") == 20
    assert "and 5 more" in output


def test_exit_status(tmp_path, script, refused):
    path = tmp_path / "file.txt"
    path.write_text("free text\n\nmore\n")
    status, output, _ = script("data_util.check_file", path, "--free_text")
    assert status == 0
    assert "2 documents, 1 blank, 0 wrong" in output
    assert script("data_util.check_file", path)[0] == 1
    path.write_text(" \n")
    status, output, _ = script("data_util.check_file", path, "--free_text")
    assert status == 1
    assert "no text in this file" in output
    path.write_text("")
    assert "the file is empty" in refused("data_util.check_file", path)
    assert "this is a folder" in refused("data_util.check_file", tmp_path)
    assert "no such file" in refused("data_util.check_file", tmp_path / "missing.txt")


def test_label_field_of_json(tmp_path, script):
    path = tmp_path / "file.json"
    meta = '{"accusation": ["a"], "relevant_articles": %s}'
    path.write_text("".join(f'{{"fact": "t", "meta": {meta % v}}}\n' for v in ("[264]", "null")))
    status, output, _ = script("data_util.check_file", path)
    assert status == 0
    assert "CAIL2018 JSON lines" in output
    status, output, _ = script("data_util.check_file", path, "--label_field=relevant_articles")
    assert status == 0
    assert "2 lines: 1 documents, 0 blank, 0 wrong" in output
    assert "1 records have no labels: training leaves them out" in output
    assert "264" in output


def test_pairs(tmp_path, script):
    path = tmp_path / "file.txt"
    path.write_text("ab\tabcd __label__x\nabcd\ta __label__y\nsingle __label__x\n", "utf-8")
    status, output, _ = script("data_util.check_file", path)
    assert status == 1
    for expected in (
        "plain text, as labelled pairs of texts",
        "3 lines: 2 documents, 0 blank, 1 wrong",
        "11 characters: 5.5 per document",
        "2 pairs of texts: first 3.0, second 2.5 characters on average",
        "line 3: a single text, but above it are pairs",
    ):
        assert expected in output
    # As free text, a line of an other form is a document like any other.
    status, output, _ = script("data_util.check_file", path, "--free_text")
    assert status == 0
    assert "plain text, as free text" in output
    assert "2 pairs of texts: first 3.0" in output
    path.write_text('{"text_a": "ab", "text_b": "a", "label": 1}\n', "utf-8")
    status, output, _ = script("data_util.check_file", path)
    assert status == 0
    assert ": JSON lines, as labelled pairs of texts" in output
    path.write_text("ab __label__x\n", "utf-8")
    status, output, _ = script("data_util.check_file", path)
    assert status == 0
    assert " pairs" not in output


def test_the_command(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("一 __label__盗窃\n", "utf-8")
    command = [sys.executable, "-X", "utf8", "-m", "data_util.check_file", str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert "盗窃" in done.stdout.decode()
    assert "Every line can be used" in done.stdout.decode()


def test_the_status_is_kept_where_nobody_reads_the_report(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("no label\n" * 1000, "utf-8")
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "data_util.check_file", str(path)]
    done = subprocess.run(command, cwd=ROOT, stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, b"")


@given(st.lists(st.integers(0, 50), min_size=1))
def test_median(lengths):
    assert _median(Counter(lengths)) == pytest.approx(statistics.median(lengths))
