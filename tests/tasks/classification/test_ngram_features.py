"""Which n-grams a classifier of labelled texts has."""

import numpy as np
import pytest

from data_util.tokens.ngram_table import NgramTable
from data_util.tokens.pair_table import PairTable
from data_util.tokens.tokenizers import make_tokenizer
from tasks.classification import ngram_features
from tasks.classification.ngram_features import (
    MAX_NGRAMS,
    MIN_NGRAMS,
    build_table,
    is_feasible,
    read_tokens,
    select,
    stacked,
    tokens_of,
)
from tasks.data import DataSettings


def test_tokens_are_those_that_the_network_reads(tmp_path):
    path = tmp_path / "train.txt"
    path.write_text("a b c d __label__A\n\nb __label__B\nc c __label__B\n")
    settings = DataSettings(make_tokenizer("space"), None, 100, 1, 5, 8, 0, tmp_path)
    # [CLS] and [SEP] take two of five places.
    found = list(read_tokens([str(path)], settings))
    assert found == [(["a", "b", "c"],), (["b"],), (["c", "c"],)]


def test_tokens_of_pairs(tmp_path):
    settings = DataSettings(make_tokenizer("space"), None, 100, 1, 5, 8, 0, tmp_path)
    assert list(tokens_of(["a b", ("a b c d", "b")], settings)) == [
        (["a", "b"],),
        (["a"], ["b"]),
    ]


def test_few_documents_keep_what_a_single_one_has(monkeypatch):
    monkeypatch.setattr(ngram_features, "_FEW_DOCUMENTS", 3)
    texts = [(["猫"],), (["猫"],), (["狗"],)]
    assert build_table(lambda: texts, 3, 2, pairs=False).ngrams[0] == ("猫", "狗")
    more = [*texts, (["鸟"],)]
    assert build_table(lambda: more, 4, 2, pairs=False).ngrams[0] == ("猫",)


@pytest.mark.parametrize(
    ("labels", "room"),
    [(2, MAX_NGRAMS), (80, 100_000), (3_000, MIN_NGRAMS)],
)
def test_more_labels_leave_room_for_fewer_ngrams(labels, room, monkeypatch):
    rooms = []
    for table in (NgramTable, PairTable):
        monkeypatch.setattr(table, "build", lambda tokens, room, **_: rooms.append(room))
    build_table(list, 0, labels, pairs=False)
    build_table(list, 0, labels, pairs=True)
    # Of texts, the best are selected afterwards if there is room for less than half of them.
    assert rooms == [MAX_NGRAMS if 2 * room < MAX_NGRAMS else room, room]


def test_the_best_ngrams_of_many_are_kept(monkeypatch):
    monkeypatch.setattr(ngram_features, "MIN_NGRAMS", 4)
    monkeypatch.setattr(ngram_features, "MAX_WEIGHTS", 8)
    # What every text has says nothing of the labels; 猫 and 狗 do.
    texts = [(["的", "是", "有", animal],) for animal in ("猫", "狗") * 4]
    targets = np.array([[True, False], [False, True]] * 4)
    table = build_table(lambda: texts, len(texts), 2, pairs=False)
    features = {"train": stacked(table, texts), "valid": stacked(table, texts[:3])}
    chosen, rows = select(table, features, targets)
    assert len(chosen) == 4 < len(table)
    assert {"猫", "狗"} <= {ngram for each in chosen.ngrams for ngram in each}
    assert "的" not in chosen.ngrams[0]
    again = stacked(chosen, texts[:3])
    np.testing.assert_array_equal(rows["valid"].indices, again.indices)
    np.testing.assert_array_equal(rows["valid"].offsets, again.offsets)
    np.testing.assert_allclose(rows["valid"].values, again.values, rtol=1e-6)


def test_nothing_is_selected_where_there_is_room():
    texts = [(["猫"],), (["狗"],)]
    table = build_table(lambda: texts, 2, 2, pairs=False)
    features = {"train": stacked(table, texts)}
    assert select(table, features, np.eye(2, dtype=bool))[0] is table


def test_with_too_many_labels_there_is_no_classifier():
    assert is_feasible(3_000)
    assert not is_feasible(100_000)


def test_features_of_texts():
    table = build_table(lambda: [(["猫", "狗"],), (["猫"],)], 2, 2, pairs=False)
    rows = stacked(table, iter([(["猫"],), ([],), (["狗", "鱼"],)]))
    assert len(rows) == 3
    for row, tokens in enumerate([["猫"], [], ["狗", "鱼"]]):
        for ours, theirs in zip(rows.row(row), table.features(tokens), strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_features_of_pairs():
    pairs = [(["猫", "狗"], ["猫"]), (["猫"], ["鱼"])]
    table = build_table(lambda: pairs, 2, 2, pairs=True)
    assert type(table) is PairTable
    rows = stacked(table, iter(pairs))
    for row, pair in enumerate(pairs):
        for ours, theirs in zip(rows.row(row), table.features(*pair), strict=True):
            np.testing.assert_array_equal(ours, theirs)
