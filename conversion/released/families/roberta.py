"""RoBERTa: Liu et al. 2019 (https://arxiv.org/abs/1907.11692)."""

from collections.abc import Mapping
from typing import Any, ClassVar

from common.errors import ConfigError
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


class Roberta(Family):
    """Transformers' `RobertaForMaskedLM`.

    Position 0 has the vector of row `pad_token_id + 1`; those before it are never read.
    """

    model_type: ClassVar[str] = "roberta"
    title: ClassVar[str] = "RoBERTa"
    prefix: ClassVar[str] = "roberta"
    # The head applies gelu, whatever this says.
    only: ClassVar[Mapping[str, Any]] = {"model_type": "roberta", **ONLY_GELU}
    fixed: ClassVar[Mapping[str, Any]] = {
        **FIXED_GELU,
        "position_offset": ANY,
    }
    tied: ClassVar[str] = "lm_head.decoder.weight"
    renamed: ClassVar[Mapping[str, str]] = {"lm_head.decoder.bias": "lm_head.bias"}
    architectures: ClassVar[Mapping[tuple[str, ...], str]] = {
        ("masked_lm",): "RobertaForMaskedLM",
        (): "RobertaModel",
    }

    def describes(self, config: BackboneConfig) -> bool:
        """Whether there are positions that are never read."""
        return config.position_offset > 0

    def from_theirs(self, values: Mapping[str, Any], fields: dict[str, Any]) -> dict[str, Any]:
        """See `Family.from_theirs`."""
        padding = values.get("pad_token_id", 1)
        for name, value, least in (
            ("pad_token_id", padding, 0),
            ("max_position_embeddings", fields["max_position"], 1),
        ):
            if type(value) is not int or value < least:
                raise ConfigError(f"{name} must be a whole number of at least {least}.")
        offset = padding + 1
        positions = {"position_offset": offset, "max_position": fields["max_position"] - offset}
        return {**fields, **positions}

    def to_theirs(self, config: BackboneConfig, keys: dict[str, Any]) -> dict[str, Any]:
        """See `Family.to_theirs`."""
        rows = config.position_offset + config.max_position
        return {
            **keys,
            "max_position_embeddings": rows,
            "pad_token_id": config.position_offset - 1,
        }

    def variables(self, config: TransformerConfig) -> list[ReleasedVariable]:
        """See `Family.variables`."""
        return [
            *embedding_table("roberta"),
            *bert_layers("roberta", config.num_layers),
            *dense("backbone/cls_pooling/dense", "roberta.pooler.dense"),
            *dense("masked_lm/transform", "lm_head.dense"),
            *norm("masked_lm/layer_norm", "lm_head.layer_norm"),
            ReleasedVariable("masked_lm/bias", "lm_head.bias"),
        ]


ROBERTA = Roberta()
