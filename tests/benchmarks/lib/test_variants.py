"""The variants of the tables: their options exist, and their settings tell them apart."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.lib.systems import Workspace
from benchmarks.lib.variants import TABLES, Variant, rates


@pytest.fixture
def workspace(tmp_path):
    return Workspace(Path("data"), "cail2018", tmp_path)


@pytest.mark.parametrize(
    ("script_name", "stage"),
    [("train_bert_lm.py", "pretraining"), ("train_bert_fine_tuning.py", "fine_tuning")],
)
def test_the_scripts_have_the_options(script, script_name, stage):
    status, text, _ = script(script_name, "--help")
    assert status == 0
    names = set()
    for table in TABLES.values():
        for variant in table.variants:
            names |= (getattr(variant, stage) or {}).keys()
            if stage == "pretraining":
                names |= variant.first_version.keys()
            elif variant.fine_tuning is not None:
                names |= {name for trial in variant.trials for name in trial}
    names -= {"documents", "knowledge", "features"}  # of the experiments
    assert len(names) > 3
    assert [name for name in sorted(names) if f"--{name}=" not in text] == []


@pytest.mark.parametrize("name", TABLES)
def test_no_two_variants_share_a_setting(name, workspace):
    settings = [
        json.dumps(variant.setting(workspace, trial, 1, True), sort_keys=True)
        for variant in TABLES[name].variants
        for trial in variant.trials
    ]
    assert len(settings) > 1
    assert len(set(settings)) == len(settings)


def test_the_setting_of_a_network(workspace):
    variant = Variant("cnn", {"backbone": "text_cnn"}, {"head": "pooled"})
    # The epochs are the data set's own.
    pretraining = {"num_epochs": 8, "backbone": "text_cnn"}
    expected = {"data_set": "cail2018", "variant": "cnn", "trial": {}, "seed": 1, "test": True}
    expected |= {"pretraining": pretraining, "fine_tuning": {"head": "pooled"}}
    assert variant.setting(workspace, {}, 1, True) == expected
    # A checkpoint that takes the place of the pre-training has results of its own.
    given = Workspace(workspace.data, "cail2018", workspace.folder, Path("checkpoint_lm"))
    assert variant.setting(given, {}, 1, True) == {**expected, "checkpoint": "checkpoint_lm"}
    vocabulary_of_its_own = replace(variant, random_weights=True, own_vocabulary=True)
    assert "checkpoint" not in vocabulary_of_its_own.setting(given, {}, 1, True)
    # Random weights are the same whatever the pre-training, which gives the vocabulary alone.
    random = replace(variant, random_weights=True)
    longer = random.changed({"num_epochs": 20}, {})
    assert random.setting(workspace, {}, 1, True) == longer.setting(workspace, {}, 1, True)
    tiny = random.changed({"preset": "tiny"}, {})
    assert random.setting(workspace, {}, 1, True) != tiny.setting(workspace, {}, 1, True)
    # Fewer labelled documents are another experiment.
    workspace.labelled_documents = 500
    few = expected | {"labelled_documents": 500}
    assert variant.setting(workspace, {}, 1, True) == few


def test_changes_of_the_command_line():
    network = Variant("cnn", {"backbone": "text_cnn"}, {"num_epochs": 6}, trials=[rates(1e-3)])
    changed = network.changed({"preset": "tiny"}, {"num_epochs": 2}, [rates(3e-3), rates(6e-3)])
    assert changed.pretraining == {"backbone": "text_cnn", "preset": "tiny"}
    assert changed.fine_tuning == {"num_epochs": 2}
    assert changed.trials == [rates(3e-3), rates(6e-3)]
    # No fine-tuning begins because there are options for it; other trials are no rates.
    alone = Variant("positions", {"backbone": "transformer"})
    assert alone.changed({}, {"num_epochs": 1}, [rates(3e-3)]).fine_tuning is None
    baseline = Variant("svm", trials=[{"C": 1.0}])
    assert baseline.changed({"preset": "tiny"}, {}, [rates(3e-3)]) == baseline


def test_a_checkout_takes_the_place_of_what_emulates_it(workspace):
    variant = next(
        variant
        for variant in TABLES["time_to_loss"].variants
        if variant.name == "transformer/first_version"
    )
    emulated = variant.setting(workspace, {}, 42, True)
    assert emulated["pretraining"]["num_sampled"] == 0
    workspace.checkout = Path("elsewhere")
    checkout = variant.setting(workspace, {}, 42, True)
    assert checkout["checkout"] == "elsewhere"
    assert {"num_sampled", "position"}.isdisjoint(checkout["pretraining"])
    assert checkout["pretraining"]["num_epochs"] == 4
