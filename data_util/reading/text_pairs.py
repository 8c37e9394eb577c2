"""Pairs of texts: `text_a<TAB>text_b` on a line, `text_a` and `text_b` in a JSON record."""

import reprlib
from collections.abc import Mapping
from typing import Any

from common.errors import InputError

# A single text, or the two of a pair.
Text = str | tuple[str, str]

PAIR_KEYS = ("text_a", "text_b")
RIGHT_FORM = "the form of a pair is `text_a<TAB>text_b`, or JSON with `text_a` and `text_b`"


def split_pair(text: str) -> Text:
    """Parts a line's text, without white space around it, at its tab.

    Returns:
        The two texts, neither of them empty, or the text itself where there is no tab.

    Raises:
        InputError: there are several tabs.
    """
    first, *others = text.split("\t")
    if len(others) > 1:
        raise InputError(
            f"a tab parts the two texts of a pair, and here are {len(others)}: {RIGHT_FORM}. "
            "Within a text, use spaces"
        )
    return (first.rstrip(), others[0].lstrip()) if others else text


def json_pair(record: Mapping[str, Any]) -> tuple[str, str]:
    """The texts of a JSON record as they stand there.

    Raises:
        InputError: one is missing or no string.
    """
    for key in PAIR_KEYS:
        if not isinstance(record.get(key), str):
            raise InputError(
                f"a pair needs a string as its `{key}`. "
                + (f"Received: {reprlib.repr(record[key])}" if key in record else "There is none")
            )
    return record["text_a"], record["text_b"]


def check_kind(text: Text, *, pairs: bool, reason: str) -> None:
    """An InputError where a pair stands for a single text or the other way round.

    Args:
        text: of a line.
        pairs: what it has to be.
        reason: why; ends the first half of the message.
    """
    if isinstance(text, tuple) and not pairs:
        raise InputError(
            f"a pair of texts, but {reason} single texts. Were the tab within one text, it would "
            "have to be a space"
        )
    if isinstance(text, str) and pairs:
        raise InputError(f"a single text, but {reason} pairs: {RIGHT_FORM}")
