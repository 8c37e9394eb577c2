"""DistilBERT: Sanh et al. 2019 (https://arxiv.org/abs/1910.01108)."""

from collections.abc import Mapping
from typing import Any, ClassVar

from conversion.released.families.base import (
    FIXED,
    LAYER_PARTS,
    Family,
    Size,
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
            "attention.q_lin",
            "attention.k_lin",
            "attention.v_lin",
            "attention.out_lin",
            "sa_layer_norm",
            "ffn.lin1",
            "ffn.lin2",
            "output_layer_norm",
        ),
        strict=True,
    )
)


class DistilBert(Family):
    """Transformers' `DistilBertForMaskedLM`: it tells no segments apart and has no pooler."""

    model_type: ClassVar[str] = "distilbert"
    title: ClassVar[str] = "DistilBERT"
    prefix: ClassVar[str] = "distilbert"
    sizes: ClassVar[tuple[Size, ...]] = (
        ("vocab_size", "vocab_size", None),
        ("d_model", "dim", 768),
        ("num_layers", "n_layers", 6),
        ("num_heads", "n_heads", 12),
        ("d_ff", "hidden_dim", 3072),
        ("max_position", "max_position_embeddings", 512),
        ("dropout", "dropout", 0.1),
        ("attention_dropout", "attention_dropout", 0.1),
        ("initializer_range", "initializer_range", 0.02),
    )
    activation: ClassVar[tuple[str, str]] = ("activation", "gelu")
    only: ClassVar[Mapping[str, Any]] = {"model_type": "distilbert"}
    fixed: ClassVar[Mapping[str, Any]] = {
        **FIXED,
        "num_segments": 0,
        "layer_norm_epsilon": 1e-12,
    }
    tied: ClassVar[str] = "vocab_projector.weight"
    architectures: ClassVar[Mapping[tuple[str, ...], str]] = {
        ("masked_lm",): "DistilBertForMaskedLM",
        (): "DistilBertModel",
    }

    def describes(self, config: BackboneConfig) -> bool:
        """Whether segments are not told apart."""
        return config.num_segments == 0

    def variables(self, config: TransformerConfig) -> list[ReleasedVariable]:
        """See `Family.variables`."""
        found = embedding_table("distilbert", segments=False)
        for index in range(config.num_layers):
            theirs = f"distilbert.transformer.layer.{index}"
            found += layer_table(f"backbone/layer_{index}", theirs, _LAYER)
        found += dense("masked_lm/transform", "vocab_transform")
        found += norm("masked_lm/layer_norm", "vocab_layer_norm")
        found.append(ReleasedVariable("masked_lm/bias", "vocab_projector.bias"))
        return found


DISTILBERT = DistilBert()
