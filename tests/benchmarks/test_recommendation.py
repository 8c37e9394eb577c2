"""The table, without running scripts: what they are told, and what becomes of their output."""

import json
import sys
from pathlib import Path

import pytest

from benchmarks import recommendation
from common.parsing import parse_options
from training.options.language_model import LanguageModelOptions
from training.options.scripts import PretrainingOptions


@pytest.fixture
def commands(monkeypatch):
    """What is run; each user of the test gets the right item at the second place."""
    commands = []

    def run(script, *flags):
        kind = PretrainingOptions if script == "train_bert_lm.py" else LanguageModelOptions
        options, _ = parse_options(kind, list(flags))
        commands.append(options)
        if kind is LanguageModelOptions:
            items = [line.split() for line in Path(options.input).read_text().splitlines()]
            assert all(line[-1] == "[MASK]" for line in items)
            masks = [[{"token": "x"}, {"token": str(int(line[-2]) + 1)}] for line in items]
            lines = [json.dumps({"text": "", "masks": [each]}) + "\n" for each in masks]
            Path(options.output).write_text("".join(lines))

    monkeypatch.setattr(recommendation, "run", run)
    return commands


def test_the_last_item_is_for_the_test(commands, tmp_path, monkeypatch, capsys):
    data, folder = tmp_path / "items.txt", tmp_path / "runs"
    data.write_text("".join(f"{' '.join(map(str, range(s, 12)))}\n" for s in (1, 2, 3, 4, 5, 6)))
    flags = [f"--data={data}", f"--folder={folder}", "--backbones=transformer,lstm"]
    monkeypatch.setattr(sys, "argv", ["recommendation", *flags])
    recommendation.main()
    # Items 1 to 4 are those of fewer than five users, so each sequence ends with 10 and 11.
    assert (folder / "train.txt").read_text().splitlines()[0] == "5 6 7 8 9"
    assert (folder / "valid.txt").read_text().splitlines()[0] == "5 6 7 8 9 [MASK]"
    assert (folder / "test.txt").read_text().splitlines()[-1] == "6 7 8 9 10 [MASK]"
    assert (folder / "items.txt").read_text().split() == sorted(map(str, range(5, 12)))
    training = [each for each in commands if isinstance(each, PretrainingOptions)]
    assert [(each.backbone, each.mask_last) for each in training] == [
        ("transformer", 0),
        ("transformer", 0.0909),
        ("lstm", 0),
        ("lstm", 0.0909),
    ]
    rows = [line.split("|") for line in capsys.readouterr().out.splitlines() if "mask_last" in line]
    # The second place: 1 / log2(3).
    assert all([cell.strip() for cell in row[2:6]] == ["1.000", "0.631"] * 2 for row in rows)
    assert len(rows) == 4


def test_a_bad_file_ends_with_one_line(tmp_path, monkeypatch, capsys):
    data = tmp_path / "ratings.dat"
    data.write_text("1::2::3::4\n1::2::3\n")
    monkeypatch.setattr(sys, "argv", ["recommendation", f"--data={data}"])
    with pytest.raises(SystemExit) as caught:
        recommendation.main()
    assert caught.value.code == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "ratings.dat:2: a rating is" in error
