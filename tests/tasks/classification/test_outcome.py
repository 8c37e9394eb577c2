import numpy as np
from sklearn.metrics import confusion_matrix

from tasks.classification.outcome import Confusion, Outcome


def outcome_of(targets, decisions, probabilities=None, losses=None, labels="ABCD"):
    targets, decisions = np.array(targets, bool), np.array(decisions, bool)
    if probabilities is None:
        probabilities = np.where(decisions, 0.9, 0.1)
    if losses is None:
        losses = np.arange(len(targets), dtype=float)
    labels = tuple(labels[: targets.shape[1]])
    return Outcome(labels, targets, np.array(probabilities), decisions, np.array(losses))


# Right; A missed with C in its place; A and B missed; D too much; A and B missed, C and D wrong.
SEVERAL = outcome_of(
    [[1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [1, 1, 0, 0]],
    [[1, 0, 0, 0], [0, 1, 1, 0], [0, 0, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1]],
    losses=[9.0, 1.0, 5.0, 2.0, 5.0],
)


def test_confusions_by_hand():
    assert SEVERAL.confusions()[0] == Confusion(0, 2, 2)
    assert set(SEVERAL.confusions()) == {
        Confusion(0, 2, 2),
        Confusion(0, 3, 1),
        Confusion(1, 2, 1),
        Confusion(1, 3, 1),
        Confusion(0, None, 1),
        Confusion(1, None, 1),
        Confusion(None, 3, 1),
    }


def test_confusions_of_one_label_each_are_scikit_learns():
    random = np.random.default_rng(1)
    true, predicted = random.integers(0, 4, (2, 200))
    found = outcome_of(np.eye(4)[true], np.eye(4)[predicted]).confusions()
    matrix = confusion_matrix(true, predicted)
    np.fill_diagonal(matrix, 0)
    assert {(each.missed, each.predicted): each.count for each in found} == {
        (int(i), int(j)): int(matrix[i, j]) for i, j in np.argwhere(matrix)
    }
    counts = [each.count for each in found]
    assert counts == sorted(counts, reverse=True)


def test_the_worst_are_wrong_ones():
    # Example 0 has the largest loss, but its label is right.
    assert SEVERAL.worst(10) == [2, 4, 3, 1]
    assert SEVERAL.worst(1) == [2]
    assert outcome_of([[1, 0]], [[1, 0]]).worst(3) == []


def test_labels_with_most_errors():
    # A is missed 3 times, B 2 times, C is wrong 2 times, D 2 times.
    assert SEVERAL.most_errors(10) == [0, 1, 2, 3]
    assert SEVERAL.most_errors(1) == [0]
    assert outcome_of([[1, 0]], [[1, 0]]).most_errors(3) == []


def test_the_main_error():
    one = outcome_of([[1, 1, 0, 0]], [[0, 0, 1, 1]], [[0.1, 0.2, 0.6, 0.7]])
    assert one.main_error(0, 4) == (3, 1)
    assert one.main_error(0, 3) == (2, 1)  # D is a label that the model does not know.
    assert outcome_of([[1, 0]], [[0, 0]]).main_error(0, 2) == (None, 0)
    assert outcome_of([[0, 1]], [[0, 0]]).main_error(0, 1) == (None, None)
