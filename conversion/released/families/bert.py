"""BERT: Devlin et al. 2019 (https://arxiv.org/abs/1810.04805)."""

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from conversion.released.families.base import ONLY, Family, bert_layers, embedding_table
from conversion.released.names import ReleasedVariable, dense, norm
from models.backbones.transformer_config import TransformerConfig
from models.config import BackboneConfig


class Bert(Family):
    """Transformers' `BertForPreTraining`, and Google's BERT.

    Many models of other names have its architecture, such as Chinese ones of the name
    RoBERTa-wwm.
    """

    model_type: ClassVar[str] = "bert"
    title: ClassVar[str] = "BERT"
    prefix: ClassVar[str] = "bert"
    only: ClassVar[Mapping[str, Any]] = {"model_type": "bert", **ONLY}
    tied: ClassVar[str] = "cls.predictions.decoder.weight"
    renamed: ClassVar[Mapping[str, str]] = {
        "cls.predictions.decoder.bias": "cls.predictions.bias",
    }
    architectures: ClassVar[Mapping[tuple[str, ...], str]] = {
        ("masked_lm", "next_sentence"): "BertForPreTraining",
        ("masked_lm",): "BertForMaskedLM",
        ("next_sentence",): "BertForNextSentencePrediction",
        (): "BertModel",
    }

    def describes(self, config: BackboneConfig) -> bool:
        """Any that is of no other family."""
        return True

    def objectives(self, names: Collection[str]) -> tuple[str, ...]:
        """Both of BERT's."""
        return ("masked_lm", "next_sentence")

    def variables(self, config: TransformerConfig) -> list[ReleasedVariable]:
        """See `Family.variables`."""
        return [
            *embedding_table("bert"),
            *bert_layers("bert", config.num_layers),
            *dense("backbone/cls_pooling/dense", "bert.pooler.dense"),
            *dense("masked_lm/transform", "cls.predictions.transform.dense"),
            *norm("masked_lm/layer_norm", "cls.predictions.transform.LayerNorm"),
            ReleasedVariable(
                "masked_lm/bias", "cls.predictions.bias", "cls/predictions/output_bias"
            ),
            ReleasedVariable(
                "next_sentence/dense/kernel",
                "cls.seq_relationship.weight",
                "cls/seq_relationship/output_weights",
                "class_kernel",
            ),
            ReleasedVariable(
                "next_sentence/dense/bias",
                "cls.seq_relationship.bias",
                "cls/seq_relationship/output_bias",
                "class_bias",
            ),
        ]


BERT = Bert()
