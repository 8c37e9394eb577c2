"""What `benchmarks.experiments` runs, in which order, and what it never runs twice."""

import argparse
import json
import runpy
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from benchmarks import experiments
from benchmarks.experiments import rate_trials, run_variant
from benchmarks.lib import systems
from benchmarks.lib.results import Results
from benchmarks.lib.variants import rates

ROOT = Path(__file__).parents[2]
# Validation F1 by rate.
F1 = {1e-3: 0.5, 3e-3: 0.7, 6e-3: 0.6}


@dataclass
class FakeVariant:
    """Notes what is asked of it."""

    trials: list = field(default_factory=lambda: [rates(rate) for rate in F1])
    fitted: list = field(default_factory=list)

    def trials_for(self, workspace):
        return self.trials

    def setting(self, workspace, trial, seed, test):
        return {"trial": trial, "seed": seed, "test": test}

    def fit(self, workspace, trial, seed, test):
        rate = trial["learning_rate"]
        self.fitted.append((rate, seed, test))
        return {"valid": {"f1": F1[rate]}, "rate": rate, "seed": seed}


@pytest.fixture
def results(tmp_path):
    return Results(tmp_path / "results.jsonl")


def test_the_first_seed_chooses_and_every_seed_is_measured(results):
    variant = FakeVariant()
    assert run_variant(variant, None, results, [1, 2], report_only=True) == []
    found = run_variant(variant, None, results, [1, 2])
    tried = [(rate, 1, False) for rate in F1]
    assert variant.fitted == [*tried, (3e-3, 1, True), (3e-3, 2, True)]
    assert [(result["rate"], result["seed"]) for result in found] == [(3e-3, 1), (3e-3, 2)]
    # A third seed is trained alone; the report has what was run.
    again = FakeVariant()
    assert run_variant(again, None, results, [1, 2, 3], report_only=True) == found
    assert run_variant(again, None, results, [1, 2, 3])[:2] == found
    assert again.fitted == [(3e-3, 3, True)]


def test_a_single_trial_is_not_compared(results):
    variant = FakeVariant(trials=[rates(6e-3)])
    run_variant(variant, None, results, [1])
    assert variant.fitted == [(6e-3, 1, True)]


def test_more_trials_may_have_another_best_one(results):
    run_variant(FakeVariant(trials=[rates(1e-3), rates(6e-3)]), None, results, [1])
    more = FakeVariant()
    assert run_variant(more, None, results, [1], report_only=True) == []
    assert [result["rate"] for result in run_variant(more, None, results, [1])] == [3e-3]
    assert more.fitted == [(3e-3, 1, False), (3e-3, 1, True)]


def test_rates_of_backbone_and_head():
    assert rate_trials("1e-3:3e-3,6e-3") == [
        {"learning_rate": 1e-3, "head_learning_rate": 3e-3},
        {"learning_rate": 6e-3, "head_learning_rate": 6e-3},
    ]
    with pytest.raises(ValueError, match="fast"):
        rate_trials("fast")


def table_of(table, data, folder, **changes):
    """What the command prints; without `data` there are no files."""
    arguments = {"variants": "", "data_sets": "cail2018", "seeds": "", "rates": []}
    arguments |= {"pretraining": {}, "fine_tuning": {}, "pretrained": None, "checkout": None}
    arguments |= {"report_only": False, "test_mode": False, "labelled_documents": 0, **changes}
    places = {"data": data, "folder": folder}
    return experiments.run(argparse.Namespace(table=table, **places, **arguments))


def test_a_table_is_made_from_results_that_are_there(tmp_path):
    # Results that version 0.1.0 has measured: nothing is trained, so there need be no data.
    measured = Path(__file__).with_name("results_of_0_1_0.jsonl")
    shutil.copy(measured, tmp_path / "results.jsonl")
    report = {"report_only": True}
    table = table_of("accuracy", Path("data"), tmp_path, **report)
    for row in (
        "| svm |  | 0.723 | 0.874 | 0.583 | 0.728 | 3 |",
        "| text_cnn/random | 0.721 ± 0.001 (0.489 ± 0.004) | 0.760 ± 0.005 (0.744 ± 0.007) |",
        "| text_cnn/pretrained | 0.732 ± 0.002 (0.560 ± 0.005) | 0.782 ± 0.007 (0.764 ± 0.007) |",
    ):
        assert row in table
    tiny = {**report, "variants": "text_cnn/pretrained", "pretraining": {"preset": "tiny"}}
    assert "| 0.767 ± 0.006 (0.735 ± 0.006) |" in table_of(
        "accuracy", Path("data"), tmp_path, **tiny
    )


def test_an_unknown_variant_is_named(tmp_path):
    with pytest.raises(SystemExit, match=r"--variants=bert: there are svm, .*text_cnn/random"):
        table_of("accuracy", Path("data"), tmp_path, variants="svm,bert")


@pytest.fixture
def in_process(monkeypatch):
    """Runs the scripts in this process; notes the command lines."""
    commands = []

    def run(*arguments, checkout=None):
        commands.append(arguments)
        monkeypatch.setattr(sys, "argv", list(arguments))
        runpy.run_path(str(ROOT / arguments[0]), run_name="__main__")

    monkeypatch.setattr(systems, "run", run)
    return commands


@pytest.mark.usefixtures("eagerly")
def test_the_scripts_are_run_once(data_sets, tmp_path, in_process):
    variants = {"variants": "text_cnn/random,text_cnn/pretrained", "test_mode": True}
    table = table_of("pretraining_gain", data_sets, tmp_path / "runs", **variants)
    lines = table.splitlines()
    assert [line.split(" | ")[0] for line in lines[4:6]] == [
        "| text_cnn/random",
        "| text_cnn/pretrained",
    ]
    scripts = [command[0] for command in in_process]
    assert scripts == ["train_bert_lm.py", "train_bert_fine_tuning.py"] * 2
    in_process.clear()
    again = table_of("pretraining_gain", data_sets, tmp_path / "runs", **variants)
    assert again.splitlines()[:6] == lines[:6]
    assert in_process == []
    settings = [
        json.loads(line)["setting"]
        for line in (tmp_path / "runs/results.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    assert [setting["pretraining"].get("num_epochs") for setting in settings] == [None, 1]
