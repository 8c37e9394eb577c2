"""The comparison of two checkouts, on checkouts whose scripts are stand-ins of a few lines."""

import json
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from benchmarks import equality
from benchmarks.lib.checkouts import arguments_for
from benchmarks.lib.equality_inputs import write_inputs
from benchmarks.lib.equality_record import results
from benchmarks.lib.equality_runs import RUNS, with_dependencies

ROOT = Path(__file__).parents[2]
RUN = "pretraining_text_cnn_char"
SCRIPT = """
import json, sys, time
from pathlib import Path
import h5py
options = dict(argument.lstrip("-").split("=", 1) for argument in sys.argv[1:])
assert int(options["{flag}"]) > 0 and Path(options["mask_lm_source_file"]).exists()
out = Path(options["ckpt_dir"])
out.mkdir()
with h5py.File(out / "model.weights.h5", "w") as file:
    file["backbone/vars/0"] = [[1.0, 2.0], [3.0, {value}]]
    file["head/vars/0"] = [5.0]
entry = {{"epoch": 1, "valid": {{"loss": {loss}}}, "seconds": time.time()}}
metrics = {{"history": [entry], "best_epoch": 1, "restored": out.parent.name}}
(out / "metrics.json").write_text(json.dumps(metrics))
"""


@pytest.fixture
def checkout(tmp_path):
    def make(name, version="0.2.0", value=4.0, loss=0.25):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "pyproject.toml").write_text(f'[project]\nversion = "{version}"\n')
        flag = "masked_lm_candidates" if version == "0.1.0" else "num_sampled"
        script = SCRIPT.format(flag=flag, value=value, loss=loss)
        (folder / "train_bert_lm.py").write_text(script)
        return folder

    return make


@pytest.fixture
def command(monkeypatch, capsys):
    def call(**options):
        options |= {
            key.replace("after", "after_python").replace("before", "before_python"): sys.executable
            for key in options
            if key in ("before", "after")
        }
        arguments = [f"--{key}={value}" for key, value in options.items()]
        monkeypatch.setattr(sys, "argv", ["equality", *arguments])
        status = equality.main()
        return status, capsys.readouterr().out

    return call


def test_older_code_gets_its_own_names_and_times_do_not_count(checkout, command):
    old, new = checkout("old", version="0.1.0"), checkout("new")
    status, text = command(before=old, after=new, runs=RUN)
    assert status == 0
    assert f"| {RUN} | 2 of 2 | 3 of 3 | equal |" in text


def test_a_changed_number_is_named(checkout, command, tmp_path):
    old, new = checkout("old"), checkout("new", value=np.nextafter(4.0, 5.0), loss=0.5)
    output = tmp_path / "both.json"
    status, text = command(before=old, after=new, runs=RUN, output=output)
    assert status == 1
    assert f"| {RUN} | 1 of 2 | 2 of 3 | **different** |" in text
    assert f"{RUN}: weights backbone/vars/0: float64 [2, 2] " in text
    assert f"{RUN}: metrics history[0].valid.loss: 0.25 before, 0.5 after" in text
    assert len(json.loads(output.read_text())["rows"][0]["differences"]) == 2


def test_a_recorded_baseline_stands_for_the_checkout(checkout, command, tmp_path):
    old, baseline = checkout("old"), tmp_path / "baseline.json"
    assert command(before=old, runs=RUN, record=baseline) == (0, "")
    assert command(baseline=baseline, after=checkout("new"))[0] == 0
    status, text = command(baseline=baseline, after=checkout("other", loss=0.125))
    assert status == 1
    assert "metrics history[0].valid.loss: 0.25 before, 0.125 after" in text
    changed = json.loads(baseline.read_text())
    changed["runs"][RUN]["arguments"].append("--seed=8")
    changed["environment"]["keras"] = "0.0"
    baseline.write_text(json.dumps(changed))
    status, text = command(baseline=baseline, after=checkout("newest"))
    assert status == 1
    assert "with different options" in text
    assert "note: keras: 0.0 before" in text


def test_a_run_that_fails_is_a_difference(checkout, command):
    old, new = checkout("old"), checkout("new")
    (new / "train_bert_lm.py").write_text("raise SystemExit('no such option')")
    status, text = command(before=old, after=new, runs=RUN)
    assert status == 1
    assert f"{RUN}: after: exit status 1: no such option" in text


def test_an_array_that_is_missing_or_of_another_type():
    array = {"shape": [2], "dtype": "float32", "sha256": "0" * 64}
    before = {"arguments": [], "weights": {"a": array, "b": array}, "metrics": {"best_epoch": 1}}
    after = before | {"weights": {"a": array | {"dtype": "float16"}, "c": array}}
    row = equality.compare("run", before, after)
    assert (row["weights"], row["metrics"]) == ("0 of 3", "1 of 1")
    assert row["differences"][1:] == ["weights b: only before", "weights c: only after"]


def test_the_digest_is_of_the_bytes(tmp_path):
    digests = []
    for name, value in (("zero", 0.0), ("minus", -0.0)):
        folder = tmp_path / name
        folder.mkdir()
        with h5py.File(folder / "model.weights.h5", "w") as file:
            file["vars/0"] = np.array([value], "float32")
        (folder / "metrics.json").write_text('{"test": {"f1": 1.0}, "imported": {}}')
        found = results(folder)
        assert found["metrics"] == {"test": {"f1": 1.0}}
        digests.append(found["weights"]["vars/0"]["sha256"])
    assert digests[0] != digests[1]


def test_names_of_version_0_1():
    new = ["--head=max_pooled", "--objectives=masked_lm", "--valid_ratio=0.1", "--seed=7", "-m"]
    assert arguments_for("0.2.0", new) == new
    assert arguments_for("0.1.0", new) == [
        "--head=detectors",
        "--masked_lm=true",
        "--next_sentence=false",
        "--valid_share=0.1",
        "--seed=7",
        "-m",
    ]
    everything = " ".join(argument for run in RUNS.values() for argument in run)
    old = " ".join(arguments_for("0.1.0", everything.split()))
    for name in ("num_sampled", "warmup_ratio", "line_unit", "tfidf_classifier", "conversion"):
        assert name in everything and name not in old


def test_what_a_run_starts_from_runs_before_it():
    assert with_dependencies(["fine_tuning_imported_bert", "predictions_pairs"]) == [
        "pretraining_text_cnn_char",
        "pairs_alignment",
        "imported_bert",
        "fine_tuning_imported_bert",
        "predictions_pairs",
    ]


def test_input_files(tmp_path):
    folder = tmp_path / "inputs"
    write_inputs(ROOT / "data", folder)
    for arguments in RUNS.values():
        for argument in arguments:
            if "{inputs}" in argument:
                path = argument.partition("=")[2] or argument
                assert Path(path.format(inputs=folder)).exists()
    pairs = (folder / "pairs_train.txt").read_text(encoding="utf-8").splitlines()
    assert all(line.count("\t") == 1 and line.count("__label__") == 1 for line in pairs)
    vectors = (folder / "vectors.txt").read_text(encoding="utf-8").splitlines()
    assert vectors[0] == f"{len(vectors) - 1} 24"
