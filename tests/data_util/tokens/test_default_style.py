"""How text is tokenized where nobody says."""

import pytest

from data_util.tokens.default_style import SHORT, default_style


@pytest.mark.parametrize(
    "texts",
    [
        ["贯流风机内部偏心涡演化规律的数值分析", "双官能团活性艳蓝的应用性能"],
        ["花呗怎么还款", "借呗的额度会变吗？", "蚂蚁花呗 说我违约一次"],
        ["東京の天気はどうですか"],
        ["CO2浓度升高对黄瓜叶片的影响"],
        ["字" * SHORT],
        ["字" * (2 * SHORT - 2), "字"],
    ],
)
def test_short_texts_without_spaces_are_read_by_character(texts):
    assert default_style(texts) == "char"


@pytest.mark.parametrize(
    "texts",
    [
        [],
        [""],
        ["how do I pay it back", "what a title"],
        ["w12 w4 c53", "c7"],
        ["한국어는 띄어쓰기를 한다"],
        ["Excel templates for 表"],
        ["字" * (SHORT + 1)],
        ["字" * (2 * SHORT), "字"],
    ],
)
def test_other_texts_are_read_by_word(texts):
    assert default_style(texts) == "word"
