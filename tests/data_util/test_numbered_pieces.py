import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from data_util.numbered_pieces import number_pieces
from data_util.numbering import index_tokens

TEXTS = st.lists(st.text("ab中 \t\u3000\n\U0001f600"))


def halves(text: np.ndarray) -> np.ndarray:
    """Cuts after every white-space character and before it, and after every "b"."""
    after = [char < 33 or char in (0x3000, ord("b")) for char in text]
    before = [*(char < 33 or char == 0x3000 for char in text[1:]), True]
    return np.flatnonzero(np.array(after, bool) | np.array(before, bool)[: len(text)]) + 1


def tokens_of(text: str) -> list[str]:
    ends = halves(np.array([ord(char) for char in text], np.int32)) if text else []
    pieces = [text[begin:end] for begin, end in itertools.pairwise([0, *ends])]
    return [piece for piece in pieces if not piece.isspace()]


@given(TEXTS)
def test_pieces_are_numbered_as_tokens_are(texts) -> None:
    pieces = number_pieces(texts, lambda text: halves(text).astype(np.int32))
    tokens = index_tokens(texts, tokens_of)
    assert pieces.tokens == tokens.tokens
    assert pieces.indices.tolist() == tokens.indices.tolist()
    assert pieces.lengths.tolist() == tokens.lengths.tolist()
    assert pieces.indices.dtype == tokens.indices.dtype == np.int32
    assert pieces.lengths.dtype == tokens.lengths.dtype == np.int64


def test_more_pieces_than_the_table_begins_with() -> None:
    texts = [" ".join(map(str, range(20_000))), "19999 0 7"]

    def at_spaces(text: np.ndarray) -> np.ndarray:
        spaces = np.flatnonzero((text == ord(" ")) | (text == ord("\n")))
        return np.union1d(np.union1d(spaces, spaces + 1), len(text)).astype(np.int32)

    numbered = number_pieces(texts, at_spaces)
    assert numbered.tokens == [str(number) for number in range(20_000)]
    assert numbered.indices[-3:].tolist() == [19_999, 0, 7]
    assert numbered.lengths.tolist() == [20_000, 3]
