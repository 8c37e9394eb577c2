"""Pairs of texts: `text_a<TAB>text_b` on a line, or two fields of a record."""

from common.errors import InputError

# A single text, or the two texts of a pair.
Text = str | tuple[str, str]

RIGHT_FORM = "the form of a pair is `text_a<TAB>text_b`, or a record with `text_a` and `text_b`"


def split_pair(text: str) -> Text:
    """Splits a line's text, without surrounding white space, at its tab.

    Returns:
        The two texts, neither of them empty, or the text itself if there is no tab.

    Raises:
        InputError: there are several tabs.
    """
    first, *others = text.split("\t")
    if len(others) > 1:
        raise InputError(
            f"a tab separates the two texts of a pair, but there are {len(others)} tabs: "
            f"{RIGHT_FORM}. Within a text, use spaces"
        )
    return (first.rstrip(), others[0].lstrip()) if others else text


def check_kind(text: Text, *, pairs: bool, reason: str) -> None:
    """Checks that a text is a pair, or that it is single.

    Args:
        text: of a line or a record.
        pairs: whether it must be a pair.
        reason: why; ends the first half of the message.

    Raises:
        InputError: it is of the other kind.
    """
    if isinstance(text, tuple) and not pairs:
        raise InputError(f"a pair of texts, but {reason} single texts")
    if isinstance(text, str) and pairs:
        raise InputError(
            f"a single text, but {reason} pairs: {RIGHT_FORM}. If they are single texts with a "
            "tab in them, use --pairs=false"
        )
