"""The root scripts, from end to end, on tiny files: both stages."""

import json

import numpy as np
import pytest
from scipy.special import logit
from sklearn.metrics import f1_score
from sklearn.preprocessing import MultiLabelBinarizer

from tests.root_scripts import flags_of
from training import pretraining
from training.options.scripts import PretrainingOptions

BACKBONES = ("text_cnn", "transformer")
FIGURES = {"loss", "micro_f1", "macro_f1", "macro_f1_present", "f1"}
FIGURES |= {"log_loss", "calibration_error"}


@pytest.mark.parametrize("backbone", BACKBONES)
def test_metrics_of_both_stages(run_of, backbone):
    run = run_of(backbone)
    pretraining = json.loads((run.pretrained / "metrics.json").read_text())
    assert pretraining == run.pretraining_metrics
    assert set(pretraining) == {"score", "history", "best_epoch"}
    assert pretraining["score"] == "loss"
    figures = {"loss", "masked_lm_loss", "masked_lm_accuracy"}
    figures |= {"next_sentence_loss", "next_sentence_accuracy"}
    for number, entry in enumerate(pretraining["history"], start=1):
        assert entry["epoch"] == number
        assert set(entry) == {"epoch", "train", "valid", "learning_rate", "seconds"}
        assert set(entry["train"]) == set(entry["valid"]) == figures
    losses = [entry["valid"]["loss"] for entry in pretraining["history"]]
    assert pretraining["best_epoch"] == 1 + int(np.argmin(losses))

    fine_tuning = json.loads((run.fine_tuned / "metrics.json").read_text())
    assert fine_tuning == run.fine_tuning_metrics
    keys = {"history", "best_epoch", "score", "thresholds", "restored", "test"}
    keys |= {"tfidf_classifier", "calibration", "training_documents", "trained_parameters"}
    assert set(fine_tuning) == keys
    assert len(fine_tuning["tfidf_classifier"]) == len(fine_tuning["history"])
    for words, entry in zip(fine_tuning["tfidf_classifier"], fine_tuning["history"], strict=True):
        assert set(words) == {"network_weight", "linear_weight", "network_f1", "linear_f1"}
        # Each alone is a candidate: on the 24 validation documents, what is chosen is at most a
        # standard error worse.
        alone = max(words["linear_f1"], words["network_f1"])
        error = np.sqrt(alone * (1 - alone) / 24)
        assert 0 < alone - error <= entry["valid"]["f1"] <= 1
    for number, entry in enumerate(fine_tuning["history"], start=1):
        assert entry["epoch"] == number
        assert set(entry) == {"epoch", "train", "valid", "learning_rate", "seconds"}
        assert set(entry["train"]) == {"loss"}
        assert set(entry["valid"]) == FIGURES
    scores = [entry["valid"]["f1"] for entry in fine_tuning["history"]]
    # The best score, or nearly so with a better network.
    assert scores[fine_tuning["best_epoch"] - 1] >= max(scores) - 0.001
    assert 0 < fine_tuning["calibration"]["scale"] < 100
    assert set(fine_tuning["thresholds"]) == {"盗窃", "故意伤害", "诈骗"}
    assert all(0 < threshold < 1 for threshold in fine_tuning["thresholds"].values())
    assert set(fine_tuning["restored"]) == {"variables", "of", "parameters", "of_parameters"}
    assert fine_tuning["restored"]["variables"] == fine_tuning["restored"]["of"] > 0
    assert fine_tuning["restored"]["parameters"] == fine_tuning["restored"]["of_parameters"] > 0
    assert set(fine_tuning["test"]) == {*FIGURES, "examples", "labels"}
    assert (fine_tuning["test"]["examples"], fine_tuning["test"]["labels"]) == (24, 3)


def test_checkpoint_folders(run_of):
    run = run_of()
    both = {"config.json", "manifest.json", "metrics.json", "model.weights.h5"}
    both |= {"tokenizer.json", "vocab.txt"}
    for_going_on = {"optimizer.h5", "training_state.json"}
    names = {path.name for path in run.pretrained.iterdir()}
    assert names >= both | {"last", "logs"}
    assert {path.name for path in (run.pretrained / "last").iterdir()} == both | for_going_on
    names = {path.name for path in run.fine_tuned.iterdir()}
    assert names >= both | {"labels.txt", "ngrams.txt", "last", "logs"}
    assert names >= {"test_labels.csv", "test_predictions.jsonl", "report.html"}
    for folder in (run.pretrained, run.fine_tuned):
        assert (folder / "vocab.txt").read_bytes() == (run.pretrained / "vocab.txt").read_bytes()
    state = json.loads((run.pretrained / "last" / "training_state.json").read_text())
    assert (state["stage"], state["epoch"]) == ("pretraining", 2)
    assert not list(run.fine_tuned.rglob("*.pkl")) + list(run.fine_tuned.rglob("*.pickle"))


def test_fine_tuning_learns(run_of):
    # Labels are told by their words: if this isn't learned, something is wrong.
    history = run_of().fine_tuning_metrics["history"]
    assert history[-1]["train"]["loss"] < history[0]["train"]["loss"]
    assert run_of().fine_tuning_metrics["test"]["micro_f1"] > 0.6


@pytest.mark.parametrize("backbone", BACKBONES)
def test_f1_is_scikit_learns_on_what_predict_gives(tiny, run_of, script, backbone):
    run = run_of(backbone)
    _, out, _ = script(
        "predict.py", f"--ckpt_dir={run.fine_tuned}", f"--input={tiny.file('test')}", "--top_k=3"
    )
    results = [json.loads(line) for line in out.splitlines()]
    lines = tiny.file("test").read_text(encoding="utf-8").splitlines()
    assert len(results) == len(lines)
    labels = (run.fine_tuned / "labels.txt").read_text(encoding="utf-8").split()
    binarize = MultiLabelBinarizer(classes=labels)
    truth = binarize.fit_transform([line.split(" __label__")[1:] for line in lines])
    predicted = binarize.transform(
        [[entry["label"] for entry in result["labels"]] for result in results]
    )
    test = run.fine_tuning_metrics["test"]
    thresholds = run.fine_tuning_metrics["thresholds"]
    for average in ("micro", "macro"):
        f1 = f1_score(truth, predicted, average=average, zero_division=0)
        assert test[f"{average}_f1"] == pytest.approx(f1, abs=1e-12)
    assert test["f1"] == pytest.approx((test["micro_f1"] + test["macro_f1"]) / 2)
    for result in results:
        assert set(result) == {"labels", "top"}
        assert len(result["top"]) == 3
        probabilities = [entry["probability"] for entry in result["top"]]
        assert probabilities == sorted(probabilities, reverse=True)
        # Every label from its threshold on, or else the one with the nearest odds.
        margins = [
            logit(entry["probability"]) - logit(thresholds[entry["label"]])
            for entry in result["top"]
        ]
        best = [
            entry
            for entry, margin in zip(result["top"], margins, strict=True)
            if margin >= min(0, max(margins))
        ]
        assert result["labels"] == best


def test_another_seed_other_weights(tiny, tmp_path):
    """That the same seed gives the same weights is tested where runs are killed and resume."""
    models = []
    for seed in (7, 7, 8):
        options = PretrainingOptions(**tiny.pretraining(ckpt_dir=str(tmp_path / "lm"), seed=seed))
        models.append(pretraining.build_model(options, pretraining.prepare_data(options)))
    kernels = [model.backbone.combination.get_weights()[0] for model in models]
    np.testing.assert_array_equal(kernels[0], kernels[1])
    assert np.abs(kernels[0] - kernels[2]).max() > 1e-3


def test_a_finished_run_is_not_run_again(tiny, run_of, script, caplog):
    caplog.set_level("INFO")
    run = run_of()
    values = tiny.fine_tuning(ckpt_dir=str(run.pretrained), ckpt_dir_save=str(run.fine_tuned))
    before = (run.fine_tuned / "manifest.json").stat().st_mtime_ns
    status, out, _ = script("train_bert_fine_tuning.py", *flags_of(values))
    assert (status, out) == (0, "")
    assert f"{run.fine_tuned}: this run has already finished, nothing to do" in caplog.text
    assert (run.fine_tuned / "manifest.json").stat().st_mtime_ns == before
