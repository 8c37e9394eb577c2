import json
import logging
from collections import Counter

import h5py
import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer

from common.errors import InputError
from data_util.labelled import build_corpus as classification_data
from data_util.labelled.build_corpus import (
    build_vocabulary,
    count_labels,
    holds_pairs,
    prepare_labelled_data,
)
from data_util.reading.labels import LabelSet
from data_util.reading.settings import Reading
from data_util.tokens import tokenize_corpus as token_blocks
from data_util.tokens.tokenizers import make_tokenizer
from data_util.tokens.vocabulary import RESERVED, Vocabulary

LINES = [
    "one two 。 one __label__A __label__B",
    "three __label__B",
    "one four __label__C",
]


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "train.txt"
    path.write_text("\n".join(LINES) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def cases(tmp_path):
    path = tmp_path / "cases.json"
    lines = [
        {"fact": "one 。\ntwo", "meta": {"accusation": ["X", "Y"], "relevant_articles": [7]}},
        {"fact": "two", "meta": {"accusation": ["Y"], "relevant_articles": [7, 8]}},
    ]
    path.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    return path


VOCABULARY = Vocabulary([*RESERVED, "one", "two", "three"])


@pytest.fixture
def prepare(tmp_path):
    def prepare(path, labels="ABC", **changes):
        return prepare_labelled_data(
            [path],
            changes.pop("tokenizer", make_tokenizer("space")),
            changes.pop("vocabulary", VOCABULARY),
            LabelSet(tuple(labels)),
            cache_folder=tmp_path / "cache",
            **{"processes": 1, **changes},
        )

    return prepare


def test_the_corpus_is_the_file(prepare, source) -> None:
    corpus = prepare(source)
    assert len(corpus) == 3
    assert [corpus.tokens(i).tolist() for i in range(3)] == [[5, 6, 1, 5], [7], [5, 1]]
    assert [corpus.labels(i).tolist() for i in range(3)] == [[0, 1], [1], [2]]


def test_json_lines_and_their_label_fields(prepare, cases) -> None:
    corpus = prepare(cases, "XY")
    assert [corpus.tokens(i).tolist() for i in range(2)] == [[5, 1, 6], [6]]
    assert [corpus.labels(i).tolist() for i in range(2)] == [[0, 1], [1]]
    articles = prepare(cases, "78", reading=Reading(label_field="relevant_articles"))
    assert [articles.labels(i).tolist() for i in range(2)] == [[0], [0, 1]]


@pytest.fixture
def pairs(tmp_path):
    path = tmp_path / "pairs.txt"
    path.write_text("one two\tone __label__A\nthree\tone four two __label__B\n", encoding="utf-8")
    return path


def test_pairs_and_their_cache(prepare, pairs, monkeypatch) -> None:
    for _ in range(2):
        corpus = prepare(pairs, "AB")
        assert [tuple(map(list, corpus.pair(i))) for i in range(2)] == [
            ([5, 6], [5]),
            ([7], [5, 1, 6]),
        ]
        assert corpus.first_lengths.tolist() == [2, 1]
        assert [corpus.labels(i).tolist() for i in range(2)] == [[0], [1]]
        # The second time, all of it comes from the cache.
        monkeypatch.setattr(classification_data, "tokenize_texts", None)


def test_the_fingerprint_says_whether_a_cache_is_of_pairs(prepare, pairs, source, tmp_path) -> None:
    assert prepare(source).first_lengths is None
    with pytest.raises(ValueError, match="single texts"):
        prepare(source).pair(0)
    prepare(pairs, "AB")
    described = {}
    for path in (tmp_path / "cache").iterdir():
        with h5py.File(path) as file:
            described[json.loads(file.attrs["description"])["reading"]["pairs"]] = set(file)
    assert described[True] - described[False] == {"text_offsets"}
    assert described[False] - described[True] == {"offsets"}


def test_the_vocabulary_of_pairs_counts_both_texts(pairs) -> None:
    vocabulary = build_vocabulary([pairs], make_tokenizer("space"), min_count=2)
    assert list(vocabulary.tokens) == [*RESERVED, "one", "two"]


def test_files_of_pairs_and_of_single_texts_do_not_mix(pairs, source, cases, tmp_path) -> None:
    assert holds_pairs([pairs, pairs])
    assert not holds_pairs([source, cases])
    with pytest.raises(
        InputError, match=r"train\.txt:1: a single text, but .*pairs\.txt holds pairs"
    ):
        holds_pairs([pairs, source])
    # Where single texts are read, a tab is white space; records say what they are.
    assert not holds_pairs([source, cases, pairs])
    records = tmp_path / "pairs.json"
    records.write_text('{"text_a": "a", "text_b": "b", "label": "A"}\n')
    with pytest.raises(InputError, match=r"pairs\.json:1: a pair of texts, but .* single texts"):
        holds_pairs([source, cases, records])


def test_an_unknown_label_is_an_error_with_its_place(prepare, source, tmp_path) -> None:
    with pytest.raises(InputError, match=r"train\.txt:3: .*'C'"):
        prepare(source, "AB")
    assert list((tmp_path / "cache").iterdir()) == []


def test_text_without_labels(tmp_path, source, pairs, caplog) -> None:
    def prepare(path, **reading):
        return prepare_labelled_data(
            [path],
            make_tokenizer("space"),
            VOCABULARY,
            None,
            reading=Reading(**reading),
            cache_folder=tmp_path / "raw",
        )

    # Labels that are there all the same are dropped.
    corpus = prepare(source)
    assert [corpus.tokens(number).tolist() for number in range(3)] == [[5, 6, 1, 5], [7], [5, 1]]
    assert corpus.label_ids.tolist() == [] and corpus.label_offsets.tolist() == [0] * 4
    caplog.set_level(logging.INFO)
    np.testing.assert_array_equal(prepare(source).ids, corpus.ids)
    assert "Reading unlabelled documents from the cache" in caplog.text
    raw = tmp_path / "raw.txt"
    raw.write_text("one\ttwo\none\tthree two\n", encoding="utf-8")
    corpus = prepare(raw, pairs=True)
    assert [part.tolist() for part in corpus.pair(1)] == [[5], [7, 6]]
    assert prepare(raw, pairs=False).first_lengths is None
    raw.write_text("one\ttwo\none\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"raw\.txt:2: a single text, but this run reads pairs"):
        prepare(raw, pairs=True)


def test_labels_are_counted_by_document(source, cases) -> None:
    assert count_labels([source]) == Counter(B=2, A=1, C=1)
    assert count_labels([source], max_documents=1) == Counter(A=1, B=1)
    assert count_labels([cases], Reading(label_field="relevant_articles")) == {"7": 2, "8": 1}


def test_a_vocabulary_counts_as_scikit_learn_does(source) -> None:
    vocabulary = build_vocabulary(
        [source], make_tokenizer("space"), vocab_size=7, min_count=1, processes=1
    )
    texts = [line.split(" __label__")[0] for line in LINES]
    counter = CountVectorizer(token_pattern=r"\S+").fit(texts)
    counts = counter.transform(texts).sum(0).A1
    falling = sorted((-counts[i], token) for token, i in counter.vocabulary_.items())
    assert list(vocabulary.tokens[5:]) == [token for _, token in falling[:2]]


def test_min_count(source) -> None:
    vocabulary = build_vocabulary([source], make_tokenizer("space"), min_count=2)
    assert list(vocabulary.tokens) == [*RESERVED, "one"]


def test_the_cache_is_used_and_keyed_by_all_that_matters(
    prepare, source, tmp_path, monkeypatch
) -> None:
    first = prepare(source)
    for changes in (
        {"labels": "BAC"},
        {"vocabulary": Vocabulary([*RESERVED, "two"])},
        {"tokenizer": make_tokenizer("char")},
        {"max_documents": 2},
        {"test_mode": True},
    ):
        prepare(source, **changes)
    source.write_text(source.read_text(encoding="utf-8").replace("four", "fours"), encoding="utf-8")
    prepare(source)
    assert len(list((tmp_path / "cache").iterdir())) == 7

    monkeypatch.setattr(classification_data, "tokenize_texts", None)
    np.testing.assert_array_equal(prepare(source).label_ids, first.label_ids)


def test_a_damaged_cache_is_made_again_with_a_message(prepare, source, tmp_path, caplog) -> None:
    first = prepare(source)
    tokens = first.tokens(0).tolist()
    del first
    path = next((tmp_path / "cache").iterdir())
    path.write_bytes(path.read_bytes()[:-10])
    caplog.set_level(logging.WARNING)
    assert prepare(source).tokens(0).tolist() == tokens
    assert "made again" in caplog.text


def test_one_process_and_two_write_the_same_file(prepare, source, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(token_blocks, "BLOCK_CHARACTERS", 1)
    files = []
    for processes in (1, 2):
        prepare(source, processes=processes)
        path = next((tmp_path / "cache").iterdir())
        files.append(path.read_bytes())
        path.unlink()
    assert files[0] == files[1]


def test_documents_that_change_while_they_are_read_are_not_cached(
    prepare, source, tmp_path, monkeypatch
) -> None:
    read = classification_data.read_documents

    def change(*arguments, **options):
        source.write_text("three __label__A\n", encoding="utf-8")
        yield from read(*arguments, **options)

    monkeypatch.setattr(classification_data, "read_documents", change)
    monkeypatch.setattr(classification_data, "holds_pairs", lambda *arguments: False)
    with pytest.raises(InputError, match=r"train\.txt: this file has changed while it was read"):
        prepare(source)
    assert list((tmp_path / "cache").iterdir()) == []
