import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import DataCollatorForLanguageModeling

from data_util.tokens.tokenizers import WordPieceTokenizer, make_tokenizer
from data_util.tokens.vocabulary import RESERVED, Vocabulary

LETTERS = "abcdefghiklmnoprstuvwy"
PIECES = Vocabulary(
    [
        *RESERVED,
        *("play", "##ing", "##ers", "the", "un", "##afford", "##able", "。", *"被告人盗窃手机一部"),
        *LETTERS,
        *(f"##{letter}" for letter in LETTERS),
    ]
)


def words_of(tokenizer, text):
    """The tokens of a text, joined where they are of one word."""
    indexed = tokenizer.index([text], word_starts=True)
    words = []
    for index, starts in zip(indexed.indices, indexed.word_starts, strict=True):
        words += [""] if starts else []
        words[-1] += indexed.tokens[index].removeprefix("##")
    return words


@given(
    st.lists(st.sampled_from(["被告人", "盗窃", "手机 ", "一部。", "don't", "Ünal ", " x", "3.14"]))
)
def test_words_of_characters_are_those_of_the_style_word(parts) -> None:
    text = "".join(parts)
    assert words_of(make_tokenizer("char"), text) == make_tokenizer("word").tokenize(text)


def test_text_is_normalized_first() -> None:
    tokenizer = make_tokenizer("char", normalize="nfkc", lower_case=True)
    assert words_of(tokenizer, "ＡB 手机") == ["ab", "手机"]


def test_words_of_pieces_by_hand() -> None:
    words = words_of(WordPieceTokenizer(PIECES), "Playing 被告人盗窃手机。 the players")
    assert words == ["playing", "被告人", "盗窃", "手机", "。", "the", "players"]


@pytest.mark.parametrize("text", ["the players were unaffordable", "playing unfair is no play"])
def test_groups_of_transformers_in_english(text) -> None:
    tokenizer = WordPieceTokenizer(PIECES)
    indexed = tokenizer.index([text], word_starts=True)
    offsets = np.array([[(0, 0), *tokenizer.spans(text), (0, 0)]])
    special = np.zeros(offsets.shape[:2], int)
    special[:, [0, -1]] = 1
    groups, _ = DataCollatorForLanguageModeling._calc_word_ids_and_prob_mask(offsets, special)
    np.testing.assert_array_equal(np.cumsum(indexed.word_starts), groups[0, 1:-1])


def test_not_asked_for() -> None:
    assert make_tokenizer("char").index(["手机"]).word_starts is None
