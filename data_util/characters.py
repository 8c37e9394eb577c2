"""Kinds of characters, by their code points."""

from data_util.compiled import compiled

FIRST_HAN, LAST_HAN = 0x4E00, 0x9FD5


@compiled
def is_of_a_run(character: int) -> bool:
    """jieba's characters and, as in rjieba, the rarer Chinese ones, which no dictionary has."""
    return (
        0x4E00 <= character <= 0x9FFF
        or is_letter_or_digit(character)
        or 0x3400 <= character <= 0x4DBF
        or 0xF900 <= character <= 0xFAFF
        or 0x20000 <= character <= 0x2A6DF
        or 0x2A700 <= character <= 0x2EBEF
        or 0x2F800 <= character <= 0x2FA1F
        or character in (ord("+"), ord("#"), ord("&"), ord("."), ord("_"), ord("%"), ord("-"))
    )


@compiled
def is_han(character: int) -> bool:
    return FIRST_HAN <= character <= LAST_HAN


@compiled
def is_letter_or_digit(character: int) -> bool:
    """Of ASCII."""
    return 48 <= character <= 57 or 65 <= character <= 90 or 97 <= character <= 122


@compiled
def is_white_space(character: int) -> bool:
    """As `str.isspace` has it."""
    if character > 0x3000:  # nearly all Chinese
        return False
    return (
        9 <= character <= 13
        or 28 <= character <= 32
        or character in (0x85, 0xA0, 0x1680, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000)
        or 0x2000 <= character <= 0x200A
    )
