"""N-grams by hand, and their TF-IDF weights against scikit-learn's."""

import itertools

import numpy as np
import pytest
import rjieba
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfVectorizer

from common.errors import InputError
from data_util.tokens import ngrams as module
from data_util.tokens.ngrams import KINDS, NgramTable, ngram_inputs, ngrams
from data_util.tokens.sparse_rows import SparseRows

TOKENS = st.lists(st.text("abZ我跑#é×", min_size=1, max_size=4), max_size=12)


def by_kind(tokens):
    return dict(zip(KINDS, ngrams(tokens), strict=True))


def test_ngrams_of_chinese_run_across_words():
    assert by_kind(["我们", "跑"]) == {
        "w1": ["我们", "跑"],
        "w2": ["我们 跑"],
        "c1": ["我", "们", "跑"],
        "c2": ["我们", "们跑"],
        "c3": ["我们跑"],
        "c4": [],
    }
    assert by_kind(["我们", "跑步了"])["c4"] == []


def test_ngrams_of_english_end_at_the_space():
    assert by_kind(["My", "cats"]) == {
        "w1": ["my", "cats"],
        "w2": ["my cats"],
        "c1": ["m", "y", "c", "a", "t", "s"],
        "c2": ["my", "y ", " c", "ca", "at", "ts"],
        "c3": ["my ", " ca", "cat", "ats"],
        "c4": [" cat", "cats"],
    }


def test_ngrams_of_mixed_text():
    """No space beside a Chinese character, and four characters only of an alphabet."""
    assert by_kind(["我", "love", "you", "们"]) == {
        "w1": ["我", "love", "you", "们"],
        "w2": ["我 love", "love you", "you 们"],
        "c1": ["我", "l", "o", "v", "e", "y", "o", "u", "们"],
        "c2": ["我l", "lo", "ov", "ve", "e ", " y", "yo", "ou", "u们"],
        "c3": ["我lo", "lov", "ove", "ve ", " yo", "you", "ou们"],
        "c4": ["love", "ove ", " you"],
    }


def test_ngrams_of_word_pieces_join_the_word():
    assert by_kind(["play", "##ing", "it"]) == {
        "w1": ["play", "##ing", "it"],
        "w2": ["play ##ing", "##ing it"],
        "c1": list("playingit"),
        "c2": ["pl", "la", "ay", "yi", "in", "ng", "g ", " i", "it"],
        "c3": ["pla", "lay", "ayi", "yin", "ing", "ng ", " it"],
        "c4": ["play", "layi", "ayin", "ying", "ing "],
    }


def test_two_number_signs_are_no_word_piece():
    assert by_kind(["a", "##"])["c2"] == ["a ", " #", "##"]


def test_no_tokens_have_no_ngrams():
    assert by_kind([]) == {kind: [] for kind in KINDS}


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
    ],
)
def test_broken_lines_are_named(text, message):
    with pytest.raises(InputError, match=f"^{message}"):
        NgramTable.from_text(text, "ngrams.txt")


@given(st.lists(st.dictionaries(st.integers(0, 9), st.floats(0.5, 2, width=32)), max_size=6))
def test_sparse_rows_are_those_of_scipy(rows):
    given = [
        (np.array(list(row), np.int32), np.array(list(row.values()), np.float32)) for row in rows
    ]
    stacked = SparseRows.stack(iter(given))
    assert len(stacked) == len(rows)
    assert stacked.indices.dtype == np.int32 and stacked.values.dtype == np.float32
    expected = np.zeros((len(rows), 10), np.float32)
    for number, row in enumerate(rows):
        expected[number, list(row)] = list(row.values())
        for ours, theirs in zip(stacked.row(number), given[number], strict=True):
            np.testing.assert_array_equal(ours, theirs)
    parts = (stacked.values, stacked.indices, stacked.offsets)
    np.testing.assert_array_equal(csr_matrix(parts, expected.shape).toarray(), expected)


@pytest.mark.parametrize(
    ("lengths", "width"), [([], 64), ([0], 64), ([3, 0, 64], 64), ([65, 2], 128)]
)
def test_inputs_of_a_batch(lengths, width):
    rows = [
        (np.arange(1, size + 1, dtype=np.int32), np.full(size, 0.5, np.float32)) for size in lengths
    ]
    inputs = ngram_inputs(rows)
    ids, values = inputs["ngram_ids"], inputs["ngram_values"]
    assert set(inputs) == {"ngram_ids", "ngram_values"}
    assert ids.shape == values.shape == (len(lengths), width)
    assert (ids.dtype, values.dtype) == (np.int32, np.float32)
    for row, size in enumerate(lengths):
        assert ids[row, :size].tolist() == list(range(1, size + 1))
        assert values[row, :size].tolist() == [0.5] * size
        assert not ids[row, size:].any() and not values[row, size:].any()
