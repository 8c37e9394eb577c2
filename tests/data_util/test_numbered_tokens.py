from hypothesis import given
from hypothesis import strategies as st

from data_util.numbered_tokens import number_tokens

TEXTS = st.lists(st.text("ab中 \t\u3000\n\U0001f600"))


@given(TEXTS)
def test_numbers_are_the_places_of_tokens(texts) -> None:
    numbered = number_tokens(texts, str.split)
    assert len(set(numbered.tokens)) == len(numbered.tokens)
    expected = [token for text in texts for token in text.split()]
    assert [numbered.tokens[number] for number in numbered.numbers] == expected
    assert numbered.lengths.tolist() == [len(text.split()) for text in texts]
    assert list(dict.fromkeys(numbered.numbers)) == list(range(len(numbered.tokens)))
