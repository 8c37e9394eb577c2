"""Which labels a document gets by its probabilities."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tasks.classification.decisions import decide


def test_multi_label_decisions():
    probabilities = np.array([[0.9, 0.6, 0.1], [0.4, 0.49, 0.3], [0.5, 0.2, 0.2]])
    decisions = decide(probabilities, np.full(3, 0.5))
    np.testing.assert_array_equal(decisions, [[1, 1, 0], [0, 1, 0], [1, 0, 0]])
    assert decisions.dtype == bool


def test_thresholds_are_of_each_label():
    probabilities = np.array([[0.3, 0.6, 0.9], [0.15, 0.6, 0.3], [0.1, 0.69, 0.3]])
    decisions = decide(probabilities, np.array([0.2, 0.7, 0.95]))
    # Where none reaches it, the highest odds relative to the odds of the threshold:
    # (3/17) / (1/4) = 0.71, (3/2) / (7/3) = 0.64, (3/7) / 19 = 0.02;
    # (1/9) / (1/4) = 0.44, (69/31) / (7/3) = 0.95.
    np.testing.assert_array_equal(decisions, [[1, 0, 0], [1, 0, 0], [0, 1, 0]])


def test_multi_class_decisions():
    probabilities = np.array([[0.5, 0.5, 0.0], [0.1, 0.2, 0.7]])
    decisions = decide(probabilities, np.zeros(3), exclusive=True)
    np.testing.assert_array_equal(decisions, [[1, 0, 0], [0, 0, 1]])


def test_no_documents():
    assert decide(np.zeros((0, 3)), np.zeros(3)).shape == (0, 3)


@given(
    st.lists(st.lists(st.floats(0, 1), min_size=3, max_size=3), min_size=1, max_size=6),
    st.lists(st.floats(0, 1), min_size=3, max_size=3),
    st.booleans(),
)
def test_every_document_gets_a_label(probabilities, thresholds, exclusive):
    probabilities, thresholds = np.array(probabilities), np.array(thresholds)
    before = probabilities.copy()
    decisions = decide(probabilities, thresholds, exclusive=exclusive)
    np.testing.assert_array_equal(probabilities, before)
    assert decisions.any(axis=1).all()
    if exclusive:
        assert (decisions.sum(axis=1) == 1).all()
        assert (probabilities[decisions] == probabilities.max(axis=1)).all()
    else:
        reached = (probabilities >= thresholds).any(axis=1)
        np.testing.assert_array_equal(decisions[reached], (probabilities >= thresholds)[reached])
        assert (decisions[~reached].sum(axis=1) == 1).all()


def test_results_may_be_empty():
    probabilities = np.array([[0.9, 0.6], [0.4, 0.49], [0.5, 0.2]])
    decisions = decide(probabilities, np.full(2, 0.5), at_least_one=False)
    np.testing.assert_array_equal(decisions, [[1, 1], [0, 0], [1, 0]])
    exclusive = decide(probabilities, np.full(2, 0.5), exclusive=True, at_least_one=False)
    np.testing.assert_array_equal(exclusive, [[1, 0], [0, 1], [1, 0]])


def test_the_nearest_of_extreme_probabilities():
    """Odds of a millionth differ, too, and a threshold of 1 is further away than any other."""
    probabilities = np.array([[1e-9, 3e-9, 2e-9], [0.3, 0.6, 0.7]], np.float32)
    np.testing.assert_array_equal(
        decide(probabilities, np.array([1e-7, 1e-6, 1.0])), [[1, 0, 0], [1, 1, 0]]
    )
    np.testing.assert_array_equal(decide(probabilities, np.ones(3)), [[0, 1, 0], [0, 0, 1]])
