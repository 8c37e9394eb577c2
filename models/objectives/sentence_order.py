"""Sentence order: were the two segments swapped?"""

from typing import ClassVar

import keras

from models.objectives.pair_kind import PairKindHead


@keras.saving.register_keras_serializable(package="models")
class SentenceOrderHead(PairKindHead):
    """Classifies pairs of adjacent segments by the pooled output: in order (0) or swapped (1).

    Both segments are of one document, so that its topic says nothing: the order is all there is to
    learn from.

        >>> config = backbone_config("text_cnn", "tiny", vocab_size=100)
        >>> head = SentenceOrderHead(config, name="sentence_order")

    Args:
        config: the backbone's configuration.

    References:
        Lan et al. 2020, "ALBERT: A Lite BERT for Self-supervised Learning of Language
        Representations", section 3.1 (https://arxiv.org/abs/1909.11942).
    """

    pair_shares: ClassVar[tuple[float, float, float] | None] = (0.0, 0.5, 0.5)
    kinds: ClassVar[tuple[int, ...]] = (1, 2)
