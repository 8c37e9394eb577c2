"""What early stopping asks of a validation."""

from types import SimpleNamespace

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
