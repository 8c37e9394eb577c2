import itertools

import numpy as np
import pytest

from tasks.token_classification.calibration import fit_scale
from tasks.token_classification.decoding import Chain, log_partition, path_scores
from tasks.token_classification.tags import tag_names


@pytest.mark.parametrize("true", [0.4, 1.0, 2.5])
def test_the_scale_from_which_tags_were_drawn_is_found(true):
    random = np.random.default_rng(0)
    tags = tag_names(["A"], "bio")
    chain = Chain.of(tags, "bio", random.normal(size=(5, 3)))
    scores = [random.normal(size=(1 + place % 3, 3)) for place in range(300)]
    drawn = []
    for one in scores:
        paths = [
            np.array(path)
            for path in itertools.product(range(3), repeat=len(one))
            if chain.allows(np.array(path))
        ]
        totals = path_scores([true * one] * len(paths), paths, chain.scaled(true))
        whole = log_partition([true * one], chain.scaled(true))[0]
        shares = np.exp(totals - whole)
        assert shares.sum() == pytest.approx(1)
        drawn.append(paths[random.choice(len(paths), p=shares / shares.sum())])
    assert fit_scale(scores, drawn, chain) == pytest.approx(true, rel=0.3)


def test_texts_without_allowed_tags_are_left_out():
    chain = Chain.of(tag_names(["A"], "bio"), "bio")
    scores = [np.zeros((2, 3)), np.zeros((0, 3)), np.zeros((1, 3))]
    assert not chain.allows(np.array([0, 2])) and chain.allows(np.array([1, 2]))
    assert fit_scale(scores, [np.array([0, 2]), np.zeros(0, int), np.array([-1])], chain) == 1.0
