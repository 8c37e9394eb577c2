import pytest

from common.errors import InputError
from data_util.reading.text_pairs import split_pair


def test_a_tab_parts_two_texts():
    assert split_pair("a b") == "a b"
    assert split_pair("a \t b c") == ("a", "b c")
    for text in ("a\tb\tc", "a\t\tb"):
        with pytest.raises(InputError, match=r"there are 2 tabs: .*`text_a<TAB>text_b`"):
            split_pair(text)
