"""What a validation chooses, measures and tells early stopping."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
from scipy.special import expit, softmax
from sklearn.metrics import f1_score, log_loss

from models.heads.logit_calibration import LogitCalibration
from models.heads.ngram_classifier import NgramClassifier
from tasks.calibration import MIN_EXAMPLES
from tasks.classification.decisions import decide
from tasks.classification.evaluation import ClassificationEvaluation
from tasks.classification.metrics import classification_metrics
from tasks.classification.model import ClassificationModel
from tasks.classification.task import MultiClass, MultiLabel
from tests.classifiers import label_set
from tests.tasks.classification import thresholds as cases

LABELS = 6


@pytest.mark.parametrize(
    ("network_f1", "improved"),
    [
        ([], False),  # no words beside the network
        ([0.4], False),  # the first one is the best in any case
        ([0.4, 0.5], True),
        ([0.4, 0.4], False),
        ([0.4, 0.6, 0.5], False),
        ([0.4, 0.6, 0.5, 0.7], True),
    ],
)
def test_the_network_improved(network_f1: list[float], improved: bool) -> None:
    found = {"tfidf_classifier": [{"network_f1": f1} for f1 in network_f1]} if network_f1 else {}
    task, model = MultiLabel(label_set(2)), SimpleNamespace(ngram_classifier=None)
    evaluation = ClassificationEvaluation(task, model, None, None, found)
    assert evaluation.part_improved() is improved


class Network(ClassificationModel):
    """A model whose network gives made-up logits, with its real layers behind it."""

    def __init__(self, linear=None):
        keras.Model.__init__(self)
        self.ngram_classifier, self.bag_of_words = linear, None
        self.calibration = None if linear is not None else LogitCalibration()
        for layer in (linear, self.calibration):
            if layer is not None:
                layer.build()


class Batches(list):
    """One batch of all documents."""


def evaluation_of(task, logits, targets, linear=None, found=None):
    """The evaluation of a model that gives these logits for every split."""
    batches = Batches(range(len(logits)))
    data = SimpleNamespace(
        task=task,
        batches={"valid": batches, "test": batches},
        targets=lambda split: targets,
        label_counts=lambda: targets.sum(axis=0).astype(float),
        corpora={"train": SimpleNamespace(label_ids=np.nonzero(targets)[1]), "valid": None},
        labels=task.labels,
        unknown_labels=(),
        documents=lambda split: iter(()),
    )
    model = Network(linear)

    def forward(_):
        outputs = logits.astype(np.float32)
        if linear is not None:
            ids = np.zeros((len(logits), 1), np.int32)
            outputs = model.ngram_classifier(outputs, ids, np.zeros(ids.shape, np.float32))
        else:
            outputs = model.calibration(outputs)
        yield {"example": np.arange(len(logits))}, targets, np.asarray(outputs)

    found = {} if found is None else found
    evaluation = ClassificationEvaluation(task, model, data, forward, found)
    if linear is not None:
        evaluation._linear._evidence = np.zeros(logits.shape, np.float32)
    return evaluation


@pytest.mark.parametrize("linear", [False, True])
def test_calibration_lowers_the_log_loss_and_keeps_f1(linear):
    logits, targets, _ = cases.case(0, documents=200)
    logits *= 8  # far too sure
    layer = NgramClassifier(3, LABELS) if linear else None
    task, found = MultiLabel(label_set(LABELS)), {}
    evaluation = evaluation_of(task, logits, targets, layer, found)
    before = evaluation._choose(logits.astype(np.float32))
    valid = evaluation.validate()
    evaluation.settle()
    assert valid["f1"] == pytest.approx(before.score)
    # The loss is that of the network alone, as in training; the log loss that of the model.
    probabilities = expit(logits)
    assert valid["loss"] == pytest.approx(log_loss_of(targets, probabilities), rel=1e-4)
    assert valid["log_loss"] < valid["loss"] / 2
    assert valid["calibration_error"] < 0.1
    # A test of the same documents: what the checkpoint has gives the same.
    test, _ = evaluation.test()
    assert {name: test[name] for name in ("f1", "log_loss", "calibration_error")} == {
        name: pytest.approx(valid[name]) for name in ("f1", "log_loss", "calibration_error")
    }
    scale, bias = found["calibration"]["scale"], found["calibration"]["bias"]
    np.testing.assert_allclose(
        [found["thresholds"][label] for label in task.labels],
        expit(scale * before.thresholds + bias),
        atol=1e-5,
    )
    calibrated = expit(scale * logits + bias)
    assert test["log_loss"] == pytest.approx(log_loss_of(targets, calibrated), rel=1e-4)


def log_loss_of(targets, probabilities):
    """scikit-learn's, of each label, summed over the labels."""
    pairs = zip(targets.T, probabilities.T, strict=True)
    return sum(log_loss(truth, each, labels=[False, True]) for truth, each in pairs)


@pytest.mark.parametrize("linear", [False, True])
def test_a_validation_begins_anew(linear):
    """Whatever an earlier one has left in the model, as after a resume: the same to the bit."""
    logits, targets, _ = cases.case(1, documents=100)
    layer = NgramClassifier(3, LABELS) if linear else None
    found = {}
    evaluation = evaluation_of(MultiLabel(label_set(LABELS)), 5 * logits, targets, layer, found)
    first = evaluation.validate()
    evaluation.settle()
    chosen = {name: found[name] for name in ("thresholds", "calibration")}
    evaluation.model.calibrate(0.3, 4.0)
    assert evaluation.validate() == first
    evaluation.settle()
    assert {name: found[name] for name in chosen} == chosen
    assert chosen["calibration"] != {"scale": 1.0, "bias": 0.0}


@pytest.mark.parametrize("linear", [False, True])
def test_exactly_one_label_has_a_temperature(linear):
    logits, targets, _ = cases.case(2, documents=200, exclusive=True)
    logits *= 8
    layer = NgramClassifier(3, LABELS) if linear else None
    found = {}
    evaluation = evaluation_of(MultiClass(label_set(LABELS)), logits, targets, layer, found)
    valid = evaluation.validate()
    evaluation.settle()
    assert found["calibration"]["bias"] == 0 and found["calibration"]["scale"] < 0.5
    assert set(found["thresholds"].values()) == {0.5}
    if not linear:
        decisions = np.eye(LABELS, dtype=bool)[logits.argmax(axis=1)]
        assert valid["f1"] == pytest.approx(classification_metrics(targets, decisions)["f1"])
        probabilities = softmax(logits, axis=1)
        truth = targets.argmax(axis=1)
        expected = log_loss(truth, probabilities, labels=range(LABELS))
        assert valid["loss"] == pytest.approx(expected, rel=1e-4)
        calibrated = softmax(found["calibration"]["scale"] * logits, axis=1)
        expected = log_loss(truth, calibrated, labels=range(LABELS))
        assert valid["log_loss"] == pytest.approx(expected, rel=1e-4)
    assert valid["log_loss"] < valid["loss"]


@pytest.mark.parametrize("threshold", [0.0, 0.3, 1.0])
def test_a_given_threshold_is_one_of_calibrated_probabilities(threshold):
    logits, targets, _ = cases.case(3, documents=100)
    task = MultiLabel(label_set(LABELS), threshold=threshold)
    found = {}
    evaluation = evaluation_of(task, 8 * logits, targets, found=found)
    valid = evaluation.validate()
    evaluation.settle()
    assert set(found["thresholds"].values()) == {threshold}
    assert list(found["training_documents"].values()) == targets.sum(axis=0).tolist()
    scale, bias = found["calibration"]["scale"], found["calibration"]["bias"]
    decisions = decide(expit(scale * 8 * logits + bias), np.full(LABELS, threshold))
    expected = classification_metrics(targets, decisions)["f1"]
    assert valid["f1"] == pytest.approx(expected)
    assert evaluation._choose((8 * logits).astype(np.float32)).score == pytest.approx(expected)


def test_thresholds_that_are_not_given_are_chosen():
    logits, targets, _ = cases.case(3, documents=100)
    given = np.array([np.nan, 0.9, np.nan, np.nan, 0.0, np.nan])
    found = {}
    task = MultiLabel(label_set(LABELS), threshold=given)
    evaluation = evaluation_of(task, 8 * logits, targets, found=found)
    valid = evaluation.validate()
    evaluation.settle()
    chosen = np.array(list(found["thresholds"].values()))
    assert (chosen[1], chosen[4]) == (0.9, 0)
    free = evaluation_of(MultiLabel(label_set(LABELS)), 8 * logits, targets, found={})
    free.validate()
    np.testing.assert_array_equal(chosen[[0, 2, 3, 5]], free._last[0][[0, 2, 3, 5]])
    assert evaluation._choose((8 * logits).astype(np.float32)).score == pytest.approx(valid["f1"])


@pytest.mark.parametrize("score", ["micro_f1", "macro_f1"])
def test_thresholds_that_are_not_given_are_chosen_by_the_score(score):
    logits, targets, _ = cases.case(2, documents=100, underestimated=1.0)
    given = np.array([*[np.nan] * (LABELS - 1), 0.9])
    part = evaluation_of(
        MultiLabel(label_set(LABELS), threshold=given, score=score), logits, targets
    )
    free = evaluation_of(MultiLabel(label_set(LABELS), score=score), logits, targets)
    mean = evaluation_of(MultiLabel(label_set(LABELS)), logits, targets)
    logits = logits.astype(np.float32)
    chosen, expected, other = (each._choose(logits).thresholds for each in (part, free, mean))
    np.testing.assert_array_equal(chosen, expected)
    assert (expected != other).any()


def test_documents_without_labels_get_none():
    """Half of the documents have no label, and the logits say so."""
    generator = np.random.default_rng(0)
    targets = np.eye(LABELS, dtype=bool)[generator.integers(0, LABELS, 100)]
    targets[::2] = False
    logits = np.where(targets, 2.0, -2.0) + generator.normal(size=targets.shape)
    empty = MultiLabel(label_set(LABELS), at_least_one=False)
    valid = evaluation_of(empty, logits, targets).validate()
    forced = evaluation_of(MultiLabel(label_set(LABELS)), logits, targets).validate()
    assert valid["f1"] > forced["f1"] + 0.1
    evaluation = evaluation_of(empty, logits, targets)
    evaluation.validate()
    thresholds, calibration = evaluation._last
    decisions = expit(calibration(logits)) >= thresholds
    expected = f1_score(targets, decisions, average="micro")
    assert valid["micro_f1"] == pytest.approx(expected)
    assert 30 < (~decisions.any(axis=1)).sum() < 70


def test_few_validation_documents_leave_the_probabilities_alone():
    logits, targets, _ = cases.case(0, documents=MIN_EXAMPLES - 1)
    evaluation = evaluation_of(MultiLabel(label_set(LABELS)), logits, targets)
    valid = evaluation.validate()
    assert valid["log_loss"] == valid["loss"]


@pytest.mark.parametrize(
    ("network", "linear", "said"),
    [(0.0, 2.0, "The network has no part"), (1.0, 0.0, "The TF-IDF"), (0.5, 2.0, None)],
)
def test_what_has_no_part_in_the_results_is_said(network, linear, said):
    layer = NgramClassifier(3, LABELS)
    found = {
        "tfidf_classifier": [
            {"network_f1": 0.25, "linear_f1": 0.5},
            {"network_f1": 0.375, "linear_f1": 0.5},
        ]
    }
    logits, targets, _ = cases.case(0)
    task = MultiLabel(label_set(LABELS), score="macro_f1")
    evaluation = evaluation_of(task, logits, targets, layer, found)
    layer.mix(network, linear, 0.0)
    if said is None:
        assert evaluation.advice() == []
        return
    (sentence,) = evaluation.advice()
    assert sentence.startswith(said)
    assert "macro_f1 0.5000" in sentence and "macro_f1 0.3750" in sentence
    assert ("--batch_size" in sentence) == (network == 0)
    assert evaluation_of(task, logits, targets, None, {}).advice() == []
