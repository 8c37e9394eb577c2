import sys
import unicodedata

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from data_util.choices import NORMALIZATIONS
from data_util.tokens.normalization import Normalizer, is_common, visible

EVERY_CHARACTER = [chr(c) for c in range(sys.maxunicode + 1) if not 0xD800 <= c < 0xE000]
ODD = "ﬃ㎏㍿e\u0301\u0323\u0327q\u0307ｶﾞﾟ각\u1100\u1161\u11a8\u00adΣςİ\u09c7\u09be\u0f71\u0f72\ufb1d"


def test_what_is_invisible_is_what_unicode_says():
    # Other tables than ours: those of the module regex.
    invisible = regex.compile(r"(?V1)[\p{DI}\uFFF9-\uFFFB[\p{Cc}--\s--[\x1c-\x1f]]]")
    expected = set(invisible.findall("".join(EVERY_CHARACTER)))
    dropped = {char for char in EVERY_CHARACTER if visible(char) == ""}
    assert dropped == expected
    assert not any(map(str.isspace, dropped))


def test_common_characters_are_visible_and_of_no_other_script():
    common = [char for char in EVERY_CHARACTER if is_common(char)]
    assert all(visible(char) == char for char in common)
    letters = regex.compile(r"(?V1)[\p{L}--\p{Han}--[A-Za-z\u3000-\u303f\uff00-\uffef]]")
    assert not letters.findall("".join(common))
    assert is_common("被告人，盗窃3.14元（C++，× ＡＢＣ\u3000“引”…—①Ⅷ）\r\n")


@pytest.mark.parametrize(
    ("normalizer", "text", "expected"),
    [
        (Normalizer(), "\ufeffa\u200d\u00adb\x00\x9f\tc\u2028\x85", "ab\tc\u2028\x85"),
        (Normalizer(drop_invisible=False), "\ufeffa\u00ad", "\ufeffa\u00ad"),
        (Normalizer("nfc"), "e\u0301㎏", "é㎏"),
        (Normalizer("nfkc"), "e\u0301㎏Ａ", "ékgA"),
        (Normalizer("nfkc", lower_case=True), "ＡİΣ", "ai\u0307ς"),
        # Invisible characters go first: the letter and its accent are beside each other then.
        (Normalizer("nfc"), "e\u200b\u0301", "é"),
    ],
)
def test_by_hand(normalizer, text, expected):
    assert normalizer(text) == expected


def test_alignment_by_hand():
    aligned = Normalizer("nfkc").aligned("\u200bㅎ㎏e\u0301\u200cx")
    assert aligned.text == "\u1112kgéx"
    assert list(zip(aligned.starts, aligned.ends, strict=True)) == [
        (1, 2),
        (2, 3),
        (2, 3),
        (3, 5),
        (6, 7),
    ]


@pytest.mark.parametrize("form", NORMALIZATIONS)
@pytest.mark.parametrize("lower_case", [False, True])
@given(text=st.text(st.one_of(st.characters(codec="utf-8"), st.sampled_from(ODD)), max_size=30))
def test_alignment(form, lower_case, text):
    normalizer = Normalizer(form, lower_case)
    aligned = normalizer.aligned(text)
    assert aligned.text == normalizer(text)
    assert len(aligned.starts) == len(aligned.ends) == len(aligned.text)
    assert list(aligned.starts) == sorted(aligned.starts)
    assert list(aligned.ends) == sorted(aligned.ends)
    # What a character was made from makes it.
    for char, start, end in zip(aligned.text, aligned.starts, aligned.ends, strict=True):
        made = normalizer(text[start:end])
        assert char.replace("ς", "σ") in made.replace("ς", "σ")


@pytest.mark.parametrize("form", ["nfc", "nfkc"])
@given(st.lists(st.sampled_from(["é", "e\u0301", "㎏", "ﬃ", "ｶﾞ", "각", "\u1100\u1161\u11a8", "x"])))
def test_alignment_is_no_coarser_than_it_must_be(form, parts):
    aligned = Normalizer(form).aligned("".join(parts))
    expected = []
    position = 0
    for part in parts:
        made = unicodedata.normalize(form.upper(), part)
        if len(made) < len(part) or len(part) == 1:
            expected += [(position, position + len(part))] * len(made)
        else:
            expected += [(position + index, position + index + 1) for index in range(len(part))]
        position += len(part)
    assert list(zip(aligned.starts, aligned.ends, strict=True)) == expected


def test_long_runs_of_marks_are_read_once():
    text = "e" + "\u0301" * 100_000
    assert Normalizer("nfc").aligned(text).text == unicodedata.normalize("NFC", text)


def test_a_form_that_is_not_known():
    with pytest.raises(ValueError, match="form must be one of"):
        Normalizer("nfd")
