"""Which n-grams are kept, and what texts have of them."""

import numpy as np
import pytest

from data_util.tokens.ngram_table import NgramTable
from tasks.classification.feature_selection import (
    selected_rows,
    selected_table,
    strongest_ngrams,
)
from tasks.classification.linear_classifiers import RidgeRegression, matrix
from tasks.classification.ngram_features import stacked

WORDS = ["the", "a", "cat", "dog", "我们", "走", "，", "running"]


@pytest.fixture
def texts():
    random = np.random.default_rng(0)
    return [(random.choice(WORDS, random.integers(0, 9)).tolist(),) for _ in range(40)]


def test_those_with_the_largest_weights(texts):
    table = NgramTable.build([text for (text,) in texts], min_documents=1)
    rows = stacked(table, texts)
    targets = np.random.default_rng(1).random((len(texts), 3)) < 0.3
    kept = strongest_ngrams(table, rows, targets, 20)
    shares = np.array(table.mixtures["words and characters"])
    scaled = matrix(rows, len(table)).multiply(np.sqrt(shares / shares.sum())[table.kinds]).tocsr()
    kernel, _ = RidgeRegression(scaled, targets, np.ones(len(texts))).fit(0.3)
    norms = np.sqrt((kernel.astype(np.float64) ** 2).sum(axis=1))
    assert len(set(kept.tolist())) == 20 and (np.diff(kept) > 0).all()
    others = np.setdiff1d(np.arange(len(table)), kept)
    assert norms[kept].min() >= norms[others].max() - 1e-6


@pytest.mark.parametrize("segmented", [False, True])
def test_features_are_those_that_the_smaller_table_gives(texts, segmented):
    if segmented:
        texts = [([*"".join(text)],) for (text,) in texts]
    words = [text for (text,) in texts]
    table = NgramTable.build(words, min_documents=1, segmented=segmented)
    kept = np.flatnonzero(np.random.default_rng(2).random(len(table)) < 0.3)
    chosen = selected_table(table, kept)
    assert NgramTable.from_text(chosen.to_text(), "").to_text() == chosen.to_text()
    flat = [ngram for each in table.ngrams for ngram in each]
    assert [n for each in chosen.ngrams for n in each] == [flat[index] for index in kept]
    rows, again = selected_rows(table, stacked(table, texts), kept), stacked(chosen, texts)
    np.testing.assert_array_equal(rows.offsets, again.offsets)
    np.testing.assert_array_equal(rows.indices, again.indices)
    np.testing.assert_allclose(rows.values, again.values, rtol=1e-6)
