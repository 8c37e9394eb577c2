"""Examples of several texts, tokenized through the cache."""

import numpy as np
import pytest

from common.errors import InputError
from data_util.labelled.text_groups import TextGroup, count_tokens, tokenize_groups
from data_util.tokens.tokenizers import make_tokenizer
from data_util.tokens.vocabulary import Vocabulary

GROUPS = [
    TextGroup(("甲乙", "", "丙"), (7, -3)),
    TextGroup(("丁",), ()),
    TextGroup(("", ""), (2**31 - 1,)),
]


@pytest.fixture
def tokenized(tmp_path):
    """Gives the groups, as they are read from a file that stands for them."""
    tokenizer, path = make_tokenizer("char"), tmp_path / "source.txt"
    path.write_text("anything", encoding="utf-8")
    counts = count_tokens((text for group in GROUPS for text in group.texts), tokenizer)
    assert counts == dict.fromkeys("甲乙丙丁", 1)
    vocabulary = Vocabulary.from_counts(counts, 100, 1)

    def make(read=lambda: GROUPS, **description):
        return vocabulary, tokenize_groups(
            [path],
            read,
            tokenizer,
            vocabulary,
            {"kind": "groups", **description},
            cache_folder=tmp_path / "cache",
        )

    return make


def as_read(vocabulary, groups):
    return [
        (
            [[vocabulary.tokens[i] for i in ids] for ids in groups.texts(n)],
            groups.values_of(n).tolist(),
        )
        for n in range(len(groups))
    ]


def test_texts_and_values(tokenized):
    vocabulary, groups = tokenized()
    assert as_read(vocabulary, groups) == [
        ([["甲", "乙"], [], ["丙"]], [7, -3]),
        ([["丁"]], []),
        ([[], []], [2**31 - 1]),
    ]
    assert groups.text_lengths.tolist() == [2, 0, 1, 1, 0, 0]
    assert groups.ids.dtype == groups.values.dtype == np.int32


def test_the_cache_is_read_again_if_nothing_has_changed(tokenized):
    first = as_read(*tokenized())

    def unread():
        raise AssertionError("the files are read again")

    assert as_read(*tokenized(unread)) == first
    with pytest.raises(AssertionError, match="read again"):
        tokenized(unread, version=2)


def test_nothing_is_kept_of_files_that_cannot_be_read(tokenized, tmp_path):
    def broken():
        yield GROUPS[0]
        raise InputError("a wrong line", "source.txt", 3)

    with pytest.raises(InputError, match="a wrong line"):
        tokenized(broken)
    assert list((tmp_path / "cache").glob("*.h5")) == []
    assert len(tokenized()[1]) == 3
