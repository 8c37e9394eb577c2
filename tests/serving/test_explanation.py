import numpy as np
import pytest
from scipy.special import log_softmax

from serving.explanation import covered, log_odds, parts_of


def test_parts_of_a_short_text_are_its_tokens():
    parts = parts_of([(0, 2), (3, 4), (4, 7)], 10)
    assert [(part.start, part.end, part.first, part.last) for part in parts] == [
        (0, 2, 0, 1),
        (3, 4, 1, 2),
        (4, 7, 2, 3),
    ]
    assert parts_of([], 10) == []


@pytest.mark.parametrize("tokens", [1, 4, 5, 9, 500])
def test_parts_of_a_long_text_are_few_and_have_every_token(tokens):
    parts = parts_of([(place, place + 1) for place in range(tokens)], 4)
    assert len(parts) <= 4
    assert [place for part in parts for place in range(part.first, part.last)] == list(
        range(tokens)
    )
    assert (parts[0].start, parts[-1].end) == (0, tokens)


def test_covered():
    ids = np.array([10, 11, 12], np.int32)
    rows = covered(ids, parts_of([(0, 1), (1, 2), (2, 3)], 2), mask_id=4)
    np.testing.assert_array_equal(rows, [[4, 4, 12], [10, 11, 4]])
    np.testing.assert_array_equal(ids, [10, 11, 12])


def test_log_odds():
    logits = np.random.default_rng(0).normal(size=(5, 4)) * 3
    np.testing.assert_allclose(log_odds(logits, 2, "multi_label"), logits[:, 2])
    log_p = log_softmax(logits, axis=1)[:, 2]
    np.testing.assert_allclose(
        log_odds(logits, 2, "multi_class"), log_p - np.log1p(-np.exp(log_p)), atol=1e-9
    )
