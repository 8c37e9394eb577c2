import logging

import jieba
import numpy as np
import pytest
import rjieba
from hypothesis import given
from hypothesis import strategies as st

from data_util.code_points import code_points
from data_util.documents import read_documents
from data_util.segmentation import segment
from data_util.segmentation_model import segmentation_model
from tests.real_data import real_file

jieba.setLogLevel(logging.WARNING)

# Frequent and rare ones, names, and some that no word of the dictionary begins with.
HAN = "的一是了我他在有中国人民法院被告张三丰常贾某龘鼱上海市公安局盗窃罪手机元年月日"
LETTERS = "abcXYZ0189+#&._%-"
OTHERS = "㐀㐁鿖鿿豈𠀀𪛖αβé ,。、\t\u3000％．Ⅱ①٣\r\n\x1c\x85\u200b\u200a"


def cut(text: str) -> list[str]:
    ends = segment(code_points(text), segmentation_model())
    return [text[begin:end] for begin, end in zip([0, *ends], ends, strict=False)]


def test_a_text_of_new_words() -> None:
    # jieba's README has these: 杭研 is in no dictionary.
    assert cut("他来到了网易杭研大厦") == ["他", "来到", "了", "网易", "杭研", "大厦"]
    assert cut("我来到北京清华大学") == ["我", "来到", "北京", "清华大学"]


def test_nothing() -> None:
    assert cut("") == []


@given(st.text(HAN + "，。", max_size=40))
def test_chinese_is_cut_as_jieba_cuts_it(text) -> None:
    assert cut(text) == jieba.lcut(text)


@given(st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FD5), max_size=20))
def test_rare_characters_are_cut_as_jieba_cuts_them(text) -> None:
    assert cut(text) == jieba.lcut(text)


@given(st.text(LETTERS, max_size=20))
def test_letters_and_digits_are_cut_as_rjieba_cuts_them(text) -> None:
    assert cut(text) == rjieba.cut(text)


@given(st.text("法院" + LETTERS + OTHERS, max_size=30))
def test_all_kinds_of_characters_are_cut_as_rjieba_cuts_them(text) -> None:
    # A line break of two characters is one token there.
    assert cut(text.replace("\r\n", "")) == rjieba.cut(text.replace("\r\n", ""))


@given(st.text(st.characters(codec=None)))
def test_nothing_of_a_text_is_lost(text) -> None:
    words = cut(text)
    assert "".join(words) == text and all(words)


def test_a_run_longer_than_the_scratch() -> None:
    text = "被告人盗窃手机" * 1_000
    assert cut(text) == jieba.lcut(text)


@pytest.mark.parametrize("name", ["cail2018/valid.json", "legal_corpus/train.txt"])
def test_real_documents_are_cut_as_jieba_cuts_them(name) -> None:
    documents = read_documents([real_file(name)], labelled=False, max_documents=60)
    for text in (document.text for document in documents):
        # jieba cuts "4.5g" in two, rjieba and this one don't: letters and digits aside.
        han = "".join(char if ord(char) > 127 else "，" for char in text)
        assert cut(han) == jieba.lcut(han)
        assert cut(text) == rjieba.cut(text)


def test_words_end_where_they_say() -> None:
    ends = segment(code_points("被告人，张三丰"), segmentation_model())
    assert ends.dtype == np.int32
    assert ends.tolist() == [3, 4, 7]
