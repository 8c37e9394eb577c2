"""The README's first runs with files that people have, line by line."""

import csv
import json
import re
import shlex

import pytest

from tests.conftest import ROOT, lines_of

RUNS = dict(
    re.findall(
        r"<!-- run: (\w+) -->\n```sh\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL
    )
)
# Not of the README: sizes with which a run takes seconds, and what would be shared by the tests.
SMALL = {
    "train_bert_lm.py": ["--preset=tiny", "--num_epochs=1", "--sequence_length_lm=64"],
    "train_bert_fine_tuning.py": ["--num_epochs=1", "--sequence_length=64", "--batch_size=16"],
}


def commands_of(block):
    """The words of each command, without the "python" in front."""
    lines = [line for line in block.replace("\\\n", " ").splitlines() if line[:1] not in ("#", "")]
    for line in lines:
        python, *words = shlex.split(line)
        assert python == "python"
        yield words


@pytest.fixture
def run_block(script, tmp_path, monkeypatch, eagerly):
    """Runs the commands of a block in a folder of its own; all of them must succeed."""
    monkeypatch.chdir(tmp_path)

    def run(name):
        outputs = []
        for command, *words in commands_of(RUNS[name]):
            if command == "-m":
                command, *words = words
            small = list(SMALL.get(command, ()))
            if command.startswith("train"):
                small += ["--process_num=1", "--min_count=1"]
                if "--ckpt_dir=" in words:
                    small.append("--preset=tiny")
                elif command == "train_bert_fine_tuning.py":
                    small.remove("--min_count=1")  # That of the checkpoint.
            status, output, error = script(command, *words, *small)
            assert not status, error
            outputs.append(output + error)
        return outputs

    return run


def test_there_are_three():
    assert sorted(RUNS) == ["csv", "fasttext", "folder"]


def test_a_table(run_block, tmp_path):
    rows = [re.split(" __label__", line.strip())[:2] for line in lines_of(80, 1)]
    with (tmp_path / "mine.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["number", "body", "topic"], *([7, *row] for row in rows)])
    (tmp_path / "new.txt").write_text("撬开门锁\n\n殴打，轻伤\n", encoding="utf-8")
    run_block("csv")
    metrics = json.loads((tmp_path / "checkpoint_mine" / "metrics.json").read_text())
    assert metrics["test"]["examples"] == 8
    assert (tmp_path / "checkpoint_mine" / "report.html").exists()
    with (tmp_path / "labels.csv").open(newline="", encoding="utf-8") as file:
        labels = [row["label"] for row in csv.DictReader(file)]
    assert len(labels) == 3 and labels[1] == "" and {labels[0], labels[2]} <= {r[1] for r in rows}


def test_a_folder_of_texts(run_block, tmp_path, caplog):
    caplog.set_level("INFO")
    (tmp_path / "texts").mkdir()
    for number, line in enumerate(lines_of(40, 2)):
        text = line.split(" __label__")[0].replace("。", "。\n")
        (tmp_path / "texts" / f"{number}.txt").write_text(text, encoding="utf-8")
    (tmp_path / "labelled.txt").write_text("".join(lines_of(60, 3)), encoding="utf-8")
    run_block("folder")
    assert "pre-training: 40 documents" in caplog.text
    assert (tmp_path / "checkpoint_labelled" / "labels.txt").read_text("utf-8").count("\n") == 3


def test_a_file_of_fasttext(run_block, tmp_path):
    for name, count, seed in (("train", 60, 4), ("test", 20, 5)):
        lines = []
        for line in lines_of(count, seed):
            text, *labels = line.strip().split(" __label__")
            lines.append(" ".join([*(f"__label__{label}" for label in labels), text]) + "\n")
        (tmp_path / f"{name}.ft").write_text("".join(lines), encoding="utf-8")
    outputs = run_block("fasttext")
    assert "60 documents" in outputs[0]
    found = json.loads((tmp_path / "checkpoint_ft/evaluation-test/metrics.json").read_text())
    assert found["test"]["examples"] == 20 and found["files"] == ["test.ft"]
