"""The units that sequences are packed from: sentences, or pieces of long sentences."""

import numpy as np

from data_util.pretraining.corpus import PretrainingCorpus


class TextSegments:
    """The sentences of a corpus, with those longer than the token budget cut into pieces.

    A sentence that does not fit is cut into pieces of equal length, at most half of the budget, so
    that two of them make a pair. Nothing is dropped.

    Args:
        corpus: tokenized text.
        token_budget: the most tokens of text in a sequence.

    Attributes:
        offsets: (segments + 1,) int64, into the corpus' ids.
        document_offsets: (documents + 1,) int64, into `offsets`.
    """

    def __init__(self, corpus: PretrainingCorpus, token_budget: int) -> None:
        starts, lengths = corpus.sentence_offsets[:-1], np.diff(corpus.sentence_offsets)
        pieces = np.where(lengths > token_budget, -(-lengths // max(1, token_budget // 2)), 1)
        first = np.concatenate([[0], np.cumsum(pieces)])
        sentence = np.repeat(np.arange(len(lengths)), pieces)
        number = np.arange(first[-1]) - first[sentence]
        within = number * lengths[sentence] // pieces[sentence]
        self.offsets = np.append(starts[sentence] + within, corpus.sentence_offsets[-1])
        self.document_offsets = first[corpus.document_offsets]

    def run_ends(
        self, starts: np.ndarray, limits: np.ndarray, token_budget: np.ndarray | int
    ) -> np.ndarray:
        """The ends of the longest runs of whole segments of at most `token_budget` tokens.

        Args:
            starts: (runs,) int64, the first segment of each run.
            limits: (runs,) int64, the segment that a run must not reach.
            token_budget: one for all runs, or (runs,) int64.

        Returns:
            (runs,) int64, the segment after the last one; the start if not even one fits.
        """
        wanted = self.offsets[starts] + token_budget
        return np.minimum(np.searchsorted(self.offsets, wanted, side="right") - 1, limits)
