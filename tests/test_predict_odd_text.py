"""Odd text and files that are none, through predict.py."""

import json

import pytest

from tests.odd_files import KINDS
from training import prediction
from training.prediction import Predictor

PLAIN = "被告人盗窃手机。"
# What is said of it is the same as of the plain text.
SAME = (
    "\ufeff被告人盗窃手机。",  # a byte order mark, at the start of the file only
    "被告人盗窃手机。\r",
    "  被告人盗窃手机。\u3000\t",
    "被告人盗窃手机。 __label__诈骗 __label__x",
    "被告人盗窃手机。 ＿＿label＿＿诈骗",
    "被告人盗窃手机。＿＿ｌａｂｅｌ＿＿诈骗",
)
ODD = (
    "👨‍👩‍👧🏴\U000e0067\U000e007f",
    "\u202e\u200f被告人\u2066",
    "被告人\r盗窃\u2028手机\x85。",
    "a" * 100_000,
    "。" * 10_000,
    "\ufeff",
    "_" * 9 + "label" + "＿" * 9,
    '{"fact": "被告人"}',  # the file's first line is no record
    "[MASK][PAD]",
)
EMPTY = ("", " \u3000\t", "__label__盗窃", " ＿＿label＿＿盗窃 __label__x")


@pytest.fixture
def ready(run_of, monkeypatch):
    """Loads the checkpoint once for all tests; the option that names it."""
    folder = run_of().fine_tuned
    classifier = Predictor(folder)
    monkeypatch.setattr(prediction.Predictor, "from_options", lambda options: classifier)
    return f"--ckpt_dir={folder}"


def test_odd_lines_have_their_labels_in_their_order(ready, script, tmp_path, caplog):
    path = tmp_path / "odd.txt"
    # A line of 10 MB; without a line feed at the end.
    lines = [*SAME, PLAIN, *ODD, *EMPTY, *EMPTY, *EMPTY, "被告人" * 1_100_000, PLAIN]
    path.write_bytes("\n".join(lines).encode())
    for arguments, stdin, name in (
        ([f"--input={path}"], b"", str(path)),
        ([], path.read_bytes(), "standard input"),
    ):
        caplog.clear()
        status, out, _ = script("predict.py", ready, *arguments, stdin=stdin)
        assert status == 0
        results = [json.loads(line) for line in out.splitlines()]
        assert len(results) == len(lines)
        for line, result in zip(lines, results, strict=True):
            assert bool(result["labels"]) == (line not in EMPTY)
        labels = [[entry["label"] for entry in result["labels"]] for result in results]
        assert all(found == labels[-1] for found in labels[: len(SAME) + 1])
        first = len(SAME) + 1 + len(ODD) + 1
        assert f"{name}:{first}: nothing to predict from" in caplog.text
        assert f"{name}: {3 * len(EMPTY)} lines in all had nothing to predict from" in caplog.text


def test_many_empty_lines_and_nothing_else(ready, script):
    for stdin in (b"\n" * 50_000, b"\xef\xbb\xbf", b"\n", b""):
        status, out, _ = script("predict.py", ready, stdin=stdin)
        assert status == 0 and set(out.splitlines()) <= {'{"labels": []}'}
        assert out.count("\n") == stdin.count(b"\n") + (stdin == b"\xef\xbb\xbf")


@pytest.mark.parametrize("kind", [*KINDS, "long"])
def test_what_is_no_text_is_one_line_that_names_it(ready, refused, tmp_path, kind):
    data, message = KINDS.get(kind, (b"a" * (17 << 20), "a line of more than 16,777,216 bytes"))
    path, output = tmp_path / "file.txt", tmp_path / "out.json"
    path.write_bytes(data)
    output.write_text("old")
    line = refused("predict.py", ready, f"--input={path}", f"--output={output}")
    assert line.startswith(f"{path}:1: ") and message in line
    # What was there stays, and no half of an output does.
    assert output.read_text() == "old"
    assert {each.name for each in tmp_path.iterdir()} == {"file.txt", "out.json"}
    line = refused("predict.py", ready, stdin=data)
    assert line.startswith("standard input:1: ") and message in line
