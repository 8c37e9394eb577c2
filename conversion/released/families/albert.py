"""ALBERT: Lan et al. 2020 (https://arxiv.org/abs/1909.11942)."""

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from conversion.released.families.base import (
    ANY,
    FIXED,
    LAYER_PARTS,
    ONLY,
    Family,
    embedding_table,
    layer_table,
)
from conversion.released.names import ReleasedVariable, dense, norm
from models.backbones.transformer_config import TransformerConfig
from models.config import BackboneConfig

_LAYER = dict(
    zip(
        LAYER_PARTS,
        (
            "attention.query",
            "attention.key",
            "attention.value",
            "attention.dense",
            "attention.LayerNorm",
            "ffn",
            "ffn_output",
            "full_layer_layer_norm",
        ),
        strict=True,
    )
)


class Albert(Family):
    """Transformers' `AlbertForPreTraining`.

    All layers have the same weights. The embeddings are always projected after their normalization,
    even if they are as wide as the layers.
    """

    model_type: ClassVar[str] = "albert"
    title: ClassVar[str] = "ALBERT"
    prefix: ClassVar[str] = "albert"
    activation: ClassVar[tuple[str, str]] = ("hidden_act", "gelu_new")
    only: ClassVar[Mapping[str, Any]] = {
        "model_type": "albert",
        "num_hidden_groups": 1,
        "inner_group_num": 1,
        **ONLY,
    }
    fixed: ClassVar[Mapping[str, Any]] = {
        **FIXED,
        "embedding_width": ANY,
        "embedding_projection": "sum",
        "share_layers": "all",
    }
    tied: ClassVar[str] = "predictions.decoder.weight"
    renamed: ClassVar[Mapping[str, str]] = {"predictions.decoder.bias": "predictions.bias"}
    architectures: ClassVar[Mapping[tuple[str, ...], str]] = {
        ("masked_lm", "sentence_order"): "AlbertForPreTraining",
        ("masked_lm",): "AlbertForMaskedLM",
        (): "AlbertModel",
    }

    def describes(self, config: BackboneConfig) -> bool:
        """Whether the sum of the embeddings is projected and all layers are one."""
        shared = getattr(config, "share_layers", "none")
        return config.embedding_projection == "sum" and shared == "all"

    def objectives(self, names: Collection[str]) -> tuple[str, ...]:
        """Both of ALBERT's."""
        return ("masked_lm", "sentence_order")

    def from_theirs(self, values: Mapping[str, Any], fields: dict[str, Any]) -> dict[str, Any]:
        """See `Family.from_theirs`."""
        return {**fields, "embedding_width": values.get("embedding_size", 128)}

    def to_theirs(self, config: BackboneConfig, keys: dict[str, Any]) -> dict[str, Any]:
        """See `Family.to_theirs`."""
        return {**keys, "embedding_size": config.embedding_width}

    def variables(self, config: TransformerConfig) -> list[ReleasedVariable]:
        """See `Family.variables`; the classes of sentence order are those of ours."""
        layer = "albert.encoder.albert_layer_groups.0.albert_layers.0"
        return [
            *embedding_table("albert"),
            *dense("backbone/embeddings/projection", "albert.encoder.embedding_hidden_mapping_in"),
            *layer_table("backbone/layer_0", layer, _LAYER),
            *dense("backbone/cls_pooling/dense", "albert.pooler"),
            *dense("masked_lm/transform", "predictions.dense"),
            *norm("masked_lm/layer_norm", "predictions.LayerNorm"),
            ReleasedVariable("masked_lm/bias", "predictions.bias"),
            *dense("sentence_order/dense", "sop_classifier.classifier"),
        ]


ALBERT = Albert()
