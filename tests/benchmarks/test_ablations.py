"""What `benchmarks.ablations` runs within its budget, and what its table compares."""

import pytest

from benchmarks import ablations
from benchmarks.ablations import PROBE_EPOCHS, components, epochs_within, measured, probed, row
from benchmarks.lib.results import Results
from benchmarks.lib.runs import flags
from benchmarks.lib.systems import Workspace
from benchmarks.lib.variants import Variant
from common.parsing import parse_options
from data_util.reading.documents import read_documents
from models.registry import BACKBONES
from training.options.scripts import PretrainingOptions
from training.preparation.objectives import check_backbone, objectives


@pytest.fixture
def workspace(data_sets, tmp_path):
    return Workspace(data_sets, "cail2018", tmp_path / "runs")


@pytest.fixture
def timed(monkeypatch):
    """Pre-trainings that take 10 s, and 4 s for each epoch; notes their options."""
    noted = []

    def timed_pretraining(workspace, options):
        noted.append(options)
        return {"processor_seconds": 10.0 + 4.0 * options["num_epochs"]}

    monkeypatch.setattr(ablations, "timed_pretraining", timed_pretraining)
    return noted


def found(f1, network):
    curves = {"curve": [f1 - 0.2, f1], "network_f1": [0.1, network, 0.2]}
    return {"valid": {"f1": f1}, "test": {"f1": f1 - 0.1}, **curves}


def test_the_budget_is_spent_in_whole_epochs(workspace, timed, tmp_path, monkeypatch):
    results = Results(tmp_path / "results.jsonl")
    # All documents are among the first ones, so an epoch takes 4 s.
    assert epochs_within(1.0, workspace, results, {}) == 15
    assert [options["num_epochs"] for options in timed] == list(PROBE_EPOCHS)
    assert epochs_within(0.01, workspace, results, {}) == 1
    assert len(timed) == 2, "the same probe is not run again"
    # The first document alone takes 4 s.
    monkeypatch.setattr(ablations, "PROBE_CHARACTERS", 1)
    assert 1 <= epochs_within(1.0, workspace, results, {}) < 15
    # Of a text of one document the first one is all.
    assert epochs_within(1.0, workspace, results, {"documents": 1}) == 15


def test_so_many_documents_are_probed_as_have_the_characters(workspace):
    lengths = [len(each.text) for each in read_documents(workspace.sources, labelled=False)]
    two = lengths[0] + lengths[1]
    for wanted, count in ((1, 1), (lengths[0], 1), (lengths[0] + 1, 2), (two, 2)):
        assert probed(workspace, wanted, None) == (count, sum(lengths[:count]) / sum(lengths))
    assert probed(workspace, 10**9, None) == (len(lengths), 1.0)
    assert probed(workspace, lengths[0] + 1, 2) == (2, 1.0)


def test_the_objectives_are_the_name():
    chosen = components("text_cnn", "masked_lm,word_order;20 % masked")
    assert chosen == {
        "masked_lm,word_order": {"objectives": "masked_lm,word_order"},
        "20 % masked": {"mask_probability": 0.2},
    }
    with pytest.raises(
        SystemExit, match=r"--components=rotation: there are masked_lm,next_sentence; masked_lm;"
    ):
        components("text_cnn", "rotation")


@pytest.mark.parametrize("backbone", BACKBONES)
def test_every_backbone_can_learn_every_component(backbone):
    for chosen in components(backbone, None).values():
        command = flags({"backbone": backbone, **chosen})
        options, _ = parse_options(PretrainingOptions, command)
        check_backbone(options, objectives(options), None)


def test_what_pretraining_is_worth_in_points():
    cells = row("spans", [found(0.75, 0.5), found(0.77, 0.52)], [found(0.7, 0.55)])
    assert cells == {
        "component": "spans",
        "first valid F1": "0.560 ± 0.014 (0.100)",
        "best valid F1": "0.760 ± 0.014 (0.510 ± 0.014)",
        "test F1": "0.660 ± 0.014",
        "first, points": "+6.0 (+0.0)",
        "best, points": "+6.0 (-4.0)",
        "test, points": "+6.0",
    }


def test_without_a_tfidf_classifier_the_network_is_the_whole():
    result = {"curve": [0.5, 0.75], "test": {"f1": 0.7}, "network_f1": []}
    cells = row("spans", [result], [result])
    assert (cells["best valid F1"], cells["best, points"]) == ("0.750", "+0.0")


def test_a_smaller_experiment_trains_on_the_first_labelled_documents(data_sets, tmp_path):
    whole = Workspace(data_sets, "cail2018", tmp_path / "whole").splits
    fewer = Workspace(data_sets, "cail2018", tmp_path / "few", labelled_documents=2)
    # Other checkpoints than those of another number, beside them.
    assert fewer.folder == tmp_path / "few-2"
    few = fewer.splits
    assert few["train"].texts == whole["train"].texts[:2] != whole["train"].texts
    assert few["test"].texts == whole["test"].texts


def test_the_other_labelled_documents_are_raw_text(data_sets, tmp_path):
    fewer = Workspace(data_sets, "cail2018", tmp_path / "few", labelled_documents=2)
    read = [each.text for each in read_documents(fewer.sources, labelled=False)]
    everything = Workspace(data_sets, "cail2018", tmp_path / "whole").splits["train"].texts
    assert set(everything) <= set(read)


def test_every_component_is_measured_from_its_own_pretraining(
    workspace, timed, tmp_path, monkeypatch
):
    ran = []

    def run_variant(variant, workspace, results, seeds):
        ran.append((variant.name, variant.random_weights, variant.pretraining, list(seeds)))
        return [found(0.7, 0.5)] * len(seeds)

    monkeypatch.setattr(ablations, "run_variant", run_variant)
    results, shared = Results(tmp_path / "results.jsonl"), {"backbone": "text_cnn"}
    random = Variant("random", shared, {"num_epochs": 6}, random_weights=True)
    rows = measured(workspace, results, random, {"default": {}}, 1.0, [1, 2])
    assert ran == [
        ("random", True, shared, [1, 2]),
        ("default", False, {**shared, "num_epochs": 15}, [1, 2]),
    ]
    assert [each["component"] for each in rows] == ["text_cnn, random weights", "text_cnn, default"]
    assert (rows[1]["epochs"], rows[1]["processor minutes"]) == (15, "1")
    assert (rows[0]["test, points"], rows[1]["test, points"]) == ("", "+0.0")
