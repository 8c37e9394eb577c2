import pytest

from common.spreadsheets import inert


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@sum", "\t=1", "\r=1", "\n=1", "＝1", "＠x"])
def test_formulas_are_text(text):
    assert inert(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "盗窃", "a=b", "'=1"])
def test_everything_else_stays_as_it_is(text):
    assert inert(text) == text
