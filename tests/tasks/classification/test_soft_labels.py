"""Soft labels of the rows of a batch."""

import numpy as np
import pytest
from scipy.special import expit, softmax

from common.errors import OptionError
from data_util.reading.labels import LabelSet
from tasks.classification.options import ClassificationOptions
from tasks.classification.soft_labels import SoftLabels
from tasks.classification.task import MultiClass, MultiLabel


@pytest.mark.parametrize("task_class", [MultiClass, MultiLabel])
def test_mean_probabilities_of_the_teachers_at_the_temperature(task_class):
    random = np.random.default_rng(0)
    # Three labelled examples and four texts without labels, of two teachers.
    logits = [[random.normal(size=(size, 2)).astype(np.float32) for size in (3, 4)] for _ in "ab"]
    soft = SoftLabels(task_class(LabelSet("AB")), logits, temperature=3.0, weight=0.75)
    # 7 and 8 are texts with likely labels, of which teachers say nothing.
    examples = np.array([8, 2, 5, 0, 3, 6, 7])
    arrays = soft.arrays(examples)
    whole = [np.concatenate(parts) / 3 for parts in logits]
    if task_class.exclusive:
        expected = np.mean([softmax(each, axis=1) for each in whole], axis=0)
    else:
        expected = np.mean([expit(each) for each in whole], axis=0)
    expected = np.concatenate([expected, np.zeros((2, 2))])[examples]
    np.testing.assert_allclose(arrays["soft_targets"], expected, rtol=1e-6)
    assert arrays["soft_weights"].tolist() == [0, 0.75, 0.75, 0.75, 0.75, 0.75, 0]
    assert arrays["hard_weights"].tolist() == [1, 0.25, 0, 0.25, 0, 0, 1]
    assert {array.dtype for array in arrays.values()} == {np.dtype("float32")}


def test_without_text_without_labels():
    logits = [[np.zeros((2, 1), np.float32)]]
    arrays = SoftLabels(MultiLabel(LabelSet("A")), logits, 1.0, 0.5).arrays(np.array([1, 2]))
    assert arrays["soft_targets"].tolist() == [[0.5], [0]]
    assert arrays["hard_weights"].tolist() == [0.5, 1]


def test_text_without_labels_needs_a_teacher():
    with pytest.raises(OptionError, match=r"--unlabelled_file: .* with --teacher"):
        ClassificationOptions(unlabelled_file=["raw.txt"])
    ClassificationOptions(unlabelled_file=["raw.txt"], teacher=["checkpoint"])
