import numpy as np
import pytest
from jieba import finalseg

from data_util.characters import FIRST_HAN
from data_util.code_points import code_points
from data_util.prefix_tree import child, first_child
from data_util.segmentation_model import STATES, segmentation_model

MODEL = segmentation_model()


def test_words_have_their_shares() -> None:
    # Some lines of the dictionary are prefixes of others, none is there twice.
    assert np.exp(MODEL.words.scores).sum() == pytest.approx(1, abs=1e-6)


def test_a_word_as_jieba_counts_it() -> None:
    first, second = code_points("法院")
    node = child(MODEL.words, first_child(MODEL.words, first), second)
    # dict.txt: 法院 2312; 60,101,967 occurrences in all.
    assert MODEL.words.scores[node] == pytest.approx(np.log(2312 / 60_101_967), rel=1e-9)
    assert MODEL.unknown == pytest.approx(-np.log(60_101_967), rel=1e-9)


def test_the_hidden_markov_model_is_jiebas() -> None:
    for row, state in enumerate(STATES):
        assert MODEL.start[row] == finalseg.start_P[state]
        for column, following in enumerate(STATES):
            expected = finalseg.trans_P[state].get(following, finalseg.MIN_FLOAT)
            assert MODEL.transitions[row, column] == expected
        for char in "的法龘":
            expected = finalseg.emit_P[state].get(char, finalseg.MIN_FLOAT)
            assert MODEL.emissions[ord(char) - FIRST_HAN, row] == expected
