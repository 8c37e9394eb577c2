"""Batches of labelled documents, or of labelled pairs of texts."""

from typing import Any

import numpy as np

from data_util.inputs import Segments
from data_util.labelled.batches import LabelledBatches, LabelledExamples
from data_util.labelled_corpus import LabelledCorpus
from data_util.vocabulary import Vocabulary


class ClassificationExamples(LabelledExamples):
    """Documents, or pairs of texts, as one row each.

    Args:
        corpus: tokenized documents, or pairs.
        num_labels: length of the targets.
    """

    def __init__(self, corpus: LabelledCorpus, num_labels: int) -> None:
        self._corpus = corpus
        self._num_labels = num_labels
        reserved = 2 if corpus.first_lengths is None else 3  # [CLS] and each [SEP]
        self.lengths = np.diff(corpus.offsets) + reserved

    def rows(self, example: int) -> list[Segments]:
        """The document, or the two texts of the pair."""
        if self._corpus.first_lengths is None:
            return [(self._corpus.tokens(example),)]
        return [self._corpus.pair(example)]

    def targets(self, examples: np.ndarray) -> np.ndarray:
        """(examples, num_labels) float32: 1 for each label of the example and 0 elsewhere."""
        targets = np.zeros((len(examples), self._num_labels), np.float32)
        for row, example in enumerate(examples):
            targets[row, self._corpus.labels(example)] = 1.0
        return targets


def classification_batches(
    corpus: LabelledCorpus, num_labels: int, vocabulary: Vocabulary, **options: Any
) -> LabelledBatches:
    """Batches of a corpus; the options are those of `LabelledBatches`."""
    return LabelledBatches(ClassificationExamples(corpus, num_labels), vocabulary, **options)
