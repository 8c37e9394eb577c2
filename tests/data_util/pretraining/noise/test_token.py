import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from data_util.pretraining.noise.token import TokenNoise
from data_util.tokens.vocabulary import RESERVED, Vocabulary

VOCABULARY = Vocabulary([*RESERVED, *(f"t{number}" for number in range(2000))])
PAD, UNK, CLS, SEP, MASK = range(5)


def sequences(batch=400, length=96, seed=0):
    """[CLS] text [SEP] text [SEP] padding, with an unknown token in twenty."""
    generator = np.random.default_rng(seed)
    ids = generator.integers(5, 2005, (batch, length)).astype(np.int32)
    ids[generator.random(ids.shape) < 0.05] = UNK
    ids[:, 0] = CLS
    for row in ids:
        end = generator.integers(10, length)
        row[generator.integers(2, end - 1)] = row[end] = SEP
        row[end + 1 :] = PAD
    return ids


def hide(ids, seed=1, vocabulary=VOCABULARY, **options):
    """The token ids with some of them hidden, and the arrays that say which."""
    batch = {"token_ids": ids.copy()}
    arrays = TokenNoise(vocabulary, **options).arrays(batch, np.random.default_rng(seed))
    np.testing.assert_array_equal(batch["token_ids"], ids)  # the batch itself is left alone
    return arrays.pop("token_ids"), arrays


def within_bounds(count, number, probability):
    return abs(count - number * probability) < 5 * np.sqrt(number * probability * (1 - probability))


def test_share_of_masks_and_of_replacements() -> None:
    before = sequences()
    after, masks = hide(before)
    used = masks["masked_weights"] > 0
    candidates = before > 4
    number = candidates.sum(1)
    assert abs(used.sum() - 0.15 * number.sum()) < 5 * np.sqrt(len(before) / 4)
    assert np.all(used.sum(1) >= np.maximum(1, np.floor(0.15 * number)))
    assert np.all(used.sum(1) <= np.floor(0.15 * number) + 1)
    assert used.sum(1).max() > 5

    now = np.take_along_axis(after, masks["masked_positions"], 1)[used]
    was = masks["masked_ids"][used]
    masked, kept = (now == MASK).sum(), (now == was).sum()
    assert within_bounds(masked, len(was), 0.8)
    assert within_bounds(kept, len(was), 0.1)
    assert within_bounds(len(was) - masked - kept, len(was), 0.1)


def test_targets_are_what_was_there_and_nothing_else_changes() -> None:
    before = sequences()
    after, masks = hide(before)
    used = masks["masked_weights"] > 0
    restored = after.copy()
    rows = np.nonzero(used)[0]
    restored[rows, masks["masked_positions"][used]] = masks["masked_ids"][used]
    np.testing.assert_array_equal(restored, before)
    for row in range(len(before)):
        positions = masks["masked_positions"][row][used[row]]
        assert np.all(np.diff(positions) > 0)


def test_no_reserved_or_unknown_token_is_a_target_or_a_replacement() -> None:
    unused = Vocabulary(["[PAD]", "[unused1]", "a", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "b", "c"])
    ordinary = {2, 7, 8}
    generator = np.random.default_rng(0)
    before = generator.integers(0, len(unused), (500, 64)).astype(np.int32)
    after, masks = hide(before, vocabulary=unused)
    used = masks["masked_weights"] > 0
    assert set(masks["masked_ids"][used].tolist()) == ordinary
    changed = after[after != before]
    assert set(changed.tolist()) == ordinary | {unused.mask_id}


def test_every_candidate_is_as_likely() -> None:
    ids = np.tile(np.arange(5, 45, dtype=np.int32), (4000, 1))
    _, masks = hide(ids, seed=3)
    counts = np.bincount(masks["masked_positions"][masks["masked_weights"] > 0], minlength=40)
    assert counts.sum() == 4000 * 6
    assert all(within_bounds(count, 4000, 0.15) for count in counts)


def test_unused_slots_are_zero() -> None:
    _, masks = hide(sequences(batch=20))
    unused = masks["masked_weights"] == 0
    assert unused.any()
    assert not masks["masked_positions"][unused].any()
    assert not masks["masked_ids"][unused].any()


def test_a_sequence_without_candidates_gets_no_mask_and_one_candidate_gets_one() -> None:
    ids = np.array([[CLS, UNK, SEP, PAD], [CLS, 9, SEP, PAD]], np.int32)
    after, masks = hide(ids)
    assert masks["masked_weights"].sum(1).tolist() == [0, 1]
    assert masks["masked_positions"][1, 0] == 1
    assert after[0].tolist() == [CLS, UNK, SEP, PAD]


@pytest.mark.parametrize("probability", [0.01, 0.15, 0.5, 0.9])
@pytest.mark.parametrize("length", [4, 32, 100, 256])
def test_slots_hold_every_mask_that_is_wanted(probability: float, length: int) -> None:
    ids = np.full((200, length), 9, np.int32)
    ids[:, 0], ids[:, -1] = CLS, SEP
    _, masks = hide(ids, mask_probability=probability)
    slots = TokenNoise(VOCABULARY, probability).slots(length)
    assert masks["masked_ids"].shape == (200, slots)
    wanted = probability * (length - 2)
    assert masks["masked_weights"].sum(1).max() == max(1, int(np.floor(wanted)) + (wanted % 1 > 0))


def test_a_vocabulary_without_ordinary_tokens() -> None:
    ids = np.full((2, 8), UNK, np.int32)
    _, masks = hide(ids, vocabulary=Vocabulary(RESERVED))
    assert not masks["masked_weights"].any()


# As a released vocabulary may be: reserved tokens anywhere, and spare ones.
SCATTERED = Vocabulary(["[PAD]", "a", "[unused1]", "[UNK]", "[CLS]", "b", "[SEP]", "[MASK]", "c"])
ORDINARY = [1, 5, 8]


@given(
    arrays(np.int32, st.tuples(st.integers(1, 6), st.integers(1, 40)), elements=st.integers(0, 8)),
    st.floats(0.01, 0.99),
    st.integers(0, 99),
)
def test_masks_of_any_ids(before, probability, seed) -> None:
    options = {"seed": seed, "vocabulary": SCATTERED, "mask_probability": probability}
    (after, masks), (again, repeated) = hide(before, **options), hide(before, **options)
    np.testing.assert_array_equal(after, again)
    for name, array in masks.items():
        np.testing.assert_array_equal(array, repeated[name])

    for row, ids in enumerate(before):
        used = masks["masked_weights"][row] == 1
        assert not masks["masked_weights"][row][~used].any()
        positions = masks["masked_positions"][row][used]
        candidates = np.isin(ids, ORDINARY)
        wanted = int(np.floor(probability * candidates.sum()))
        assert max(wanted, candidates.any()) <= len(positions) <= wanted + 1
        assert candidates[positions].all() and np.all(np.diff(positions) > 0)
        np.testing.assert_array_equal(masks["masked_ids"][row][used], ids[positions])
        assert np.isin(after[row][positions], [*ORDINARY, SCATTERED.mask_id]).all()
        others = np.delete(np.arange(len(ids)), positions)
        np.testing.assert_array_equal(after[row][others], ids[others])
