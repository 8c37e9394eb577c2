"""The commands of an experiment's trainings, and the metrics that are read from them."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.lib import systems
from benchmarks.lib.data_sets import Split
from benchmarks.lib.systems import (
    Workspace,
    evaluate_checkpoint,
    fit_baseline,
    fit_network,
    pretrain,
    read_history,
    read_pretraining,
)

PRETRAINING = {"backbone": "text_cnn", "num_epochs": 3, "preset": "tiny"}


def entry(epoch, **valid):
    return {"epoch": epoch, "train": {"loss": 2.0}, "valid": valid, "seconds": 10.0}


@pytest.fixture
def commands(monkeypatch):
    """Notes the options of each script, which writes its metrics and nothing else."""
    noted = []

    def run(script, *arguments, checkout=None):
        options = dict(argument.removeprefix("--").split("=", 1) for argument in arguments)
        noted.append({"script": script, "in": checkout, **options})
        folder = Path(options.get("ckpt_dir_save", options["ckpt_dir"]))
        valid = {"f1": 0.5, "loss": 1.0, "masked_lm_loss": 4.0, "masked_lm_accuracy": 0.4}
        metrics = {"history": [entry(1, **valid), entry(2, **valid)], "best_epoch": 1}
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "metrics.json").write_text(json.dumps(metrics), encoding="utf-8")

    monkeypatch.setattr(systems, "run", run)
    return noted


@pytest.fixture
def workspace(data_sets, tmp_path):
    return Workspace(data_sets, "cail2018", tmp_path / "runs")


def test_the_commands_of_a_network(commands, workspace, data_sets):
    fine_tuning = {"head": "pooled", "seed": 2}
    result = fit_network(workspace, PRETRAINING, fine_tuning, random_weights=False, test=False)
    first, second = commands
    sources = f"{data_sets}/legal_corpus/train.txt,{data_sets}/cail2018/train.json"
    assert first["mask_lm_source_file"] == sources
    assert (first["num_epochs"], first["preset"], first["backbone"]) == ("3", "tiny", "text_cnn")
    assert (second["ckpt_dir"], second["head"]) == (first["ckpt_dir"], "pooled")
    assert second["seed"] == "2"
    assert "preset" not in second
    assert (result["pretraining_seconds"], result["valid"]["f1"]) == (20.0, 0.5)
    assert "test" not in result


def test_a_network_from_random_weights_has_the_same_shape(commands, workspace):
    result = fit_network(workspace, PRETRAINING, {}, random_weights=True, test=False)
    first, second = commands
    assert second["ckpt_dir"] == ""
    assert second["vocab_file"] == f"{first['ckpt_dir']}/vocab.txt"
    assert (second["backbone"], second["preset"]) == ("text_cnn", "tiny")
    assert second["tokenize_style"] == first["tokenize_style"] == "word"
    assert result["pretraining_seconds"] == 0


def test_random_weights_with_an_own_vocabulary_need_no_pretraining(commands, workspace):
    fit_network(workspace, PRETRAINING, {}, random_weights=True, own_vocabulary=True, test=False)
    (only,) = commands
    assert (only["script"], only["ckpt_dir"]) == ("train_bert_fine_tuning.py", "")
    assert (only["vocab_file"], only["backbone"], only["preset"]) == ("", "text_cnn", "tiny")


def test_each_choice_has_a_folder_of_its_own(commands, workspace):
    for fine_tuning in ({"seed": 1}, {"seed": 2}, {"seed": 1, "head": "pooled"}):
        for random_weights in (False, True):
            fit_network(
                workspace, PRETRAINING, fine_tuning, random_weights=random_weights, test=False
            )
    fit_network(
        workspace, {**PRETRAINING, "num_epochs": 1}, {"seed": 1}, random_weights=False, test=False
    )
    saved = [one["ckpt_dir_save"] for one in commands if "ckpt_dir_save" in one]
    assert len(set(saved)) == len(saved) == 7
    assert len({one["ckpt_dir"] for one in commands if one["script"] == "train_bert_lm.py"}) == 2


def test_a_given_checkpoint_takes_the_place_of_the_pretraining(commands, workspace, tmp_path):
    workspace.pretrained = tmp_path
    (tmp_path / "metrics.json").write_text('{"history": []}', encoding="utf-8")
    fit_network(workspace, PRETRAINING, {}, random_weights=False, test=False)
    assert [one["script"] for one in commands] == ["train_bert_fine_tuning.py"]
    assert commands[0]["ckpt_dir"] == str(tmp_path)


def test_the_first_documents_by_another_version(commands, workspace, tmp_path):
    folder = pretrain(workspace, {**PRETRAINING, "documents": 3}, tmp_path / "v1")
    own = pretrain(workspace, {**PRETRAINING, "documents": 3})
    assert [one["in"] for one in commands] == [tmp_path / "v1", None]
    assert own != folder
    for command in commands:
        text = Path(command["mask_lm_source_file"]).read_text(encoding="utf-8")
        assert text.count("\n") == 3
        assert "documents" not in command


def test_the_metrics_of_a_fine_tuning(tmp_path):
    # With few documents, not every epoch has a validation.
    history = [entry(1, f1=0.4, loss=1.5), entry(2), entry(3, f1=0.6, loss=1.2)]
    metrics = {"history": history, "best_epoch": 3, "tfidf_classifier": [{"network_f1": 0.3}] * 2}
    (tmp_path / "metrics.json").write_text(json.dumps(metrics), encoding="utf-8")
    assert read_history(tmp_path) == {
        "valid": {"f1": 0.6, "loss": 1.2},
        "network_f1": [0.3, 0.3],
        "curve": [0.4, 0.6],
        "loss": [2.0, 2.0, 2.0],
        "valid_loss": [1.5, 1.2],
        "seconds": 30.0,
    }


def test_the_metrics_of_a_pretraining(run_of):
    run = run_of()
    found = read_pretraining(run.pretrained)
    history = run.pretraining_metrics["history"]
    assert found["masked_lm_loss"] == [entry["valid"]["masked_lm_loss"] for entry in history]
    assert len(found["epoch_seconds"]) == len(found["masked_lm_accuracy"]) == 2


def test_a_checkpoint_is_measured_on_the_test_documents(run_of, tiny):
    run = run_of()
    lines = tiny.file("test").read_text(encoding="utf-8").splitlines()
    parts = [line.split(" __label__") for line in lines]
    # A label that the classifier has never seen, and an order that is not its own.
    labels = ("放火", "诈骗", "盗窃", "故意伤害")
    targets = np.array([[label in part for label in labels] for part in parts], dtype=np.int64)
    found = evaluate_checkpoint(run.fine_tuned, Split([part[0] for part in parts], targets, labels))
    own = run.fine_tuning_metrics["test"]
    assert found["test"]["micro_f1"] == pytest.approx(own["micro_f1"])
    assert found["test"]["macro_f1"] == pytest.approx(own["macro_f1"] * 3 / 4)
    assert found["parameters"] > 1000
    assert found["bytes"] > 4 * found["parameters"]


def test_a_baseline(workspace):
    found = fit_baseline(workspace, "svm", {"C": 5.0}, 1, test=True)
    assert found["valid"]["f1"] > 0.5
    assert found["test"]["f1"] > 0.5
    assert "test" not in fit_baseline(workspace, "svm", {"C": 5.0}, 1, test=False)
