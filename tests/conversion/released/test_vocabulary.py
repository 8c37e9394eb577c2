import json
import string
import unicodedata

import numpy as np
import pytest

from common.errors import InputError
from conversion.released.vocabulary import (
    released_lower_case,
    released_vocabulary,
    unlike_bert,
)
from data_util.reading.documents import read_documents
from data_util.tokens.tokenizers import make_tokenizer
from data_util.tokens.vocabulary import Vocabulary
from tests.bert_release import TOKENS, WORDS
from tests.real_data import real_file

FILES = ("cail2018/train.json", "goemotions/train.txt")

# Accents (one code point and two), dotted I, full width, control characters, spaces of several
# kinds, no-width ones, line and paragraph separators, emoji, Chinese of the extensions, Hangul
# (composed and not), kana, private use, the replacement character, punctuation beyond ASCII.
ODD = (
    "é", "e\u0301", "İ", "ß", "Ａ", "１", "\x07", "\x7f", "\t", "\u00a0", "\u3000", "\u2009",
    "\u200b", "\u200d", "\ufeff", "\u2028", "\u2029", "😀", "👨\u200d👩", "𠀀", "㐀", "豈", "가",
    "\u1112\u1161", "か", "が", "\ue000", "\ufffd", "—", "…", "„", "§", "¿", "$", "^", "`", "~",
    "\u00ad", "ﬁ", "Ⅷ", "½", "ª", "\u0600", "ا", "א", "ไ", "प", "\u0300", "Ǆ", "ﷺ", "\U000e0001",
    "supercalifragilistic" * 6,
)  # fmt: skip


def real_lines(count):
    """Chinese and English lines with odd characters put into them at random places."""
    paths = [real_file(name) for name in FILES]
    random = np.random.default_rng(5)
    lines = []
    for path in paths:
        for document in read_documents([path], labelled=False, max_documents=count // len(FILES)):
            text = document.text[:400]
            for odd in random.choice(ODD, size=4):
                place = random.integers(0, len(text) + 1)
                text = text[:place] + odd + text[place:]
            lines.append(text)
    assert len(lines) == count
    return lines


def pieces_of(lines):
    """A vocabulary of the lines' characters, their letters inside of words, and some words."""
    text = "".join(lines[::2])
    text += text.lower() + string.printable
    characters = sorted({c for c in text if not c.isspace()})
    letters = [f"##{c}" for c in characters if c.isalnum() and ord(c) < 0x2000]
    words = sorted({word for word in text.split() if word.isascii() and word.isalpha()})
    inner = [f"##{word[2:]}" for word in words[::3] if len(word) > 4]
    return Vocabulary(list(dict.fromkeys([*TOKENS, *characters, *letters, *words[::2], *inner])))


@pytest.mark.parametrize("lower_case", [True, False])
def test_ids_are_those_of_transformers(tmp_path, lower_case):
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    legacy = pytest.importorskip("transformers.models.bert.tokenization_bert_legacy")
    lines = real_lines(1000)
    pieces_of(lines).save(tmp_path / "vocab.txt")
    path = str(tmp_path / "vocab.txt")
    theirs = transformers.BertTokenizer(vocab=path, do_lower_case=lower_case)
    # Written in Python: of another make than the library that ours and `theirs` share.
    python = legacy.BertTokenizerLegacy(path, do_lower_case=lower_case)

    vocabulary = released_vocabulary(tmp_path)
    ours = make_tokenizer("wordpiece", lower_case=lower_case, vocabulary=vocabulary)
    compared = 0
    for line in lines:
        ids = vocabulary.encode(ours.tokenize(line)).tolist()
        assert ids == theirs.convert_tokens_to_ids(theirs.tokenize(line)), line
        # That one composes characters (NFC), which neither Google's program nor the others do.
        # With lower case accents go, so that nothing is left to compose.
        if lower_case or unicodedata.is_normalized("NFC", line):
            assert ids == python.convert_tokens_to_ids(python.tokenize(line)), line
            compared += 1
    assert compared > 500
    some = " ".join(lines)
    assert (vocabulary.encode(ours.tokenize(some)) == vocabulary.unk_id).mean() < 0.2


def test_reserved_ids_are_where_the_file_has_them(tmp_path):
    tokens = ["[PAD]", *(f"[unused{n}]" for n in range(1, 100)), *TOKENS[3:], *WORDS]
    (tmp_path / "vocab.txt").write_text("".join(f"{token}\n" for token in tokens))
    vocabulary = released_vocabulary(tmp_path)
    assert (vocabulary.pad_id, vocabulary.unk_id, vocabulary.cls_id) == (0, 100, 101)
    assert (vocabulary.sep_id, vocabulary.mask_id) == (102, 103)
    assert vocabulary.ordinary_ids[0] == 104
    assert vocabulary.encode(["被", "??", "[MASK]"]).tolist() == [104, 100, 100]


def test_a_vocabulary_in_tokenizer_json(tmp_path):
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    Vocabulary([*TOKENS, *WORDS]).save(tmp_path / "vocab.txt")
    transformers.BertTokenizer(vocab=str(tmp_path / "vocab.txt")).save_pretrained(tmp_path / "new")
    assert not (tmp_path / "new" / "vocab.txt").exists()
    assert released_vocabulary(tmp_path / "new").tokens == (*TOKENS, *WORDS)
    assert unlike_bert(tmp_path / "new") == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not JSON"),
        ("[]", "not a JSON object"),
        (
            '{"model": {"type": "BPE", "vocab": {}}}',
            "not a tokenizer of word pieces, but of type BPE",
        ),
        (
            '{"model": {"type": ["BPE"], "vocab": {}}}',
            "not a tokenizer of word pieces: a vocab.txt",
        ),
        ('{"model": {"type": "WordPiece", "vocab": {"a": 0, "b": 2}}}', "not 0, 1, 2"),
        ('{"model": {"type": "WordPiece", "vocab": ["a"]}}', "not 0, 1, 2"),
    ],
)
def test_a_tokenizer_json_that_cannot_be_used(tmp_path, content, message):
    (tmp_path / "tokenizer.json").write_text(content)
    with pytest.raises(InputError, match=message):
        released_vocabulary(tmp_path)


def test_no_vocabulary_at_all(tmp_path):
    with pytest.raises(InputError, match=r"vocab\.txt or tokenizer\.json is needed"):
        released_vocabulary(tmp_path)
    # RoBERTa's in English, and ALBERT's.
    for name, kind in (("spiece.model", "SentencePiece"), ("vocab.json", "byte-level BPE")):
        (tmp_path / name).write_bytes(b"")
        with pytest.raises(InputError, match=f"a vocabulary of {kind}, and only word pieces"):
            released_vocabulary(tmp_path)


def test_lower_case(tmp_path):
    small = Vocabulary([*TOKENS, *WORDS, "A"])
    cased = Vocabulary([*TOKENS, *WORDS, *string.ascii_uppercase])
    assert released_lower_case(tmp_path, small)[0] is True
    assert released_lower_case(tmp_path, cased)[0] is False
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"do_lower_case": True}))
    assert released_lower_case(tmp_path, cased) == (True, "tokenizer_config.json")


def test_settings_that_are_not_followed_are_named(tmp_path):
    settings = {"tokenize_chinese_chars": False, "strip_accents": False, "do_lower_case": True}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings))
    chinese, accents = unlike_bert(tmp_path)
    assert "tokenize_chinese_chars" in chinese
    assert "strip_accents" in accents
    settings = {"tokenize_chinese_chars": True, "strip_accents": None}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings))
    assert unlike_bert(tmp_path) == []
