"""Tokens to text: the text of a generated sequence."""

import re
from collections.abc import Iterable

# Scripts without spaces between words, and the marks that go with them.
_WITHOUT_SPACES = re.compile(
    r"[\u2e80-\u30ff\u31f0-\u9fff\ua960-\ua97f\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60"
    r"\U00020000-\U0003ffff]"
)
_NO_SPACE_BEFORE = frozenset(".,;:!?%)]}’”…'")
_NO_SPACE_AFTER = frozenset("([{‘“$#'")
_CONTINUES = "##"


def detokenize(tokens: Iterable[str], style: str) -> str:
    """Joins tokens to a text.

    Word pieces are put together. Between two tokens is a space, but not beside a character of a
    script that has none, such as Chinese, nor where punctuation has none in English. Characters are
    joined without spaces: which there were in the text is not known.

        >>> detokenize(["Don", "'", "t", "un", "##do", "it", "!"], "wordpiece")
        "Don't undo it!"
        >>> detokenize(["我", "用", "Keras", "。"], "word")
        '我用Keras。'

    Args:
        tokens: those of a tokenizer; none is reserved.
        style: the tokenizer's, one of `data_util.choices.TOKENIZE_STYLES`.
    """
    if style == "space":
        return " ".join(tokens)
    if style == "char":
        return "".join(tokens)
    text = ""
    for token in tokens:
        if style == "wordpiece" and token.startswith(_CONTINUES) and len(token) > 2:
            text += token[2:]
        elif _is_spaced(text, token):
            text += f" {token}"
        else:
            text += token
    return text


def joined(text: str, continuation: str) -> str:
    """Two texts as one, with a space between them where one belongs.

    >>> joined("Whose turn", "is it?")
    'Whose turn is it?'
    """
    between = " " if _is_spaced(text.rstrip(), continuation) else ""
    return f"{text.rstrip()}{between}{continuation}" if continuation else text


def _is_spaced(text: str, token: str) -> bool:
    """Whether a space stands between a text and the token after it."""
    if not text or not token:
        return False
    last, first = text[-1], token[0]
    if _WITHOUT_SPACES.match(last) or _WITHOUT_SPACES.match(first):
        return False
    return last not in _NO_SPACE_AFTER and first not in _NO_SPACE_BEFORE
