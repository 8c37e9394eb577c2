import sys

from data_util.characters import is_han, is_letter_or_digit, is_of_a_run, is_white_space

ALL = range(sys.maxunicode + 1)


def test_white_space_is_pythons() -> None:
    assert [c for c in ALL if is_white_space(c)] == [c for c in ALL if chr(c).isspace()]


def test_letters_and_digits_are_those_of_ascii() -> None:
    expected = [c for c in range(128) if chr(c).isalnum()]
    assert [c for c in ALL if is_letter_or_digit(c)] == expected


def test_what_stands_in_a_run() -> None:
    for character in "中㐀龥鿖豈𠀀azAZ09+#&._%-":
        assert is_of_a_run(ord(character)), character
    for character in "，。 \n、é％１あ가,*/":
        assert not is_of_a_run(ord(character)), character
    # jieba's own range of what its model knows.
    assert [c for c in ALL if is_han(c)] == list(range(0x4E00, 0x9FD6))
