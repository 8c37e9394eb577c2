"""Texts of made-up words, some of which tell a label, and the n-grams of them."""

from types import SimpleNamespace

import numpy as np
from sklearn.metrics import f1_score

from data_util.tokens.ngram_table import NgramTable
from data_util.tokens.sparse_rows import SparseRows
from models.heads.ngram_classifier import NgramClassifier

LABELS = 4


def texts_of(count, seed):
    """Up to 30 made-up words; a label is there where its word is."""
    generator = np.random.default_rng(seed)
    texts = [
        [f"w{number:02d}" for number in np.minimum(generator.geometric(0.08, size), 55)]
        for size in generator.integers(1, 31, count)
    ]
    return texts, np.array(
        [[f"w{3 + label:02d}" in text for label in range(LABELS)] for text in texts]
    )


def made_data(**splits):
    """The data of texts and their targets, by split."""
    table = NgramTable.build(splits["train"][0])
    targets = {split: of_split for split, (_, of_split) in splits.items()}
    return SimpleNamespace(
        ngrams={
            split: SparseRows.stack(map(table.features, texts))
            for split, (texts, _) in splits.items()
        },
        table=SimpleNamespace(kinds=table.kinds, mixtures=table.mixtures),
        targets=targets.__getitem__,
        weights=None,
        train_weights=None,
    )


def layer_for(data):
    layer = NgramClassifier(len(data.table.kinds), LABELS)
    layer.build()
    return layer


def f1_over(targets):
    """Macro F1 at the threshold of the typical logit, which the weights of both leave alone."""
    return lambda logits: f1_score(
        targets, logits > logits.mean(), average="macro", zero_division=0
    )


def dense(rows, width):
    matrix = np.zeros((len(rows), width))
    for number in range(len(rows)):
        ids, values = rows.row(number)
        matrix[number, ids] = values
    return matrix
