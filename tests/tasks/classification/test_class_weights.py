import numpy as np
from sklearn.utils.class_weight import compute_sample_weight

from tasks.classification.class_weights import balanced_weights


def test_balanced_weights_of_one_label_are_scikit_learns():
    classes = np.array([0] * 6 + [1] * 3 + [2])
    found = balanced_weights(np.eye(3, dtype=bool)[classes])
    np.testing.assert_allclose(found, compute_sample_weight("balanced", classes))


def test_balanced_weights_of_several_labels_and_of_none():
    """A: 2 documents, B: 1, none: 1. The weights are 1/2, (1/2 + 1) / 2 and 1, over their mean."""
    targets = np.array([[1, 0], [1, 1], [0, 0]], bool)
    np.testing.assert_allclose(balanced_weights(targets), np.array([0.5, 0.75, 1]) / 0.75)
