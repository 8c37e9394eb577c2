"""What of a text gets into its corpus."""

import json
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data_util.reading.mentions import LabelMentions
from data_util.tokens import tokenize_corpus as token_blocks
from data_util.tokens.vocabulary import RESERVED, Vocabulary


def decode(corpus, vocabulary):
    """Documents of sentences of tokens."""
    sentences = [
        [vocabulary.tokens[i] for i in corpus.ids[a:b]]
        for a, b in pairwise(corpus.sentence_offsets)
    ]
    return [sentences[a:b] for a, b in pairwise(corpus.document_offsets)]


def test_a_pair_is_a_document_of_two_sentences(prepare, source, tmp_path) -> None:
    pairs = tmp_path / "pairs.txt"
    lines = ["one 。 two\tthree __label__same", "four 。\tone 。 one __label__x __label__y"]
    pairs.write_text("\n".join(lines), encoding="utf-8")
    expected = [
        [["one", "。", "two"], ["three"]],
        [["four", "。"], ["one", "。", "one"]],
    ]
    for _ in range(2):  # the second time from the cache
        corpus, vocabulary = prepare(pairs)
        assert decode(corpus, vocabulary) == expected
    # Beside other files, each of which has a format of its own.
    corpus, vocabulary = prepare(source, pairs)
    assert decode(corpus, vocabulary)[3:] == expected
    assert len(decode(corpus, vocabulary)[0]) == 2


def test_the_corpus_is_the_text(prepare, source) -> None:
    corpus, vocabulary = prepare(source)
    assert decode(corpus, vocabulary) == [
        [["one", "two", "three", "。"], ["four", "one", "。"]],
        [["two", "two", "four"]],
        [["five", "one", "。"], ["one", "two", "three", "。"], ["six"]],
    ]
    assert list(vocabulary.tokens[:7]) == [*RESERVED, "one", "two"]


SENTENCES = st.lists(st.text("甲乙丙丁", min_size=1, max_size=2), min_size=1, max_size=5)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(
    st.lists(
        st.lists(SENTENCES, min_size=1, max_size=3) | st.tuples(SENTENCES, SENTENCES),
        min_size=1,
        max_size=6,
    )
)
def test_any_text_comes_back_from_the_cache(prepare, tmp_path, documents) -> None:
    path = tmp_path / "any.txt"
    with path.open("w", encoding="utf-8") as file:
        file.write("甲\t乙\n")  # a pair, so that tabs part pairs in the lines after it
        for document in documents:
            pair = isinstance(document, tuple)
            sentences = [" ".join(words) + ("" if pair else " 。") for words in document]
            file.write(("\t" if pair else "").join(sentences) + "\n")
    expected = [[["甲"], ["乙"]]]
    for document in documents:
        end = [] if isinstance(document, tuple) else ["。"]
        expected.append([[*words, *end] for words in document])
    first, vocabulary = prepare(path)
    cached, same = prepare(path)
    assert same.tokens == vocabulary.tokens
    assert decode(first, vocabulary) == decode(cached, same) == expected


def test_rare_words_are_unknown(prepare, source) -> None:
    corpus, vocabulary = prepare(source, min_count=2)
    assert decode(corpus, vocabulary)[2][2] == ["[UNK]"]
    corpus, vocabulary = prepare(source, vocab_size=6)
    assert len(vocabulary) == 6


def test_a_given_vocabulary_is_used(prepare, source) -> None:
    given = Vocabulary([*RESERVED, "six", "two"])
    corpus, vocabulary = prepare(source, vocabulary=given)
    assert vocabulary is given
    assert corpus.ids[:4].tolist() == [1, 6, 1, 1]
    again, _ = prepare(source, vocabulary=given)
    np.testing.assert_array_equal(again.ids, corpus.ids)


def test_labels_never_get_into_the_text(prepare, tmp_path) -> None:
    path = tmp_path / "labelled.txt"
    path.write_text("one two __label__A __label__B\nthree __label__C\n")
    _, vocabulary = prepare(path)
    assert sorted(vocabulary.tokens[5:]) == ["one", "three", "two"]


def test_files_of_any_format_are_read_together(prepare, source, tmp_path) -> None:
    path = tmp_path / "cases.json"
    fact = {"fact": "seven 。 eight", "meta": {"accusation": ["x"], "relevant_articles": [1]}}
    path.write_text(json.dumps(fact, ensure_ascii=False) + "\n", encoding="utf-8")
    corpus, vocabulary = prepare(source, path)
    assert decode(corpus, vocabulary)[3] == [["seven", "。"], ["eight"]]


def test_a_line_can_be_a_sentence(prepare, tmp_path) -> None:
    path = tmp_path / "sentences.txt"
    path.write_text("one two\nthree\n\nfour\n")
    corpus, vocabulary = prepare(path, unit="sentence")
    assert decode(corpus, vocabulary) == [[["one", "two"], ["three"]], [["four"]]]


@pytest.mark.parametrize("processes", [1, 2])
def test_labels_that_the_text_names(prepare, source, tmp_path, monkeypatch, processes) -> None:
    monkeypatch.setattr(token_blocks, "BLOCK_CHARACTERS", 20)
    extra = tmp_path / "extra.txt"
    # A pair, a text that is all labels, and labels of its own, which are not used.
    extra.write_text("a\tb\nthree x\tfour three __label__six\n__label__six\nx __label__six\n")
    names = {"4": ["four"], "3": ["three"], "6": ["six"]}
    mentions = LabelMentions(names, replacement="_", max_labels=2)
    expected = ([0, 1], [0], [1, 2], [], [0, 1], [])
    for _ in range(2):  # the second time from the cache
        corpus, vocabulary = prepare(source, extra, mentions=mentions, processes=processes)
        assert corpus.labels == ("4", "3", "6")
        offsets = pairwise(corpus.label_offsets)
        assert [corpus.label_ids[a:b].tolist() for a, b in offsets] == list(expected)
        assert corpus.naming == 4
        assert not {"three", "four", "six"} & set(vocabulary.tokens)
        texts = decode(corpus, vocabulary)
        assert texts[0] == [["one", "two", "_", "。"], ["_", "one", "。"]]
        assert texts[4:] == [[["_", "x"], ["_", "_"]], [["x"]]]
    # Without them everything is as it was.
    corpus, vocabulary = prepare(source, extra)
    assert corpus.labels == () and corpus.naming == 0
    assert decode(corpus, vocabulary)[1] == [["two", "two", "four"]]
