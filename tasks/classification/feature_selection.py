"""Which n-grams a linear classifier of many labels keeps: those that it would weigh most.

With thousands of labels there is room for few n-grams, as each has a weight for each label. The
most frequent ones, as single characters and common words, are not those that tell labels apart. So
ridge regression is fitted once to all of them, as only its matrix of dot products between examples
is needed for that, and those with the largest weights are kept: for ridge regression, what is done
once is what recursive feature elimination repeats (Guyon et al. 2002, section 2.5,
https://doi.org/10.1023/A:1012487302797).
"""

from itertools import pairwise

import numpy as np
from scipy.sparse import csr_matrix, diags_array

from data_util.tokens.ngram_table import NgramTable
from data_util.tokens.sparse_rows import SparseRows
from tasks.classification.linear_classifiers import RidgeRegression, feature_scales, matrix

# Of the examples, so many are enough to compare n-grams.
_MAX_EXAMPLES = 8_000
_PENALTY = 0.3


def strongest_ngrams(
    table: NgramTable, rows: SparseRows, targets: np.ndarray, count: int
) -> np.ndarray:
    """The n-grams with the largest weights.

    Args:
        table: of all n-grams.
        rows: those of the training examples.
        targets: (examples, labels) bool.
        count: how many are kept.

    Returns:
        (count,) int64, in ascending order.
    """
    step = -(-len(rows) // _MAX_EXAMPLES)
    scales = feature_scales(table, next(iter(table.mixtures.values())))
    chosen = csr_matrix(matrix(rows, len(table))[::step] @ diags_array(scales))
    ridge = RidgeRegression(chosen, targets[::step], np.ones(chosen.shape[0]))
    return np.sort(np.argsort(-ridge.weight_norms(_PENALTY), kind="stable")[:count])


def selected_table(table: NgramTable, kept: np.ndarray) -> NgramTable:
    """The table of some of its n-grams.

    Args:
        table: of all n-grams.
        kept: (n-grams,) int64, in ascending order.
    """
    flat = [ngram for each in table.ngrams for ngram in each]
    bounds = np.searchsorted(kept, table.starts)
    ngrams = [
        [flat[index] for index in kept[start:end].tolist()] for start, end in pairwise(bounds)
    ]
    return NgramTable(ngrams, table.frequencies[kept], table.documents, segmented=table.segmented)


def selected_rows(table: NgramTable, rows: SparseRows, kept: np.ndarray) -> SparseRows:
    """The features of the same texts by `selected_table`.

    Args:
        table: of all n-grams, from which the features are.
        rows: the features.
        kept: as for `selected_table`.
    """
    places = np.full(len(table), -1, np.int64)
    places[kept] = np.arange(len(kept))
    indices = places[rows.indices]
    known = indices >= 0
    kinds = table.kinds[rows.indices[known]]
    number = len(table.ngrams)
    texts = np.repeat(np.arange(len(rows)), np.diff(rows.offsets))[known]
    values = rows.values[known].astype(np.float64)
    # The values of each kind in a text have length 1.
    groups = texts * number + kinds
    lengths = np.sqrt(np.bincount(groups, values * values, len(rows) * number))
    counts = np.bincount(texts, minlength=len(rows))
    return SparseRows(
        indices[known].astype(np.int32),
        (values / lengths[groups]).astype(np.float32),
        np.concatenate([[0], np.cumsum(counts)]),
    )
