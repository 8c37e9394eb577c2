"""Shuffles the sentences of a text; the whole text is written.

References:
    Lewis et al. 2020, section 2.2, "Sentence Permutation" (https://arxiv.org/abs/1910.13461).
"""

from typing import ClassVar

import numpy as np

from data_util.pretraining.noise.denoising import Corruption


class PermuteNoise(Corruption):
    """Puts the sentences into a random order: `A B. C. D E.` to `D E. A B. C.`

    All sentences are shuffled, whatever `mask_probability` is. Sentences are those of the corpus;
    one that was cut is not shuffled within itself.
    """

    stream: ClassVar[str] = "sentence permutations"
    reads_sentences: ClassVar[bool] = True

    def corrupt(
        self, text: np.ndarray, sentence_starts: np.ndarray, generator: np.random.Generator
    ) -> np.ndarray:
        """See `Corruption.corrupt`."""
        if not len(text):
            return text
        sentences = np.split(text, 1 + np.flatnonzero(sentence_starts[1:]))
        order = generator.permutation(len(sentences))
        return np.concatenate([sentences[number] for number in order])
