"""Fits the TF-IDF linear classifier that adds to the logits (see `models.heads.bag_of_words`)."""

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_matrix, diags_array
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.preprocessing import normalize

from data_util.inputs import token_budget
from data_util.labelled.corpus import LabelledCorpus
from models.heads.bag_of_words import BagOfWords, combine
from tasks.classification.linear_classifiers import SOLVERS, fit

if TYPE_CHECKING:
    from tasks.classification.data import ClassificationData

logger = logging.getLogger(__name__)

# A classifier with more weights than this would be larger than any backbone of the presets.
MAX_WEIGHTS = 64_000_000
MIN_DOCUMENTS = 2  # that have a token; the weight of a token of one document means nothing
# Of the network's logits and of the decisions, from the network alone to the decisions alone: a
# network that has seen a few documents of each of a thousand labels knows less than the words.
WEIGHTS = (
    (1.0, 0.0),
    (1.0, 1.0),
    (1.0, 2.0),
    (1.0, 4.0),
    (1.0, 8.0),
    (1.0, 16.0),
    (1 / 2, 16.0),
    (1 / 4, 16.0),
    (1 / 8, 16.0),
    (0.0, 16.0),
)


class TfidfClassifier:
    """Fits a `BagOfWords` layer when it is first needed, and weighs it on the validation set.

    Args:
        layer: built. If it is fitted already, in a run that was resumed, it is left as it is.
        data: single texts. Of each, only as many tokens are used as the network reads.

    Attributes:
        layer: the given layer.
    """

    def __init__(self, layer: BagOfWords, data: "ClassificationData") -> None:
        self.layer, self._data = layer, data
        self._longest = token_budget(data.text.sequence_length)
        self._decisions: np.ndarray | None = None

    def choose_weights(
        self, logits: np.ndarray, f1: Callable[[np.ndarray], float]
    ) -> tuple[np.ndarray, dict[str, float]]:
        """Gives the layer the weights of both that are best for the validation documents.

        Args:
            logits: (documents, labels), the network's alone, of the validation documents.
            f1: computes the F1 of such logits.

        Returns:
            (documents, labels) logits of both together; and "network_weight", "word_weight" (the
            weight of the decisions) and "network_f1", the F1 of the network alone.
        """
        if self._decisions is None:
            self._decisions = self._fitted(f1)
        usual = float(np.mean(logits))
        candidates = [(network, words, (1 - network) * usual) for network, words in WEIGHTS]
        scores = [f1(combine(logits, self._decisions, *candidate)) for candidate in candidates]
        best = candidates[int(np.argmax(scores))]  # the first of equal ones
        self.layer.mix(*best)
        found = {"network_weight": best[0], "word_weight": best[1], "network_f1": scores[0]}
        return combine(logits, self._decisions, *best), found

    def _fitted(self, f1: Callable[[np.ndarray], float]) -> np.ndarray:
        layer = self.layer
        valid = counts(self._data.corpora["valid"], layer.vocab_size, self._longest)
        idf = np.asarray(layer.idf)
        if idf.any():
            return decisions(features(valid, idf), layer.kernel, layer.bias)
        began = time.monotonic()
        train = counts(self._data.corpora["train"], layer.vocab_size, self._longest)
        idf = inverse_document_frequencies(train)
        train, valid = features(train, idf), features(valid, idf)
        targets, best = self._data.targets("train"), (-1.0, "")
        for name, (solve, strengths) in SOLVERS.items():
            last = -1.0
            for strength in strengths:
                kernel, bias = fit(train, targets, solve, strength)
                scores = decisions(valid, kernel, bias)
                # The candidate thresholds are for logits, which are about four times as large.
                score = f1(4 * scores)
                if score > best[0]:
                    best, chosen = (score, f"{name} {strength:g}"), scores
                    layer.fill(idf, kernel, bias)
                if score <= last:
                    break  # F1 has one peak, and with thousands of labels a fit takes minutes.
                last = score
        logger.info(
            "TF-IDF classifier of %s tokens fitted in %.0f s: %s, valid f1 alone %.4f",
            f"{np.count_nonzero(idf):,}",
            time.monotonic() - began,
            best[1],
            best[0],
        )
        return chosen


def is_feasible(vocab_size: int, num_labels: int) -> bool:
    """Whether one weight per token and label is not too much; logs a warning if it is."""
    if vocab_size * num_labels <= MAX_WEIGHTS:
        return True
    logger.warning(
        "no TF-IDF classifier: weights for %s tokens times %s labels would be too many",
        f"{vocab_size:,}",
        f"{num_labels:,}",
    )
    return False


def counts(corpus: LabelledCorpus, vocab_size: int, longest: int) -> csr_matrix:
    """Counts the first `longest` tokens of each document: (documents, vocab_size) float64."""
    lengths = np.minimum(np.diff(corpus.offsets), longest)
    ends = np.concatenate([[0], np.cumsum(lengths)])
    indices = np.arange(ends[-1]) + np.repeat(corpus.offsets[:-1] - ends[:-1], lengths)
    ids = corpus.ids[indices]
    matrix = csr_matrix((np.ones(len(ids)), ids, ends), (len(corpus), vocab_size))
    matrix.sum_duplicates()
    return matrix


def inverse_document_frequencies(train: csr_matrix) -> np.ndarray:
    """scikit-learn's, (vocab_size,) float32; 0 for tokens of fewer than two documents."""
    idf = TfidfTransformer().fit(train).idf_
    documents = np.bincount(train.indices, minlength=train.shape[1])
    return np.where(documents >= MIN_DOCUMENTS, idf, 0).astype(np.float32)


def features(matrix: csr_matrix, idf: np.ndarray) -> csr_matrix:
    """TF-IDF with logarithmic counts, (documents, vocab_size); each row has length 1."""
    weights = matrix.copy()
    weights.data = 1 + np.log(weights.data)
    return normalize(csr_matrix(weights @ diags_array(idf)))


def decisions(matrix: csr_matrix, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """What `BagOfWords.decisions` gives for the same documents.

    Args:
        matrix: (documents, vocab_size), from `features`.
        kernel, bias: from `linear_classifiers.fit`.

    Returns:
        (documents, labels) float32.
    """
    return (matrix @ np.asarray(kernel) + np.asarray(bias)).astype(np.float32)
