import pytest

from data_util.tokens.detokenize import detokenize, joined
from data_util.tokens.tokenizers import make_tokenizer
from data_util.tokens.vocabulary import RESERVED, Vocabulary


@pytest.mark.parametrize(
    "text",
    [
        "Whose turn is it?",
        "I don't know (yet), he said: 50% of them!",
        "我们8点在车站见，好吗？",
        "她说：“明天见。”",
        "我用Keras。",
        "",
    ],
)
def test_words_become_the_text_again(text):
    tokens = make_tokenizer("word").tokenize(text)
    assert detokenize(tokens, "word") == text


def test_word_pieces_become_the_text_again():
    pieces = ["un", "##do", "##ing", "it", "don", "'", "t", "!", "撤", "销", "##"]
    tokenizer = make_tokenizer("wordpiece", vocabulary=Vocabulary([*RESERVED, *pieces]))
    for text in ("don't undo it!", "undoing 撤销!".replace(" ", "")):
        tokens = tokenizer.tokenize(text)
        assert "[UNK]" not in tokens
        assert detokenize(tokens, "wordpiece") == text


def test_other_styles():
    assert detokenize(["a", "b", "甲"], "space") == "a b 甲"
    assert detokenize(["a", "b", "甲"], "char") == "ab甲"


def test_a_continued_text():
    assert joined("Whose turn ", "is it?") == "Whose turn is it?"
    assert joined("轮到", "谁了？") == "轮到谁了？"
    assert joined("Yes", ", it is") == "Yes, it is"
    assert joined("", "a") == "a" and joined("a ", "") == "a "
