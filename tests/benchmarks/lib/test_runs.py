import json

import pytest

from benchmarks.lib import runs
from benchmarks.lib.runs import flags, metrics_row, pretrain_and_fine_tune, run


def test_a_command_that_fails_ends_the_program(tmp_path, capsys):
    script = tmp_path / "script.py"
    script.write_text("import sys; sys.exit(int(sys.argv[1]))", encoding="utf-8")
    run(str(script), "0")
    with pytest.raises(SystemExit) as stop:
        run(str(script), "3")
    assert stop.value.code == 3
    assert f"$ python {script} 3" in capsys.readouterr().out


def test_another_version_runs_in_its_own_folder(tmp_path):
    checkout = tmp_path / "v1"
    checkout.mkdir()
    (checkout / "pyproject.toml").write_text('[project]\nversion = "0.1.0"', encoding="utf-8")
    (checkout / "script.py").write_text(
        "import pathlib, sys; pathlib.Path('given.txt').write_text(sys.argv[1])", encoding="utf-8"
    )
    run("script.py", "--num_sampled=0", checkout=checkout)
    assert (checkout / "given.txt").read_text() == "--masked_lm_candidates=0"


def test_flags():
    options = {"seed": 1, "ckpt_dir": "", "test_mode": True, "out": "Folder"}
    assert flags(options) == ["--seed=1", "--ckpt_dir=", "--test_mode=true", "--out=Folder"]


def test_three_runs(monkeypatch, tmp_path):
    commands = []
    monkeypatch.setattr(runs, "run", lambda *command: commands.append(command))
    pretrain_and_fine_tune(tmp_path, ["--a"], ["--b"], ["--c"], ["--d"])
    first, random, finetuned = commands
    assert first[0] == "train_bert_lm.py"
    assert {"--a", f"--ckpt_dir={tmp_path}/pretrained"} <= set(first)
    vocabulary = f"--vocab_file={tmp_path}/pretrained/vocab.txt"
    assert {"--b", "--c", "--ckpt_dir=", vocabulary} <= set(random)
    assert {"--b", "--d", f"--ckpt_dir={tmp_path}/pretrained"} <= set(finetuned)
    assert f"--ckpt_dir_save={tmp_path}/random" in random
    assert f"--ckpt_dir_save={tmp_path}/finetuned" in finetuned


def test_a_row_of_metrics(tmp_path):
    # With few documents, not every epoch has a validation.
    values = ({"f1": 0.5}, {"f1": 0.75}, {}, {"f1": 0.7})
    history = [{"valid": valid} for valid in values]
    test = {"micro_f1": 0.6, "macro_f1": 0.4, "f1": 0.5}
    metrics = {"history": history, "best_epoch": 2, "test": test}
    (tmp_path / "metrics.json").write_text(json.dumps(metrics), encoding="utf-8")
    assert metrics_row(tmp_path, start="random") == {
        "start": "random",
        "best epoch": 2,
        "first valid F1": "0.500",
        "best valid F1": "0.750",
        "test micro F1": "0.600",
        "test macro F1": "0.400",
        "test F1": "0.500",
    }
