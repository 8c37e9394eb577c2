"""TF-IDF weights against scikit-learn's, and the file of a table by hand."""

import itertools
from collections import Counter

import numpy as np
import pytest
import rjieba
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from common.errors import InputError
from data_util.tokens import ngram_table as module
from data_util.tokens.ngram_table import NgramTable
from data_util.tokens.ngrams import KINDS, ngrams

TOKENS = st.lists(st.text("abZ我跑#é×", min_size=1, max_size=4), max_size=12)

CHINESE = [
    "被告人盗窃手机一部", "酒后殴打他人酒后", "盗窃盗窃手机", "虚构事实骗取他人手机", "他",
    "被告人酒后骗取手机",
]  # fmt: skip
ENGLISH = ["My cat sees a cat", "the Dog sees my cat", "a dog and a dog", "dog", "cats and dogs a"]
LETTERS = ["abcabcab", "bcabdd", "ddddddd", "abcd", "zzabcz"]
WORDS = {"analyzer": "word", "token_pattern": r"\S+"}


def characters(size):
    return {"analyzer": "char", "ngram_range": (size, size)}


@pytest.mark.parametrize("min_documents", [1, 2])
@pytest.mark.parametrize(
    ("kind", "texts", "options"),
    [
        ("w1", ENGLISH, WORDS),
        ("w2", ENGLISH, WORDS | {"ngram_range": (2, 2)}),
        ("c1", CHINESE, characters(1)),
        ("c2", CHINESE, characters(2)),
        # The space between two words is the last or the first character of some.
        ("c2", ENGLISH, characters(2)),
        ("c3", CHINESE, characters(3)),
        ("c3", LETTERS, characters(3)),
        ("c4", LETTERS, characters(4)),
    ],
)
def test_tf_idf_is_that_of_scikit_learn(kind, texts, options, min_documents):
    split = str.split if texts is ENGLISH else list
    if texts is LETTERS:
        split = lambda text: [text]  # noqa: E731 - one word
    new = [*texts, "被告人殴打一部", "my dog sees a bird"]
    theirs = TfidfVectorizer(sublinear_tf=True, min_df=min_documents, **options).fit(texts)
    expected = theirs.transform(new).toarray()
    table = NgramTable.build(map(split, texts), min_documents=min_documents)
    columns = {name: column for column, name in enumerate(theirs.get_feature_names_out())}
    number = KINDS.index(kind)
    assert set(table.ngrams[number]) == set(columns)
    start = int(table.starts[number])
    found = np.zeros_like(expected)
    for row, text in enumerate(new):
        ids, values = table.features(split(text))
        assert (ids.dtype, values.dtype) == (np.int32, np.float32)
        for id, value in zip(ids, values, strict=True):
            if table.kinds[id] == number:
                found[row, columns[table.ngrams[number][id - start]]] = value
    assert found.any()
    np.testing.assert_allclose(found, expected, atol=1e-6)


def defined(table, tokens):
    """The features of a text, n-gram by n-gram."""
    number = {}
    for kind, each, start in zip(KINDS, table.ngrams, table.starts, strict=False):
        number |= {(kind, ngram): int(start) + index for index, ngram in enumerate(each)}
    found = Counter()
    for kind, each in zip(KINDS, ngrams(table.words(tokens)), strict=True):
        found.update(number[kind, ngram] for ngram in each if (kind, ngram) in number)
    idf = np.log((1 + table.documents) / (1 + table.frequencies)) + 1
    indices = np.array(sorted(found), np.int64)
    counts = np.array([found[index] for index in indices.tolist()], np.int64)
    values = (1 + np.log(counts)) * idf[indices]
    squares = np.zeros(len(KINDS))
    for kind, value in zip(table.kinds[indices].tolist(), values.tolist(), strict=True):
        squares[kind] += value * value
    lengths = np.sqrt(squares)[table.kinds[indices]]
    return indices.astype(np.int32), (values / lengths).astype(np.float32)


@given(st.lists(TOKENS, max_size=5), st.lists(TOKENS, max_size=5), st.booleans())
def test_features_are_to_the_bit_as_they_are_defined(known, texts, segmented):
    table = NgramTable.build(known, min_documents=1, segmented=segmented)
    texts += known
    rows = table.feature_rows([(tokens,) for tokens in texts])
    assert len(rows) == len(texts)
    for row, tokens in zip(rows, texts, strict=True):
        for found in (row, table.features(tokens)):
            for ours, expected in zip(found, defined(table, tokens), strict=True):
                assert (ours.dtype, ours.tobytes()) == (expected.dtype, expected.tobytes())


@given(TOKENS, st.lists(TOKENS, min_size=1, max_size=5))
def test_each_kind_of_a_text_has_length_one_and_unknown_ngrams_count_for_nothing(tokens, texts):
    table = NgramTable.build(texts, min_documents=1)
    ids, values = table.features(tokens)
    assert ids.tolist() == sorted(set(ids.tolist()))
    for number, found in enumerate(ngrams(tokens)):
        chosen = table.kinds[ids] == number
        known = set(found) & set(table.ngrams[number])
        start = table.starts[number]
        assert {table.ngrams[number][id - start] for id in ids[chosen]} == known
        if known:
            assert np.square(values[chosen]).sum() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("tokens", [[], ["狗"]])
def test_a_text_without_known_ngrams_has_no_features(tokens):
    ids, values = NgramTable.build([["猫"], ["猫", "鱼"]]).features(tokens)
    assert (ids.tolist(), values.tolist()) == ([], [])
    assert (ids.dtype, values.dtype) == (np.int32, np.float32)


def test_a_table_of_nothing():
    for table in (NgramTable.build([]), NgramTable.build([["a"], ["b"]])):
        assert len(table) == 0
        assert table.features(["a"])[0].size == 0
        assert len(NgramTable.from_text(table.to_text(), "ngrams.txt")) == 0


def test_frequencies_count_documents_not_occurrences():
    table = NgramTable.build([["猫", "猫", "猫"], ["猫", "狗"], ["狗", "鸟"]])
    counts = dict(zip(itertools.chain(*table.ngrams), table.frequencies.tolist(), strict=True))
    # 鸟 is in one document alone, and so is every pair.
    assert counts == {"猫": 2, "狗": 2}
    assert [len(each) for each in table.ngrams] == [2, 0, 2, 0, 0, 0]
    assert table.documents == 3
    assert table.kinds.tolist() == [0, 0, 2, 2]


@pytest.mark.parametrize("most", range(1, 30))
def test_the_ngrams_of_the_most_documents_are_kept(most):
    generator = np.random.default_rng(0)
    texts = [
        [f"{word}" for word in generator.choice(list("甲乙丙丁戊己"), size)]
        for size in generator.integers(1, 6, 20)
    ]
    whole = NgramTable.build(texts, min_documents=1)
    assert len(whole) > 30
    table = NgramTable.build(texts, max_ngrams=most, min_documents=1)
    assert len(table) == most
    assert sorted(table.frequencies) == sorted(whole.frequencies)[-most:]
    counts = {}
    for kind, start, each in zip(KINDS, whole.starts, whole.ngrams, strict=False):
        for index, ngram in enumerate(each):
            counts[kind, ngram] = whole.frequencies[start + index]
    for kind, start, each in zip(KINDS, table.starts, table.ngrams, strict=False):
        for index, ngram in enumerate(each):
            assert counts[kind, ngram] == table.frequencies[start + index]


def test_ngrams_of_one_document_are_dropped_while_there_are_too_many(monkeypatch):
    monkeypatch.setattr(module, "_MAX_COUNTED", 500)
    texts = [[f"w{number:04d}", "the"] for number in range(1000)] + [["w0003", "end"]]
    table = NgramTable.build(texts, min_documents=1)
    # What was dropped is counted anew.
    words = dict(zip(table.ngrams[0], table.frequencies.tolist(), strict=False))
    assert words == {"the": 1000, "w0003": 1, "end": 1}


@given(st.lists(TOKENS, max_size=6))
def test_a_table_is_written_and_read(texts):
    table = NgramTable.build(texts, min_documents=1)
    again = NgramTable.from_text(table.to_text(), "ngrams.txt")
    assert (again.ngrams, again.documents) == (table.ngrams, table.documents)
    np.testing.assert_array_equal(again.frequencies, table.frequencies)
    for tokens in texts:
        for ours, theirs in zip(table.features(tokens), again.features(tokens), strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_the_text_of_a_table():
    table = NgramTable.build([["a", "b"], ["a", "b"]])
    assert table.to_text() == (
        "documents\t2\nw1\ta\t2\nw1\tb\t2\nw2\ta b\t2\nc1\ta\t2\nc1\tb\t2\nc2\t b\t2\nc2\ta \t2\n"
    )


@pytest.mark.parametrize("text", ["我们在CO2浓度升高时跑步", "盗窃手机一部，价值1,200元", "猫"])
def test_words_are_found_in_the_characters_of_a_text(text):
    """The features of characters with a segmenter are those of the words that it finds."""
    words = rjieba.cut(text)
    expected = NgramTable.build([words, ["部"]], min_documents=1)
    table = NgramTable.build([list(text), ["部"]], min_documents=1, segmented=True)
    assert table.ngrams == expected.ngrams
    again = NgramTable.from_text(table.to_text(), "ngrams.txt")
    assert again.segmented and not expected.segmented
    for one in (table, again):
        for ours, theirs in zip(one.features(list(text)), expected.features(words), strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_the_text_of_a_segmented_table():
    table = NgramTable.build([["我", "们"], ["我", "们"]], segmented=True)
    assert (
        table.to_text()
        == "documents\t2\tsegmented\nw1\t我们\t2\nc1\t们\t2\nc1\t我\t2\nc2\t我们\t2\n"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("documents\n", r"ngrams\.txt:1: "),
        ("documents\t3\tother\n", r"ngrams\.txt:1: "),
        ("documents\t3\tsegmented\t\n", r"ngrams\.txt:1: "),
        ("", r"ngrams\.txt:1: .*is this an n-gram table"),
        ("labels\t3\n", r"ngrams\.txt:1: "),
        ("documents\tthree\n", r"ngrams\.txt:1: "),
        ("documents\t-3\n", r"ngrams\.txt:1: "),
        ("documents\t3\nw1\ta\t2\nw9\tb\t2\n", r"ngrams\.txt:3: expected `kind"),
        ("documents\t3\nw1\ta\n", r"ngrams\.txt:2: "),
        ("documents\t3\nw1\ta\tb\t2\n", r"ngrams\.txt:2: "),
        ("documents\t3\nw1\ta\t2.5\n", r"ngrams\.txt:2: "),
        ("documents\t3\n\nw1\ta\t2\n", r"ngrams\.txt:2: "),
        ("documents\t3\nw1\ta\t2\nc2\ta\t2\n", r"ngrams\.txt:3: 'a' has not 2 characters"),
        ("documents\t3\nc1\tab\t2\n", r"ngrams\.txt:2: 'ab' has not 1 character$"),
    ],
)
def test_broken_lines_are_named(text, message):
    with pytest.raises(InputError, match=f"^{message}"):
        NgramTable.from_text(text, "ngrams.txt")
