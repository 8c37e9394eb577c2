"""Against probabilities that are counted by hand."""

import itertools

import numpy as np
import pytest

from tasks.token_classification.decoding import Chain, path_scores
from tasks.token_classification.tag_chain import tag_scores, transition_scores


def test_a_path_scores_as_in_a_markov_chain():
    random = np.random.default_rng(0)
    # So many texts that the one tag which is added to the counts of each does not matter.
    texts = [random.choice(3, size=length, p=(0.6, 0.3, 0.1)) for length in (3, 4, 5) * 500]
    for text in texts:
        text[1] = text[0]
    first = np.bincount([text[0] for text in texts], minlength=3) / len(texts)
    moves = np.zeros((3, 4))  # the fourth is the end
    for text in texts:
        for one, other in itertools.pairwise([*text, 3]):
            moves[one, other] += 1
    end = moves[:, 3] / moves.sum(axis=1)
    after = moves[:, :3] / moves[:, :3].sum(axis=1, keepdims=True)
    bias, transitions = tag_scores(texts, 3), transition_scores(texts, 3)
    paths = [np.array(path) for path in itertools.product(range(3), repeat=3)]
    chain = Chain.of(("A", "B", "C"), "plain", transitions)
    found = path_scores([np.tile(bias, (3, 1))] * len(paths), paths, chain)
    expected = [
        np.log(first[one] * after[one, two] * after[two, three] * end[three])
        for one, two, three in paths
    ]
    difference = found - expected  # a constant, the same for all paths
    np.testing.assert_allclose(difference, difference.mean(), atol=0.05)


def test_units_without_a_tag_are_left_out():
    with_gap, without = np.array([0, -1, 1, 1]), np.array([0, 1, 1])
    for scores in (tag_scores, transition_scores):
        np.testing.assert_array_equal(scores([with_gap], 2), scores([without], 2))


@pytest.mark.parametrize("tags", [[], [np.zeros(0, np.int64)], [np.array([-1])]])
def test_without_any_tag_all_scores_are_alike(tags):
    np.testing.assert_allclose(tag_scores(tags, 4), np.log(0.25), rtol=1e-6)
    transitions = transition_scores(tags, 4)
    assert np.isfinite(transitions).all()
    np.testing.assert_allclose(transitions[:5], 0.0, atol=1e-6)
