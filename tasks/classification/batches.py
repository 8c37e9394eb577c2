"""Batches of labelled texts, or of labelled pairs of texts: one row for each example."""

from typing import Any

import numpy as np

from data_util.inputs import Segments, token_budget
from data_util.labelled.batches import LabelledBatches, LabelledExamples
from data_util.labelled.corpus import LabelledCorpus
from data_util.tokens.vocabulary import Vocabulary


class ClassificationExamples(LabelledExamples):
    """Texts, or pairs of texts, as one row each.

    Args:
        corpus: tokenized texts, or pairs.
        num_labels: the width of the targets.
    """

    def __init__(self, corpus: LabelledCorpus, num_labels: int) -> None:
        self._corpus = corpus
        self._num_labels = num_labels
        reserved = -token_budget(0, pairs=corpus.first_lengths is not None)
        self.lengths = np.diff(corpus.offsets) + reserved

    def rows(self, example: int) -> list[Segments]:
        """The text, or the two texts of the pair."""
        if self._corpus.first_lengths is None:
            return [(self._corpus.tokens(example),)]
        return [self._corpus.pair(example)]

    def targets(self, examples: np.ndarray) -> np.ndarray:
        """(rows, num_labels) float32: 1 for each label of the example and 0 elsewhere."""
        targets = np.zeros((len(examples), self._num_labels), np.float32)
        for row, example in enumerate(examples):
            targets[row, self._corpus.labels(example)] = 1.0
        return targets


def classification_batches(
    corpus: LabelledCorpus, num_labels: int, vocabulary: Vocabulary, **options: Any
) -> LabelledBatches:
    """The batches of a corpus; the options are those of `LabelledBatches`."""
    return LabelledBatches(ClassificationExamples(corpus, num_labels), vocabulary, **options)
