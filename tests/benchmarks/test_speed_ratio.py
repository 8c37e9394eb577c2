"""What `benchmarks.speed_ratio` runs in two checkouts, and what it makes of the times."""

import json
import sys

import pytest

from benchmarks import speed_ratio
from benchmarks.speed_ratio import table_rows, times_of

# Stands for Keras, and for the scripts of a checkout.
KERAS = """
class Model:
    def fit(self, seconds):
        import time
        began = time.process_time()
        while time.process_time() - began < seconds:
            pass
"""
SCRIPT = """
import pathlib, sys
import keras, own_module
with open("commands.txt", "a") as file:
    print(own_module.NAME, *sys.argv, file=file)
options = dict(argument.lstrip("-").split("=") for argument in sys.argv[1:])
for epoch in range(int(options.get("num_epochs", 0))):
    keras.Model().fit(0.001)
sys.exit(0 if "fails" not in sys.argv[0] else 2)
"""
SCRIPTS = ("train_bert_lm.py", "train_bert_fine_tuning.py", "predict.py")


@pytest.fixture
def checkouts(tmp_path):
    folders = {}
    for name, version in (("before", "0.1.0"), ("after", "0.2.0")):
        folder = folders[name] = tmp_path / name
        folder.mkdir()
        text = f'[project]\nversion = "{version}"\n'
        (folder / "pyproject.toml").write_text(text, encoding="utf-8")
        (folder / "keras.py").write_text(KERAS, encoding="utf-8")
        (folder / "own_module.py").write_text(f"NAME = {name!r}", encoding="utf-8")
        for script in SCRIPTS:
            (folder / script).write_text(SCRIPT, encoding="utf-8")
    return folders


@pytest.fixture
def run(checkouts, tmp_path, monkeypatch):
    def act(*options):
        folders = [f"--{name}={folder}" for name, folder in checkouts.items()]
        choices = ["--rounds=2", "--epochs=3", "--backbones=text_cnn", f"--json={tmp_path / 'out'}"]
        python = f"--before_python={sys.executable}"
        monkeypatch.setattr(sys, "argv", ["speed_ratio", *folders, *choices, python, *options])
        # Of the whole test run, which goes on.
        monkeypatch.delattr("os.sched_setaffinity", raising=False)
        speed_ratio.main()
        return json.loads((tmp_path / "out").read_text(encoding="utf-8"))

    return act


def test_both_checkouts_run_their_own_scripts(run, checkouts, capsys):
    found = run()
    for side, folder in checkouts.items():
        lines = (folder / "commands.txt").read_text(encoding="utf-8").splitlines()
        assert [line.split()[:2] for line in lines] == 2 * [
            [side, script] for script in (*SCRIPTS, "predict.py")
        ]
        rounds = found["times"]["text_cnn"][side]
        assert len(rounds) == 2
        assert all(one["pre-training steps"][0] >= 0.001 for one in rounds)
    works = [(row["backbone"], row["work"]) for row in found["rows"]]
    assert works == [("text_cnn", work) for work in speed_ratio.WORK]
    assert "| text_cnn | fine-tuning steps |" in capsys.readouterr().out


def test_a_script_that_fails_ends_the_benchmark(run, checkouts):
    (checkouts["after"] / "predict.py").write_text("raise ValueError('no labels')")
    with pytest.raises(SystemExit, match=r"failed in .*after(.|\n)*no labels"):
        run()


def test_the_first_epoch_and_what_few_documents_take_do_not_count():
    training = {"total": [30, 40], "fits": [[9, 10], [3, 5], [1, 2], [2, 3]]}
    few, many = ({"total": total, "fits": []} for total in ([10, 11], [25, 31]))
    assert times_of([training, training, few, many]) == {
        "pre-training steps": (1, 2),
        "fine-tuning steps": (1, 2),
        "prediction": (15, 20),
    }


def test_ratios_of_each_round():
    before = [dict.fromkeys(speed_ratio.WORK, (cpu, 3.0)) for cpu in (2.0, 3.0, 4.0)]
    after = [dict.fromkeys(speed_ratio.WORK, (2.0, 2.0))] * 3
    row = table_rows("text_cnn", {"before": before, "after": after})[0]
    assert row["times as fast, by round"] == "1.000 1.500 2.000"
    assert (row["before, s"], row["after, s"]) == ("2.00", "2.00")
    assert row["of the fastest"] == "1.000"
    assert (row["median"], row["median, wall time"]) == ("1.500", "1.500")
