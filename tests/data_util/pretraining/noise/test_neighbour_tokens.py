import numpy as np

from data_util.pretraining.noise.neighbour_tokens import NeighbourTokensNoise
from data_util.pretraining.noise.next_token import NextTokenNoise
from data_util.tokens.vocabulary import RESERVED, Vocabulary

PAD, UNK, CLS, SEP, MASK = range(5)


def test_a_sentence_by_hand() -> None:
    vocabulary, rng = Vocabulary([*RESERVED, "a", "b", "c"]), np.random.default_rng(0)
    # The second row is cut off: no [SEP] stands between its last token and the padding.
    batch = {
        "token_ids": np.array([[CLS, 5, 6, UNK, 7, SEP], [CLS, 7, 5, PAD, PAD, PAD]], np.int32)
    }
    arrays = NeighbourTokensNoise(vocabulary).arrays(batch, rng)
    assert arrays["previous_ids"].tolist() == [[0, 0, 5, 6, 0, 7], [0, 0, 7, 0, 0, 0]]
    assert arrays["previous_weights"].tolist() == [[0, 0, 1, 1, 0, 1], [0, 0, 1, 0, 0, 0]]
    for name, array in NextTokenNoise(vocabulary).arrays(batch, rng).items():
        np.testing.assert_array_equal(arrays[name], array)
