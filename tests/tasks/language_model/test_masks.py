"""Windows around masks, and the candidates of a batch against a softmax of all."""

import numpy as np
import pytest

from data_util.tokens.tokenizers import make_tokenizer
from data_util.tokens.vocabulary import RESERVED, Vocabulary
from tasks.data import TextEncoder
from tasks.language_model.masks import (
    Candidates,
    MaskFiller,
    encode_masked,
    filled_places,
    mask_windows,
)

VOCABULARY = Vocabulary([*RESERVED, "a", "b", "##c", "d"])
MASK_ID = VOCABULARY.mask_id


def test_a_mask_is_one_token():
    text = TextEncoder(make_tokenizer("char"), VOCABULARY, 12)
    found = encode_masked(["a[MASK]b[MASK]", "", "[MASK][MASK]", "d"], text)
    assert [ids.tolist() for ids in found] == [
        [5, MASK_ID, 6, MASK_ID], [], [MASK_ID, MASK_ID], [8],
    ]  # fmt: skip


def test_windows():
    ids = np.full(30, 5, np.int32)
    ids[[1, 13, 14, 29]] = MASK_ID
    found = mask_windows(ids, MASK_ID, 10)
    assert all(len(each.ids) == 10 for each in found)
    assert sum(int(each.filled.sum()) for each in found) == 4
    assert all((each.ids[each.filled] == MASK_ID).all() for each in found)
    # The first and the last mask are as near to an end as the text has them.
    assert np.flatnonzero(found[0].filled).tolist() == [1]
    assert np.flatnonzero(found[-1].filled).tolist() == [9]
    # The others have something on both sides.
    assert all(2 <= place <= 7 for each in found[1:-1] for place in np.flatnonzero(each.filled))
    (whole,) = mask_windows(ids[:10], MASK_ID, 10)
    assert whole.filled.sum() == 1
    assert mask_windows(ids[2:12], MASK_ID, 10) == []


@pytest.mark.parametrize("allowed", [None, np.array([6, 8])])
def test_the_best_of_many_masks(allowed):
    random = np.random.default_rng(1)
    table = random.normal(size=(200, len(VOCABULARY))).astype(np.float32)
    # A state is its position: each scores as its row of the table says.
    filler = MaskFiller(
        lambda inputs: inputs["positions"][:, :, None],
        lambda inputs: table[inputs["states"][:, :, 0].astype(int)],
        VOCABULARY,
    )
    filled = random.random((3, 200)) < [[0.5], [0.0], [0.9]]
    found = filler({}, filled, 3, allowed)
    possible = VOCABULARY.ordinary_ids if allowed is None else allowed
    for row, candidates in enumerate(found):
        places = np.flatnonzero(filled[row])
        assert len(candidates.ids) == len(places)
        scores = np.exp(table[places][:, possible].astype(np.float64))
        shares = scores / scores.sum(axis=1, keepdims=True)
        order = np.argsort(-shares, axis=1)[:, :3]
        np.testing.assert_array_equal(candidates.ids, possible[order])
        expected = np.take_along_axis(shares, order, axis=1)
        np.testing.assert_allclose(candidates.probabilities, expected, atol=1e-6)


def test_the_text_with_the_best_tokens():
    found = Candidates(np.array([[7, 5], [6, 5]]), np.array([[0.75, 0.25], [1.0, 0.0]]))
    assert found.fill("a[MASK], [MASK]!", VOCABULARY.tokens) == "ac, b!"
    assert found.to_dicts(VOCABULARY.tokens, 1) == [
        [{"token": "##c", "probability": 0.75}], [{"token": "b", "probability": 1.0}],
    ]  # fmt: skip


def test_places_in_a_batch():
    ids = np.array([5, MASK_ID, 6], np.int32)
    places = filled_places(mask_windows(ids, MASK_ID, 5), (1, 8))
    assert np.argwhere(places).tolist() == [[0, 2]]
