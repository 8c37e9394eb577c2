"""Replaces spans by one [MASK] each; the whole text is written.

References:
    Lewis et al. 2020, section 2.2, "Text Infilling": lengths from Poisson(3), a span of length 0 is
    an insertion (https://arxiv.org/abs/1910.13461); 30 % of the tokens, section 5.1.
"""

from typing import ClassVar

import numpy as np

from data_util.pretraining.noise.denoising import Corruption

MEAN_SPAN = 3.0


class InfillNoise(Corruption):
    """Puts one [MASK] in the place of each of some spans: `A B C D E` to `A [MASK] D [MASK] E`.

    The lengths of the spans are drawn from Poisson(3). A span of length 0 inserts a [MASK]. Spans
    are drawn until they have `mask_probability` of the tokens; the last one would exceed this
    number, and is taken with the probability that makes the mean exact. Spans do not overlap, and
    all arrangements of them are equally probable. A text never becomes longer than it was: what
    few insertions would make it so are left out.
    """

    stream: ClassVar[str] = "infilling"
    default_probability: ClassVar[float] = 0.3

    def corrupt(
        self, text: np.ndarray, sentence_starts: np.ndarray, generator: np.random.Generator
    ) -> np.ndarray:
        """See `Corruption.corrupt`."""
        lengths = self.span_lengths(len(text), generator)
        visible = len(text) - int(lengths.sum())
        # Visible tokens and spans in a random order.
        slots = np.sort(generator.permutation(visible + len(lengths))[: len(lengths)])
        sizes = np.ones(visible + len(lengths), np.int64)
        sizes[slots] = lengths
        is_span = np.zeros(len(sizes), bool)
        is_span[slots] = True
        filled = np.full(len(sizes), self.vocabulary.mask_id, np.int32)
        filled[~is_span] = text[~np.repeat(is_span, sizes)]
        return filled

    def span_lengths(self, tokens: int, generator: np.random.Generator) -> np.ndarray:
        """The lengths of the spans of a text of so many tokens, int64, in the order drawn."""
        wanted = self.mask_probability * tokens
        # More than are needed.
        lengths = generator.poisson(MEAN_SPAN, tokens + 16)
        ends = np.minimum(np.cumsum(lengths), tokens)
        lengths = np.diff(ends, prepend=0)
        # The last span is taken if a random point in it is within what is to be hidden.
        lengths = lengths[ends - generator.random() * lengths < wanted]
        # Not one more [MASK] than tokens that they replace.
        insertions = np.cumsum(lengths == 0)
        return lengths[(lengths > 0) | (insertions <= lengths.sum() - np.sum(lengths > 0))]
