"""Next sentence prediction: does the second segment follow the first?"""

from typing import ClassVar

import keras

from models.objectives.pair_kind import PairKindHead


@keras.saving.register_keras_serializable(package="models")
class NextSentenceHead(PairKindHead):
    """Classifies pairs by the pooled output: B is from another document (0) or follows A (1).

        >>> config = backbone_config("text_cnn", "tiny", vocab_size=100)
        >>> head = NextSentenceHead(config, name="next_sentence")

    Args:
        config: the backbone's configuration.

    References:
        Devlin et al. 2019, section 3.1 (https://arxiv.org/abs/1810.04805).
    """

    pair_shares: ClassVar[tuple[float, float, float] | None] = (0.5, 0.5, 0.0)
    kinds: ClassVar[tuple[int, ...]] = (0, 1)
