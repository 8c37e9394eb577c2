"""Fits the linear classifier over n-grams (see `models.heads.ngram_classifier`)."""

import logging
import math
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_matrix, diags_array, vstack

from common.progress import Progress
from models.heads.ngram_classifier import NgramClassifier, combine, log_odds
from tasks.classification.linear_classifiers import (
    Fit,
    RidgeRegression,
    best_penalty,
    feature_scales,
    matrix,
)

if TYPE_CHECKING:
    from tasks.classification.data import ClassificationData

logger = logging.getLogger(__name__)

PENALTIES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
_FIRST_PENALTY = 3
# Of the network's logits and of the linear classifier's log-odds, in order, from the network alone
# to the linear classifier alone: a network that has seen a few documents of each of a thousand
# labels knows less than the n-grams.
WEIGHTS = (
    (1.0, 0.0),
    (1.0, 0.25),
    (1.0, 0.5),
    (1.0, 1.0),
    (1.0, 2.0),
    (1 / 2, 2.0),
    (1 / 4, 2.0),
    (1 / 8, 2.0),
    (0.0, 2.0),
)


class TfidfClassifier:
    """Fits an `NgramClassifier` layer when it is first needed, and weighs it on validation.

    Args:
        layer: built. If it is fitted already, in a run that was resumed, it is left as it is.
        data: with n-grams.

    Attributes:
        layer: the given layer.
    """

    def __init__(self, layer: NgramClassifier, data: "ClassificationData") -> None:
        self.layer, self._data = layer, data
        self._evidence: np.ndarray | None = None

    def choose_weights(
        self, logits: np.ndarray, f1: Callable[[np.ndarray], float]
    ) -> tuple[np.ndarray, dict[str, float]]:
        """Gives the layer the weights of both, chosen by the validation documents.

        They seldom tell neighbouring weights apart; see `middle_of_the_best`.

        Args:
            logits: (documents, labels), the network's alone, of the validation documents.
            f1: computes the F1 of such logits.

        Returns:
            (documents, labels) logits of both together; and "network_weight", "linear_weight",
            "network_f1" and "linear_f1", the F1 of each alone.
        """
        if self._evidence is None:
            self._evidence = np.asarray(log_odds(self._fitted(f1)))
        evidence = self._evidence
        usual = float(np.mean(logits))
        unusual = float(np.mean(evidence))
        candidates = [
            (network, linear, (1 - network) * usual - linear * unusual)
            for network, linear in WEIGHTS
        ]
        scores = [f1(combine(logits, evidence, *candidate)) for candidate in candidates]
        # Without n-grams, nothing is fitted, and nothing is added.
        best = candidates[middle_of_the_best(scores, len(logits)) if self.layer.is_filled else 0]
        self.layer.mix(*best)
        found = {
            "network_weight": best[0],
            "linear_weight": best[1],
            "network_f1": scores[0],
            "linear_f1": scores[-1],
        }
        return combine(logits, evidence, *best), found

    def combined(self, logits: np.ndarray) -> np.ndarray:
        """What the layer makes of the logits of the network alone for the validation documents.

        Args:
            logits: as for `choose_weights`, which has been called.
        """
        layer = self.layer
        weights = (layer.network_weight, layer.linear_weight, layer.offset)
        return combine(logits, self._evidence, *(np.asarray(weight) for weight in weights))

    def shift(self, shift: np.ndarray) -> None:
        """Adds to the logits of the weights that were chosen last; (labels,)."""
        self.layer.offset.assign(np.asarray(self.layer.offset) + shift)

    def _fitted(self, f1: Callable[[np.ndarray], float]) -> np.ndarray:
        """The decisions for the validation documents, by a classifier that is fitted if needed."""
        layer, ngrams = self.layer, self._data.ngrams
        assert ngrams is not None
        valid = matrix(ngrams["valid"], layer.num_features)
        if layer.is_filled:
            return valid @ np.asarray(layer.kernel) + np.asarray(layer.bias)
        began = time.monotonic()
        train, targets, weights = self._examples(layer.num_features)
        table = self._data.table
        assert table is not None
        best, chosen, start = Fit(-1.0, np.zeros(0), np.zeros(0)), "", _FIRST_PENALTY
        with Progress("fitting the TF-IDF classifier", len(table.mixtures)) as progress:
            for name, shares in table.mixtures.items():
                scales = feature_scales(table, shares)
                if not scales[train.indices].any():
                    progress.advance()
                    continue
                ridge = RidgeRegression(csr_matrix(train @ diags_array(scales)), targets, weights)
                scaled_valid = csr_matrix(valid @ diags_array(scales))

                def fit(
                    penalty: float,
                    ridge: RidgeRegression = ridge,
                    valid: csr_matrix = scaled_valid,
                    name: str = name,
                ) -> Fit:
                    found = _fit(ridge, valid, f1, penalty)
                    progress.advance(0, f"{name}, penalty {penalty:g}")
                    return found

                # The best penalty differs little between mixtures, and a fit takes up to a minute.
                index, found = best_penalty(fit, PENALTIES, start, at_least=best.score)
                if found.score > best.score:
                    best, start, chosen = found, index, f"{name}, penalty {PENALTIES[index]:g}"
                    layer.fill(found.kernel * scales[:, None], found.bias)
                progress.advance()
        logger.info(
            "TF-IDF classifier of %s n-grams fitted in %.0f s: %s, valid f1 alone %.4f",
            f"{layer.num_features:,}",
            time.monotonic() - began,
            chosen,
            best.score,
        )
        return valid @ np.asarray(layer.kernel) + np.asarray(layer.bias)

    def _examples(self, num_features: int) -> tuple[csr_matrix, np.ndarray, np.ndarray]:
        """The features, targets and weights of the training texts and of weighted texts."""
        data = self._data
        assert data.ngrams is not None
        train, targets = matrix(data.ngrams["train"], num_features), data.targets("train")
        own = np.ones(len(targets)) if data.train_weights is None else data.train_weights
        if data.weights is None:
            return train, targets, own
        others = matrix(data.ngrams["weighted"], num_features)
        weights = np.concatenate([own, data.weights])
        return (
            csr_matrix(vstack([train, others])),
            np.concatenate([targets, data.targets("weighted")]),
            weights,
        )


def middle_of_the_best(scores: Sequence[float], examples: int) -> int:
    """The middle one of the candidates whose scores are within one standard error of the best.

    The candidate with the highest score is often so by chance. Of those that the examples cannot
    tell from it (the "1 SE rule" of Breiman et al. 1984, "Classification and regression trees",
    section 3.4.3), the middle one is farthest from those that are known to be worse, and a mixture
    of two classifiers is safer than one of them on texts that differ from the examples.

        >>> middle_of_the_best([0.60, 0.79, 0.80, 0.79, 0.78, 0.50], examples=400)
        2

    Args:
        scores: from 0 to 1, of candidates in an order in which neighbours are alike.
        examples: how many they were measured on. The standard error is that of a rate of hits.

    Returns:
        The index; of an even number of candidates, that of the first of the two in the middle.
    """
    highest = max(scores)
    error = math.sqrt(highest * (1 - highest) / examples)
    near = np.flatnonzero(np.asarray(scores) >= highest - error)
    return int(near[(len(near) - 1) // 2])


def _fit(
    ridge: RidgeRegression, valid: csr_matrix, f1: Callable[[np.ndarray], float], penalty: float
) -> Fit:
    kernel, bias = ridge.fit(penalty)
    return Fit(f1(np.asarray(log_odds(valid @ kernel + bias))), kernel, bias)
