"""ELECTRA: Clark et al. 2020 (https://arxiv.org/abs/2003.10555)."""

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from conversion.released.families.base import (
    ANY,
    FIXED_GELU,
    ONLY_GELU,
    Family,
    bert_layers,
    embedding_table,
)
from conversion.released.names import ReleasedVariable, dense, norm
from models.backbones.transformer_config import TransformerConfig
from models.config import BackboneConfig


class Electra(Family):
    """Transformers' `ElectraForPreTraining`, the discriminator, and `ElectraForMaskedLM`.

    Embeddings of another width than the layers are projected after their normalization. There is no
    pooler.
    """

    model_type: ClassVar[str] = "electra"
    title: ClassVar[str] = "ELECTRA"
    prefix: ClassVar[str] = "electra"
    # The generator's head applies gelu, whatever this says.
    only: ClassVar[Mapping[str, Any]] = {"model_type": "electra", **ONLY_GELU}
    fixed: ClassVar[Mapping[str, Any]] = {
        **FIXED_GELU,
        "embedding_width": ANY,
        "embedding_projection": "sum",
    }
    tied: ClassVar[str] = "generator_lm_head.weight"
    architectures: ClassVar[Mapping[tuple[str, ...], str]] = {
        ("masked_lm",): "ElectraForMaskedLM",
        ("replaced_token",): "ElectraForPreTraining",
        (): "ElectraModel",
    }

    def describes(self, config: BackboneConfig) -> bool:
        """Whether the sum of the embeddings is what is projected, and no layers are shared."""
        shared = getattr(config, "share_layers", "none")
        return config.embedding_projection == "sum" and shared == "none"

    def objectives(self, names: Collection[str]) -> tuple[str, ...]:
        """That of the discriminator if it is one, otherwise that of the generator."""
        discriminates = any(name.startswith("discriminator_predictions.") for name in names)
        return ("replaced_token",) if discriminates else ("masked_lm",)

    def from_theirs(self, values: Mapping[str, Any], fields: dict[str, Any]) -> dict[str, Any]:
        """See `Family.from_theirs`: there is a projection if the widths differ."""
        width = values.get("embedding_size", 128)
        return {**fields, "embedding_width": 0 if width == fields["d_model"] else width}

    def to_theirs(self, config: BackboneConfig, keys: dict[str, Any]) -> dict[str, Any]:
        """See `Family.to_theirs`."""
        return {**keys, "embedding_size": config.sum_width}

    def variables(self, config: TransformerConfig) -> list[ReleasedVariable]:
        """See `Family.variables`."""
        found = [*embedding_table("electra"), *bert_layers("electra", config.num_layers)]
        if config.embedding_width:
            found += dense("backbone/embeddings/projection", "electra.embeddings_project")
        found += dense("masked_lm/transform", "generator_predictions.dense")
        found += norm("masked_lm/layer_norm", "generator_predictions.LayerNorm")
        found.append(ReleasedVariable("masked_lm/bias", "generator_lm_head.bias"))
        discriminator = "discriminator_predictions"
        found += dense("replaced_token/discriminator", f"{discriminator}.dense")
        found += dense("replaced_token/discriminator_logit", f"{discriminator}.dense_prediction")
        return found


ELECTRA = Electra()
