"""Batches of labelled texts, or of labelled pairs of texts: one row for each example."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from data_util.inputs import Segments, token_budget
from data_util.labelled.batches import LabelledBatches, LabelledExamples
from data_util.labelled.corpus import LabelledCorpus
from data_util.tokens.sparse_rows import SparseRows, ngram_inputs
from data_util.tokens.vocabulary import Vocabulary
from tasks.classification.soft_labels import SoftLabels


class ClassificationExamples(LabelledExamples):
    """Texts, or pairs of texts, as one row each.

    Args:
        corpus: tokenized texts, or pairs.
        num_labels: the width of the targets.
        features: of the linear classifier, for each example; None if it is not needed.
        further: further texts, which count as examples after those of `corpus`, and their weights
            (texts,); corpora with such weights, one after another.
        weights: (examples,) float, how much each example of `corpus` counts; None: 1 each.
        soft: what teachers say of the first examples; None: there are no teachers.
    """

    def __init__(
        self,
        corpus: LabelledCorpus,
        num_labels: int,
        features: SparseRows | None = None,
        further: Sequence[tuple[LabelledCorpus, np.ndarray]] = (),
        weights: np.ndarray | None = None,
        soft: SoftLabels | None = None,
    ) -> None:
        self._corpora = [corpus, *(other for other, _ in further)]
        self._ends = np.cumsum([len(each) for each in self._corpora])
        self._weights = None
        if further or weights is not None:
            own = np.ones(len(corpus)) if weights is None else weights
            others = [weights for _, weights in further]
            self._weights = np.concatenate([own, *others]).astype(np.float32)
        self._num_labels = num_labels
        self._features = features
        self._soft = soft
        reserved = -token_budget(0, pairs=corpus.first_lengths is not None)
        lengths = [np.diff(each.offsets) for each in self._corpora]
        self.lengths = np.concatenate(lengths) + reserved

    def rows(self, example: int) -> list[Segments]:
        """The text, or the two texts of the pair."""
        corpus, index = self._locate(example)
        if corpus.first_lengths is None:
            return [(corpus.tokens(index),)]
        return [corpus.pair(index)]

    def targets(self, examples: np.ndarray) -> np.ndarray:
        """(rows, num_labels) float32: 1 for each label of the example and 0 elsewhere."""
        targets = np.zeros((len(examples), self._num_labels), np.float32)
        for row, example in enumerate(examples.tolist()):
            corpus, index = self._locate(example)
            targets[row, corpus.labels(index)] = 1.0
        return targets

    def arrays(self, examples: np.ndarray) -> dict[str, np.ndarray]:
        """The features of the linear classifier, weights and soft labels, where there are any.

        Returns:
            "ngram_ids", "ngram_values" (see `ngram_inputs`), "example_weights" (rows,) float32, and
            those of `SoftLabels.arrays`.
        """
        arrays = {}
        if self._features is not None:
            arrays = ngram_inputs([self._features.row(example) for example in examples.tolist()])
        if self._weights is not None:
            arrays["example_weights"] = self._weights[examples]
        if self._soft is not None:
            arrays |= self._soft.arrays(examples)
        return arrays

    def _locate(self, example: int) -> tuple[LabelledCorpus, int]:
        number = int(np.searchsorted(self._ends, example, side="right"))
        corpus = self._corpora[number]
        return corpus, example - int(self._ends[number]) + len(corpus)


def classification_batches(
    corpus: LabelledCorpus,
    num_labels: int,
    vocabulary: Vocabulary,
    *,
    features: SparseRows | None = None,
    further: Sequence[tuple[LabelledCorpus, np.ndarray]] = (),
    weights: np.ndarray | None = None,
    soft: SoftLabels | None = None,
    **options: Any,
) -> LabelledBatches:
    """The batches of a corpus; the options are those of `LabelledBatches`."""
    examples = ClassificationExamples(corpus, num_labels, features, further, weights, soft)
    return LabelledBatches(examples, vocabulary, **options)
