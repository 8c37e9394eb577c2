"""Language modelling after a prefix that is seen both ways."""

from typing import ClassVar

import keras

from models.objectives.causal_lm import CausalLMHead


@keras.saving.register_keras_serializable(package="models")
class PrefixLMHead(CausalLMHead):
    """Predicts each token after a prefix, from the prefix and from the tokens before it.

    The positions of the prefix, segment 0, see the whole prefix, and those after it, segment 1, the
    prefix and what stands before them: one Transformer is encoder and decoder. UniLM has the same
    masks and segments, but predicts masked tokens there, and mixes this with other objectives; here
    every token after the prefix is predicted from the position before it.

        >>> config = backbone_config("transformer", "tiny", vocab_size=100)
        >>> head = PrefixLMHead(config, name="prefix_lm")

    Args:
        As for `TokenPredictionHead`.

    References:
        Dong et al. 2019, "Unified Language Model Pre-training for Natural Language Understanding
        and Generation", section 2.2 (https://arxiv.org/abs/1905.03197); Raffel et al. 2020, section
        3.2.1 (https://arxiv.org/abs/1910.10683). The head is that of BERT's masked language model.
    """

    rows: ClassVar[str | None] = "single"
    noise: ClassVar[tuple[str, ...]] = ("prefix",)
    visibility: ClassVar[str] = "prefix"
