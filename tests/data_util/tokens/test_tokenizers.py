import pickle
import random
import unicodedata
from itertools import chain
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import BertWordPieceTokenizer

from common.errors import InputError
from data_util.choices import NORMALIZATIONS, TOKENIZE_STYLES
from data_util.tokens.normalization import visible
from data_util.tokens.tokenizers import OLD_RULES, Tokenizer, make_tokenizer
from data_util.tokens.vocabulary import RESERVED, Vocabulary

PIECES = [
    "我",
    "们",
    "un",
    "##aff",
    "##able",
    "hello",
    "He",
    "##llo",
    "[",
    "]",
    "mask",
    ",",
    "1",
    "##2",
]
VOCABULARY = Vocabulary([*RESERVED, "[unused1]", *PIECES])
TEXT = "被告人在北京盗窃3.14元，\r\n\u3000 Hello World [MASK]\t[unused1]\n"


def make(style: str, lower_case: bool | None = None, **settings: Any) -> Tokenizer:
    return make_tokenizer(style, lower_case=lower_case, vocabulary=VOCABULARY, **settings)


def test_word():
    tokens = make("word").tokenize("我们来到北京 清华大学\n3.14")
    assert tokens == ["我们", "来到", "北京", "清华大学", "3.14"]


def test_char():
    assert make("char").tokenize("我 们a\u3000b\n") == ["我", "们", "a", "b"]


def test_space():
    assert make("space").tokenize(" w12 c45\t w6\n") == ["w12", "c45", "w6"]


def test_wordpiece():
    tokens = make("wordpiece").tokenize("我们，unaffable Héllo\x00 zzz")
    assert tokens == ["我", "们", "[UNK]", "un", "##aff", "##able", "hello", "[UNK]"]
    assert make("wordpiece", lower_case=False).tokenize("Hello hello") == ["He", "##llo", "hello"]


@pytest.mark.parametrize("lower_case", [True, False])
@given(
    text=st.text(st.one_of(st.characters(codec="utf-8"), st.sampled_from("我们unafble Hello12,[]")))
)
def test_wordpiece_is_berts(lower_case, text):
    # [CLS] and the like are special to the reference: they are compared in a test of their own.
    text = text.replace("[", "")
    reference = BertWordPieceTokenizer(
        {token: place for place, token in enumerate(VOCABULARY.tokens)}, lowercase=lower_case
    )
    expected = reference.encode(text, add_special_tokens=False).tokens
    assert make("wordpiece", lower_case, rules=OLD_RULES).tokenize(text) == expected
    expected = reference.encode(visible(text), add_special_tokens=False).tokens
    assert make("wordpiece", lower_case).tokenize(text) == expected


def words_by_berts_rules(text, lower_case):
    """Words, Chinese characters and punctuation, as tokenization.py of google-research/bert."""
    text = "".join(
        " " if char.isspace() else char
        for char in text
        if char in "\t\n\r" or (unicodedata.category(char)[0] != "C" and char != "\ufffd")
    )
    if lower_case:
        apart = unicodedata.normalize("NFD", text)
        text = "".join(char for char in apart if unicodedata.category(char) != "Mn").lower()
    alone = {
        char
        for char in text
        if unicodedata.category(char)[0] == "P" or "\u4e00" <= char <= "\u9fff"
    }
    return "".join(f" {char} " if char in alone else char for char in text).split()


# No piece has a "z" in it.
LETTERS = "abcABCeEéÉe\u0301İ我们，。#-'12ßß"
PIECES_OF_LETTERS = [*dict.fromkeys(LETTERS + unicodedata.normalize("NFD", LETTERS).lower()), "ab"]
LETTER_VOCABULARY = Vocabulary(
    [*RESERVED, *PIECES_OF_LETTERS, *(f"##{piece}" for piece in PIECES_OF_LETTERS), "##bca"]
)


@pytest.mark.parametrize("lower_case", [True, False])
@given(
    text=st.text(
        st.sampled_from(LETTERS + "zZ \t\n\u3000\u00a0\x00\u200f\ufffd\ufeff"), max_size=90
    )
)
def test_word_pieces_can_be_joined_again(lower_case, text):
    tokenizer = make_tokenizer("wordpiece", lower_case=lower_case, vocabulary=LETTER_VOCABULARY)
    tokens, words = tokenizer.tokenize(text), []
    for token in tokens:
        if token.startswith("##"):
            words[-1] += token[2:]
        else:
            words.append(token)
    expected = words_by_berts_rules(text, lower_case)
    assert words == ["[UNK]" if "z" in word.lower() else word for word in expected]
    # And each stands where its span says, an unknown word as a whole.
    position = 0
    for token, (start, end) in zip(tokens, tokenizer.spans(text), strict=True):
        assert position <= start < end <= len(text)
        position = end
        (word,) = words_by_berts_rules(text[start:end], lower_case)
        assert word == token.removeprefix("##") or (token == "[UNK]" and "z" in word.lower())


@pytest.mark.parametrize("style", TOKENIZE_STYLES)
@pytest.mark.parametrize("token", [*RESERVED, "[unused1]"])
def test_reserved_spellings_in_text_get_no_reserved_id(style, token):
    for text in (token, f"我 {token} 们", f"我{token}们", token.lower()):
        ids = VOCABULARY.encode(make(style).tokenize(text))
        assert set(ids) & set(VOCABULARY.reserved_ids) <= {VOCABULARY.unk_id}


@pytest.mark.parametrize("style", ["word", "char", "space"])
@given(
    text=st.text(st.one_of(st.characters(codec="utf-8"), st.sampled_from("我们 \r\n\u3000a1.[]İ")))
)
def test_no_visible_character_but_white_space_is_lost(style, text):
    assert "".join(make(style).tokenize(text)) == "".join(visible(text).split())
    lower = make(style, lower_case=True).tokenize(text)
    assert "".join(lower) == "".join(visible(text).lower().split())
    old = make(style, rules=OLD_RULES).tokenize(text)
    assert "".join(old) == "".join(text.split())


@pytest.mark.parametrize("style", TOKENIZE_STYLES)
@given(text=st.text(st.characters(codec="utf-8")))
def test_tokens_are_neither_empty_nor_white(style, text):
    for token in make(style).tokenize(text):
        assert token
        assert token.split() == [token]


@pytest.mark.parametrize("style", TOKENIZE_STYLES)
def test_lower_case(style):
    assert make(style).lower_case == (style == "wordpiece")
    lower = make(style, lower_case=True)
    assert lower.tokenize(TEXT) == lower.tokenize(TEXT.lower())
    assert "Hello" not in lower.tokenize(TEXT)


@pytest.mark.parametrize("style", TOKENIZE_STYLES)
@pytest.mark.parametrize("lower_case", [True, False])
def test_pickled_tokenizers_are_the_same(style, lower_case):
    tokenizer = make(style, lower_case)
    tokenizer.tokenize(TEXT)
    other = pickle.loads(pickle.dumps(tokenizer))
    assert other.config() == tokenizer.config()
    assert other.identity() == tokenizer.identity()
    assert other.tokenize(TEXT) == tokenizer.tokenize(TEXT)


def test_wrong_style():
    with pytest.raises(InputError, match=r"word, char, space, wordpiece\. Received: 'bpe'"):
        make("bpe")


def test_wordpiece_needs_a_vocabulary():
    with pytest.raises(InputError, match="--vocab_file"):
        make_tokenizer("wordpiece")


# Letters that normalization makes longer, shorter, or changes places of.
ODD = "被告人盗窃 İẞa\x00\r\nﬃ㎏㍿e\u0301\u0323q\u0307ｶﾞ각\u1100\u1161\u11a8\u00adΣς'’éд-3"


@pytest.mark.parametrize("style", ["word", "char", "space"])
@pytest.mark.parametrize("normalize", NORMALIZATIONS)
@given(st.text(st.one_of(st.characters(codec="utf-8"), st.sampled_from(ODD))))
def test_spans_are_where_the_tokens_are(style, normalize, text):
    tokenizer = make(style, normalize=normalize)
    spans, tokens = tokenizer.spans(text), tokenizer.tokenize(text)
    assert len(spans) == len(tokens)
    position = 0
    for (start, end), token in zip(spans, tokens, strict=True):
        assert 0 <= start < end <= len(text)
        assert start >= position or normalize != "none"
        position = end
        piece = visible(text[start:end])
        # A token may be a part of what its characters became.
        assert token in normalized(piece, normalize)
        if normalize == "none":
            assert token == piece
    lower = make(style, lower_case=True, normalize=normalize)
    spans, tokens = lower.spans(text), lower.tokenize(text)
    assert len(spans) == len(tokens)
    for (start, end), token in zip(spans, tokens, strict=True):
        assert 0 <= start < end <= len(text)
        assert sigma(token) in sigma(normalized(visible(text[start:end]), normalize).lower())


def normalized(text, form):
    return text if form == "none" else unicodedata.normalize(form.upper(), text)


def sigma(text):
    # A sigma at the end of a word has another small letter.
    return text.replace("ς", "σ")


def test_spans_by_hand():
    assert make("space", lower_case=True).spans(" Aİb 😀C") == [(1, 4), (5, 7)]
    assert make("word").spans("我们来到 北京") == [(0, 2), (2, 4), (5, 7)]
    assert make("word").spans("\ufeffa\u00adb 北\u200b京") == [(1, 4), (5, 8)]
    # "㎏" becomes "kg", "e" and an accent become "é", "ｶﾞ" becomes "ガ".
    nfkc = make("char", normalize="nfkc")
    assert nfkc.tokenize("5㎏e\u0301ｶﾞx") == ["5", "k", "g", "é", "ガ", "x"]
    assert nfkc.spans("5㎏e\u0301ｶﾞx") == [(0, 1), (1, 2), (1, 2), (2, 4), (4, 6), (6, 7)]
    nfc = make("wordpiece", normalize="nfc", lower_case=False)
    assert nfc.spans("\u200eHe\u200bllo我") == [(1, 3), (4, 7), (7, 8)]
    spans = make("wordpiece").spans("我们，unaffable Héllo\x00 zzz")
    assert spans == [(0, 1), (1, 2), (2, 3), (3, 5), (5, 8), (8, 12), (13, 18), (20, 23)]
    assert [make(style).spans("") for style in TOKENIZE_STYLES] == [[]] * 4


@pytest.mark.parametrize("lower_case", [True, False])
@pytest.mark.parametrize("style", TOKENIZE_STYLES)
@given(texts=st.lists(st.text(st.one_of(st.characters(codec="utf-8"), st.sampled_from(TEXT)))))
def test_indexed_tokens_are_the_tokens(style, lower_case, texts):
    tokenizer = make(style, lower_case)
    indexed = tokenizer.index(texts)
    expected = [tokenizer.tokenize(text) for text in texts]
    assert indexed.lengths.tolist() == [len(tokens) for tokens in expected]
    assert [indexed.tokens[index] for index in indexed.indices] == list(chain(*expected))


def hostile_texts(length):
    """Texts on which something might take time that grows faster than they do."""
    han = [chr(code) for code in range(0x4E00, 0x9FA6)]
    random.seed(1)
    units = {
        "words of no dictionary": "".join(random.choices(han, k=length)),
        "rare characters": "".join(map(chr, range(0x20000, 0x20000 + length % 40_000))),
        **dict(zip(("one character", "one word", "one number"), "的a1", strict=True)),
        **{"names": "a.", "apostrophes": "a'", "apostrophes in Chinese": "a'一"},
        **{"scripts": "ж一", "Thai": "ก", "Korean": "각", "kana": "あア", "small dots": "İ"},
        **{"accents": "a\u0301\u0301", "accents alone": "\u0301", "marks": "ع\u0651"},
        **{"joined emoji": "👨\u200d", "flags": "🇦", "ligatures": "\ufdfa", "lines": "\n"},
    }
    return {name: (unit * -(-length // len(unit)))[:length] for name, unit in units.items()}


@pytest.mark.parametrize("normalize", ["none", "nfkc"])
@pytest.mark.parametrize("style", TOKENIZE_STYLES)
def test_hostile_texts(style, normalize):
    # Where time grew faster than the text, this would not end.
    tokenizer = make(style, normalize=normalize)
    for name, text in hostile_texts(5_000).items():
        found = tokenizer.index([text]).lengths.tolist()
        assert found == [len(tokenizer.spans(text))], name
