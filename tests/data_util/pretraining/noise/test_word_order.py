import numpy as np

from data_util.pretraining.noise.word_order import WordOrderNoise
from tests.data_util.pretraining.noise.test_token import MASK, VOCABULARY, sequences


def shuffle(ids, probability=0.15, seed=1):
    noise = WordOrderNoise(VOCABULARY, probability)
    return noise.arrays({"token_ids": ids}, np.random.default_rng(seed))


def test_a_restored_order_equals_the_text() -> None:
    before = sequences(300, 96)
    arrays = shuffle(before)
    restored = arrays["token_ids"].copy()
    for kind in ("masked", "shuffled"):
        used = arrays[f"{kind}_weights"] > 0
        positions = arrays[f"{kind}_positions"][used]
        restored[np.nonzero(used)[0], positions] = arrays[f"{kind}_ids"][used]
    np.testing.assert_array_equal(restored, before)


def test_trigrams_keep_their_tokens_and_change_their_order() -> None:
    before = sequences(300, 96)
    arrays = shuffle(before)
    found = 0
    for row in range(len(before)):
        used = arrays["shuffled_weights"][row] > 0
        trigrams = arrays["shuffled_positions"][row][used].reshape(-1, 3)
        hidden = arrays["masked_positions"][row][arrays["masked_weights"][row] > 0]
        for places in trigrams:
            assert places.tolist() == list(range(places[0], places[0] + 3))
            was, now = before[row][places], arrays["token_ids"][row][places]
            assert sorted(was) == sorted(now) and was.tolist() != now.tolist()
            assert not np.isin(places, hidden).any() and MASK not in now
            assert (was > 4).all()
            found += 1
        assert len(set(trigrams.ravel().tolist())) == trigrams.size
        assert not arrays["shuffled_positions"][row][~used].any()
        assert not arrays["shuffled_ids"][row][~used].any()
    assert found > 50


def test_the_share_of_trigrams() -> None:
    ids = np.random.default_rng(0).integers(5, 2005, (4000, 62)).astype(np.int32)
    ids[:, 0], ids[:, -1] = 2, 3
    # One order of six is the one before; almost nothing is masked.
    count = (shuffle(ids, 1e-9)["shuffled_weights"].sum(1) / 3).mean()
    # Of 19 or 20 whole trigrams, those with the one masked token of each row are left out.
    whole = np.mean([(60 - (start + 2) % 3) // 3 for start in range(3)])
    expected = 0.05 * (whole - 3 * whole / 60) * 5 / 6
    assert abs(count - expected) < 4 * np.sqrt(0.25 * expected / len(ids)) + 0.01


def test_equal_tokens_are_no_targets() -> None:
    ids = np.full((50, 60), 9, np.int32)
    assert not shuffle(ids)["shuffled_weights"].any()
