"""Sentence structure: is the second segment the next, the previous, or of another document?"""

from typing import ClassVar

import keras

from models.objectives.pair_kind import PairKindHead


@keras.saving.register_keras_serializable(package="models")
class SentenceStructureHead(PairKindHead):
    """Classifies pairs: B is from another document (0), follows A (1), or precedes A (2).

        >>> config = backbone_config("text_cnn", "tiny", vocab_size=100)
        >>> head = SentenceStructureHead(config, name="sentence_structure")

    Args:
        config: the backbone's configuration.

    References:
        Wang et al. 2020, "StructBERT: Incorporating Language Structures into Pre-training for Deep
        Language Understanding", section 2.3 (https://arxiv.org/abs/1908.04577).
    """

    pair_shares: ClassVar[tuple[float, float, float] | None] = (1 / 3, 1 / 3, 1 / 3)
    kinds: ClassVar[tuple[int, ...]] = (0, 1, 2)
