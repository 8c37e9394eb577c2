import numpy as np

from data_util.pretraining.noise.prefix import PrefixNoise
from data_util.tokens.vocabulary import RESERVED, Vocabulary

VOCABULARY = Vocabulary([*RESERVED, *(f"t{number}" for number in range(50))])
PAD, UNK, CLS, SEP, MASK = range(5)


class Drawn:
    """A generator that always draws the same number."""

    def __init__(self, number):
        self.number = number

    def random(self, shape):
        return np.full(shape, self.number)


def arrays_of(rows, generator):
    ids = np.array(rows, np.int32)
    batch = {"token_ids": ids, "padding_mask": ids != PAD}
    return PrefixNoise(VOCABULARY).arrays(batch, generator)


def test_by_hand():
    rows = [[CLS, 7, 8, UNK, 9, SEP, PAD], [CLS, 7, 8, SEP, PAD, PAD, PAD]]
    arrays = arrays_of(rows, Drawn(0.5))  # the first 2 of 4 tokens, and the first of 2
    np.testing.assert_array_equal(
        arrays["segment_ids"], [[0, 0, 0, 1, 1, 1, 0], [0, 0, 1, 1, 0, 0, 0]]
    )
    # The last token of the prefix predicts the first one after it; unknown ones are not predicted.
    np.testing.assert_array_equal(
        arrays["next_ids"], [[0, 0, 0, 9, 0, 0, 0], [0, 8, 0, 0, 0, 0, 0]]
    )
    np.testing.assert_array_equal(arrays["next_weights"], arrays["next_ids"] > 0)
    # Nothing but [CLS], and all but the last token.
    for number, expected in ((0.0, [7, 8, 0, 9]), (0.99, [0, 0, 0, 9])):
        np.testing.assert_array_equal(arrays_of(rows, Drawn(number))["next_ids"][0, :4], expected)


def test_every_length_is_equally_probable():
    rows = [[CLS, 7, 8, 9, 10, SEP]] * 4000
    arrays = arrays_of(rows, np.random.default_rng(0))
    counts = np.bincount((arrays["segment_ids"] == 0).sum(1) - 1, minlength=4)
    assert counts.sum() == counts[:4].sum() == 4000
    assert max(abs(counts - 1000)) < 5 * np.sqrt(4000 * 3 / 16)


def test_an_empty_text_has_nothing_to_learn():
    assert not arrays_of([[CLS, SEP, PAD]], Drawn(0.5))["next_weights"].any()
