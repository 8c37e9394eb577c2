import numpy as np

from data_util.pretraining.noise.next_token import NextTokenNoise
from data_util.tokens.vocabulary import RESERVED, Vocabulary

PAD, UNK, CLS, SEP, MASK = range(5)


def test_a_sentence_by_hand() -> None:
    vocabulary = Vocabulary([*RESERVED, "a", "b", "c"])
    ids = np.array([[CLS, 5, 6, UNK, 7, SEP, PAD], [CLS, 7, SEP, PAD, PAD, PAD, PAD]], np.int32)
    arrays = NextTokenNoise(vocabulary).arrays({"token_ids": ids}, np.random.default_rng(0))
    assert arrays["next_ids"].tolist() == [[5, 6, 0, 7, 0, 0, 0], [7, 0, 0, 0, 0, 0, 0]]
    assert arrays["next_weights"].tolist() == [[1, 1, 0, 1, 0, 0, 0], [1, 0, 0, 0, 0, 0, 0]]
