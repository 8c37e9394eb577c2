"""What `benchmarks.tuning` runs, and what its table says."""

import json
import sys

import pytest

from benchmarks import tuning

METRICS = {
    "history": [
        {"valid": {"f1": 0.5}, "seconds": 3.0},
        {"valid": {"f1": 0.75}, "seconds": 4.0},
        {"valid": {"f1": 0.7}, "seconds": 4.0},
    ],
    "test": {"f1": 0.625},
    "trained_parameters": 12345,
}


@pytest.fixture
def ran(data_sets, tmp_path, monkeypatch):
    """Runs the benchmark with options; returns the commands, which are not run."""
    commands = []

    def run(*arguments):
        commands.append(arguments)
        for argument in arguments:
            if argument.startswith("--ckpt_dir_save="):
                folder = tmp_path / argument.partition("=")[2]
                folder.mkdir(parents=True)
                (folder / "metrics.json").write_text(json.dumps(METRICS), encoding="utf-8")
                part = "--tuning=lora" in arguments
                weights = folder / ("tuned.weights.h5" if part else "model.weights.h5")
                weights.write_bytes(bytes(20_000 if part else 3_000_000))

    monkeypatch.setattr(tuning, "run", run)

    def measure(*options):
        places = [f"--data={data_sets}", f"--folder={tmp_path / 'runs'}"]
        one = ["--data_sets=cail2018", "--backbones=text_cnn"]
        monkeypatch.setattr(sys, "argv", ["tuning", *places, *one, *options])
        tuning.main()
        return commands

    return measure


def test_every_tuning_starts_from_the_same_pretraining(ran, tmp_path, capsys):
    first, *others = ran("--seeds=2", "--pretraining_epochs=3")
    assert first[0] == "train_bert_lm.py"
    assert "--num_epochs=3" in first
    assert len(others) == 2 * len(tuning.VARIANTS)
    start = f"--ckpt_dir={tmp_path / 'runs/cail2018/text_cnn-pretrained'}"
    assert all(start in each and "--tfidf_classifier=false" in each for each in others)
    assert [each[-1] for each in others[-2:]] == ["--head=concat_pooled"] * 2
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    assert "| full | 0.625 | 0.750 | 12,345 | 11 | 3.00 |" in rows
    assert "| lora | 0.625 | 0.750 | 12,345 | 11 | 0.02 |" in rows


def test_a_checkpoint_takes_the_place_of_all_pretraining(ran):
    commands = ran("--pretrained=mine")
    assert {each[0] for each in commands} == {"train_bert_fine_tuning.py"}
    assert all("--ckpt_dir=mine" in each for each in commands)


def test_rows_can_be_chosen(ran, capsys):
    commands = ran("--pretrained=mine", "--variants=lora;adapter, houlsby")
    assert [each[-1] for each in commands] == ["--tuning=lora", "--tuning=adapter"]
    with pytest.raises(SystemExit):
        ran("--variants=lora;all")
    assert "all: no such row. There are: full; " in capsys.readouterr().err
