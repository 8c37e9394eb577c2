"""Replaces spans by one sentinel each; the decoder writes each sentinel and what it stands for.

References:
    Raffel et al. 2020, "Exploring the Limits of Transfer Learning with a Unified Text-to-Text
    Transformer", section 3.1.4 and figure 2: 15 % of the tokens, in spans of 3 in the mean
    (https://arxiv.org/abs/1910.10683); `random_spans_noise_mask` of
    https://github.com/google-research/text-to-text-transfer-transformer.
"""

from typing import ClassVar

import numpy as np

from data_util.pretraining.noise.denoising import DenoisingNoise
from data_util.tokens.vocabulary import Vocabulary

MEAN_SPAN = 3


class SentinelNoise(DenoisingNoise):
    """Replaces spans by the vocabulary's spare tokens: of `A B C D E`, `A <0> D <1>`.

    The decoder writes `<0> B C <1> E [SEP]`. `mask_probability` of the tokens are in spans. Their
    number is that of these tokens divided by 3, to the nearest; the lengths of the spans and those
    of the text between them are random parts of the whole, of at least one token each, as in the
    released code. So a text begins with a token that is visible, and ends with a span. Where there
    are fewer spare tokens than spans, there are only as many spans, and they are longer.

    Args:
        vocabulary: of the ids; with at least one spare token.
        mask_probability: as for `Noise`.
    """

    stream: ClassVar[str] = "sentinels"
    reads_spare_tokens: ClassVar[bool] = True

    def __init__(self, vocabulary: Vocabulary, mask_probability: float | None = None) -> None:
        super().__init__(vocabulary, mask_probability)
        if not len(vocabulary.spare_ids):
            raise ValueError("a vocabulary with [unusedN] is needed: see `with_spare_tokens`")
        self._is_target[vocabulary.spare_ids] = True

    def source_and_target(
        self, text: np.ndarray, sentence_starts: np.ndarray, generator: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """See `DenoisingNoise.source_and_target`."""
        hidden = min(self.number(len(text), generator), len(text) - 1)
        end = [np.array([self.vocabulary.sep_id], np.int32)]
        if hidden < 1:
            return text, np.concatenate(end)
        spans = max(1, round(hidden / MEAN_SPAN))
        spans = min(spans, len(text) - hidden, len(self.vocabulary.spare_ids))
        lengths = np.stack(
            [_parts(len(text) - hidden, spans, generator), _parts(hidden, spans, generator)], axis=1
        )
        pieces = np.split(text, np.cumsum(lengths)[:-1])
        sentinels = np.split(self.vocabulary.spare_ids[:spans], spans)
        source = [each for pair in zip(pieces[::2], sentinels, strict=True) for each in pair]
        target = [each for pair in zip(sentinels, pieces[1::2], strict=True) for each in pair]
        return np.concatenate(source), np.concatenate([*target, *end])


def _parts(whole: int, number: int, generator: np.random.Generator) -> np.ndarray:
    """Whole numbers above 0 with this sum, all possibilities equally probable; (number,) int64."""
    cuts = np.sort(generator.permutation(whole - 1)[: number - 1]) + 1
    return np.diff(cuts, prepend=0, append=whole)
