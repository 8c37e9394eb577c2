from hypothesis import given
from hypothesis import strategies as st

from data_util.tokens.numbering import index_tokens

TEXTS = st.lists(st.text("ab中 \t\u3000\n\U0001f600"))


@given(TEXTS)
def test_indices_are_positions_among_the_distinct_tokens(texts) -> None:
    indexed = index_tokens(texts, str.split)
    assert len(set(indexed.tokens)) == len(indexed.tokens)
    expected = [token for text in texts for token in text.split()]
    assert [indexed.tokens[index] for index in indexed.indices] == expected
    assert indexed.lengths.tolist() == [len(text.split()) for text in texts]
    assert list(dict.fromkeys(indexed.indices)) == list(range(len(indexed.tokens)))


def test_no_text_and_empty_texts() -> None:
    for texts in ([], ["", " "]):
        indexed = index_tokens(texts, str.split)
        assert (indexed.tokens, indexed.indices.tolist()) == ([], [])
        assert indexed.lengths.tolist() == [0] * len(texts)
        assert (indexed.indices.dtype, indexed.lengths.dtype) == ("int32", "int64")
