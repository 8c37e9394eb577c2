import numpy as np

from data_util.pretraining.noise.permutation import (
    MAX_SPAN,
    PROBABILITIES,
    TOKENS_PER_TARGET,
    PermutationNoise,
)
from data_util.tokens.vocabulary import RESERVED, Vocabulary

VOCABULARY = Vocabulary([*RESERVED, *(f"t{number}" for number in range(50))])
CLS, SEP = VOCABULARY.cls_id, VOCABULARY.sep_id


def drawn(rows=400, length=62):
    generator = np.random.default_rng(0)
    ids = generator.integers(5, 55, (rows, length)).astype(np.int32)
    ids[:, 0], ids[:, -1] = CLS, SEP
    return ids, PermutationNoise(VOCABULARY).arrays({"token_ids": ids}, generator)


def test_targets_are_a_sixth_of_the_tokens_each_once():
    ids, arrays = drawn()
    assert arrays.keys() == {"permuted_positions", "permuted_ids", "permuted_weights"}
    used = arrays["permuted_weights"] == 1
    # Exact in the mean: 60 tokens have 10 targets.
    assert abs(used.sum(1).mean() - 60 / TOKENS_PER_TARGET) < 0.3
    for row, positions, targets, there in zip(
        ids, arrays["permuted_positions"], arrays["permuted_ids"], used, strict=True
    ):
        assert len(set(positions[there])) == there.sum()
        np.testing.assert_array_equal(targets[there], row[positions[there]])
        assert (positions[there] > 0).all() and (positions[there] < 61).all()
        assert not positions[~there].any() and not targets[~there].any()
        assert not there[there.sum() :].any()  # Unused slots are last.


def test_the_order_is_not_that_of_the_text():
    """Of two neighbouring slots, the first is before the other in one half of all cases."""
    _, arrays = drawn()
    both = arrays["permuted_weights"][:, 1:] == 1
    ascending = np.diff(arrays["permuted_positions"], axis=1)[both] > 0
    assert abs(ascending.mean() - 0.5) < 4 * np.sqrt(0.25 / both.sum())


def test_the_lengths_of_spans():
    lengths = PermutationNoise(VOCABULARY).draw_lengths(np.random.default_rng(1), (20_000,))
    found = np.bincount(lengths, minlength=MAX_SPAN + 1)[1:] / 20_000
    expected = np.array([60, 30, 20, 15, 12]) / 137  # 1/n for n up to 5
    np.testing.assert_allclose(PROBABILITIES, expected)
    np.testing.assert_allclose(found, expected, atol=4 * np.sqrt(0.25 / 20_000))
