"""What early stopping asks of a validation."""

from types import SimpleNamespace

import numpy as np
import pytest

from tasks.classification.evaluation import ClassificationEvaluation
from tasks.classification.task import MultiLabel
from tests.classifiers import label_set


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


@pytest.mark.parametrize("threshold", [0.0, 0.3, 1.0])
def test_a_given_threshold_is_used_as_it_is(threshold: float) -> None:
    targets = np.array([[True, False], [False, True]])
    data = SimpleNamespace(targets=lambda split: targets, label_counts=lambda: np.ones(2))
    task = MultiLabel(label_set(2), threshold=threshold)
    model = SimpleNamespace(ngram_classifier=None)
    evaluation = ClassificationEvaluation(task, model, data, None, {})
    thresholds, shift, _ = evaluation._decisions(np.zeros((2, 2), np.float32))
    assert thresholds.tolist() == [threshold, threshold]
    assert not shift.any()
