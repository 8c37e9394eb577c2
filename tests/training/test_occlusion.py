import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.occlusion import parts_of, shares_of


def test_parts_of_a_short_text_are_its_tokens():
    parts = parts_of([(0, 2), (3, 4), (4, 7)], 10)
    assert [(part.start, part.end, part.first, part.last) for part in parts] == [
        (0, 2, 0, 1),
        (3, 4, 1, 2),
        (4, 7, 2, 3),
    ]
    assert parts_of([], 10) == []


@pytest.mark.parametrize("tokens", [1, 4, 5, 9, 500])
def test_parts_of_a_long_text_are_few_and_have_every_token(tokens):
    parts = parts_of([(place, place + 1) for place in range(tokens)], 4)
    assert len(parts) <= 4
    assert [place for part in parts for place in range(part.first, part.last)] == list(
        range(tokens)
    )
    assert (parts[0].start, parts[-1].end) == (0, tokens)


@given(st.lists(st.integers(0, 300), min_size=1, max_size=2), st.integers(2, 128))
def test_parts_of_all_texts_are_bounded_and_none_is_left_out(lengths, max_parts):
    shares = shares_of(lengths, max_parts)
    assert len(shares) == len(lengths) and min(shares) >= 1
    spans = [[(place, place + 1) for place in range(length)] for length in lengths]
    parts = [parts_of(each, share) for each, share in zip(spans, shares, strict=True)]
    assert sum(map(len, parts)) <= max_parts
    for length, its_parts in zip(lengths, parts, strict=True):
        assert sum(part.last - part.first for part in its_parts) == length
        # A token is a part of its own wherever that can be.
        assert sum(lengths) > max_parts or len(its_parts) == length
