"""N-grams by hand."""

from data_util.tokens.ngrams import KINDS, ngrams


def by_kind(tokens):
    return dict(zip(KINDS, ngrams(tokens), strict=True))


def test_ngrams_of_chinese_run_across_words():
    assert by_kind(["我们", "跑"]) == {
        "w1": ["我们", "跑"],
        "w2": ["我们 跑"],
        "c1": ["我", "们", "跑"],
        "c2": ["我们", "们跑"],
        "c3": ["我们跑"],
        "c4": [],
    }
    assert by_kind(["我们", "跑步了"])["c4"] == []


def test_ngrams_of_english_end_at_the_space():
    assert by_kind(["My", "cats"]) == {
        "w1": ["my", "cats"],
        "w2": ["my cats"],
        "c1": ["m", "y", "c", "a", "t", "s"],
        "c2": ["my", "y ", " c", "ca", "at", "ts"],
        "c3": ["my ", " ca", "cat", "ats"],
        "c4": [" cat", "cats"],
    }


def test_ngrams_of_mixed_text():
    """No space beside a Chinese character, and four characters only of an alphabet."""
    assert by_kind(["我", "love", "you", "们"]) == {
        "w1": ["我", "love", "you", "们"],
        "w2": ["我 love", "love you", "you 们"],
        "c1": ["我", "l", "o", "v", "e", "y", "o", "u", "们"],
        "c2": ["我l", "lo", "ov", "ve", "e ", " y", "yo", "ou", "u们"],
        "c3": ["我lo", "lov", "ove", "ve ", " yo", "you", "ou们"],
        "c4": ["love", "ove ", " you"],
    }


def test_ngrams_of_word_pieces_join_the_word():
    assert by_kind(["play", "##ing", "it"]) == {
        "w1": ["play", "##ing", "it"],
        "w2": ["play ##ing", "##ing it"],
        "c1": list("playingit"),
        "c2": ["pl", "la", "ay", "yi", "in", "ng", "g ", " i", "it"],
        "c3": ["pla", "lay", "ayi", "yin", "ing", "ng ", " it"],
        "c4": ["play", "layi", "ayin", "ying", "ing "],
    }


def test_two_number_signs_are_no_word_piece():
    assert by_kind(["a", "##"])["c2"] == ["a ", " #", "##"]


def test_no_tokens_have_no_ngrams():
    assert by_kind([]) == {kind: [] for kind in KINDS}
