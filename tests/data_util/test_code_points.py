from hypothesis import given
from hypothesis import strategies as st

from data_util.code_points import code_points


@given(st.text(st.characters(codec=None)))
def test_a_number_a_character(text) -> None:
    assert code_points(text).tolist() == [ord(char) for char in text]
