"""The names of BERT's variables in three programs: this one, transformers and Google's."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

HUGGING_FACE = "hugging_face"
GOOGLE = "google"


@dataclass(frozen=True)
class BertVariable:
    """A variable of BERT.

    Attributes:
        ours: its path below the model, as in `backbone/layer_0/...`.
        hugging_face: its name in `BertForPreTraining` of the library transformers.
        google: its name in https://github.com/google-research/bert.
        kind: how its values are arranged there: a first part of the keys of `_ARRANGE`.
    """

    ours: str
    hugging_face: str
    google: str
    kind: str = "same"

    @property
    def part(self) -> str:
        """The part of the model: "encoder", "pooler", "masked_lm" or "next_sentence"."""
        begin = self.ours.split("/")
        if begin[0] != "backbone":
            return begin[0]
        return "pooler" if begin[1] == "cls_pooling" else "encoder"

    def name(self, style: str) -> str:
        """Its name in `HUGGING_FACE` or `GOOGLE` style."""
        return self.hugging_face if style == HUGGING_FACE else self.google

    def to_ours(self, values: np.ndarray, style: str) -> np.ndarray:
        """Rearranges its values into those of our layers."""
        return np.ascontiguousarray(_ARRANGE[self.kind, style](values))

    def from_ours(self, values: np.ndarray, style: str) -> np.ndarray:
        """The inverse of `to_ours`."""
        return np.ascontiguousarray(_BACK[self.kind, style](values))

    def shape(self, ours: tuple[int, ...], style: str) -> tuple[int, ...]:
        """Its shape in that program, given its shape here."""
        return self.from_ours(np.broadcast_to(np.float32(0), ours), style).shape


def _same(values: np.ndarray) -> np.ndarray:
    return values


def _transposed(values: np.ndarray) -> np.ndarray:
    return values.T


# The classes of next-sentence prediction are 0 "another text" and 1 "what follows" here; in BERT
# they are the other way round.
def _classes_transposed(values: np.ndarray) -> np.ndarray:
    return values[::-1].T


def _transposed_classes(values: np.ndarray) -> np.ndarray:
    return values.T[::-1]


def _reversed(values: np.ndarray) -> np.ndarray:
    return values[::-1]


# A dense layer's kernel is (inputs, outputs) here and in Google's BERT, and (outputs, inputs) in
# PyTorch; the output weights of next sentence prediction are (2, width) in both.
_ARRANGE: dict[tuple[str, str], Callable[[np.ndarray], np.ndarray]] = {
    ("same", HUGGING_FACE): _same,
    ("same", GOOGLE): _same,
    ("kernel", HUGGING_FACE): _transposed,
    ("kernel", GOOGLE): _same,
    ("class_kernel", HUGGING_FACE): _classes_transposed,
    ("class_kernel", GOOGLE): _classes_transposed,
    ("class_bias", HUGGING_FACE): _reversed,
    ("class_bias", GOOGLE): _reversed,
}
_BACK = {**_ARRANGE} | {
    ("class_kernel", style): _transposed_classes for style in (HUGGING_FACE, GOOGLE)
}


def bert_variables(num_layers: int) -> list[BertVariable]:
    """All variables of a BERT with `num_layers` layers, including those of its heads."""
    found = [
        BertVariable(
            f"backbone/embeddings/{ours}/embeddings",
            f"bert.embeddings.{theirs}.weight",
            f"bert/embeddings/{theirs}",
        )
        for ours, theirs in (
            ("token_embedding", "word_embeddings"),
            ("segment_embedding", "token_type_embeddings"),
            ("positional_encoding", "position_embeddings"),
        )
    ]
    found += _norm("backbone/embeddings/layer_norm", "bert.embeddings.LayerNorm")
    for index in range(num_layers):
        ours, theirs = f"backbone/layer_{index}", f"bert.encoder.layer.{index}"
        attention = f"{ours}/attention/multi_head_attention"
        for name in ("query", "key", "value"):
            found += _dense(f"{attention}/{name}", f"{theirs}.attention.self.{name}")
        found += _dense(f"{attention}/output", f"{theirs}.attention.output.dense")
        found += _norm(f"{ours}/attention/layer_norm", f"{theirs}.attention.output.LayerNorm")
        found += _dense(f"{ours}/feed_forward/feed_forward/inner", f"{theirs}.intermediate.dense")
        found += _dense(f"{ours}/feed_forward/feed_forward/outer", f"{theirs}.output.dense")
        found += _norm(f"{ours}/feed_forward/layer_norm", f"{theirs}.output.LayerNorm")
    found += _dense("backbone/cls_pooling/dense", "bert.pooler.dense")
    found += _dense("masked_lm/transform", "cls.predictions.transform.dense")
    found += _norm("masked_lm/layer_norm", "cls.predictions.transform.LayerNorm")
    found += [
        BertVariable("masked_lm/bias", "cls.predictions.bias", "cls/predictions/output_bias"),
        BertVariable(
            "next_sentence/dense/kernel",
            "cls.seq_relationship.weight",
            "cls/seq_relationship/output_weights",
            "class_kernel",
        ),
        BertVariable(
            "next_sentence/dense/bias",
            "cls.seq_relationship.bias",
            "cls/seq_relationship/output_bias",
            "class_bias",
        ),
    ]
    return found


def _dense(ours: str, theirs: str) -> list[BertVariable]:
    google = _google(theirs)
    return [
        BertVariable(f"{ours}/kernel", f"{theirs}.weight", f"{google}/kernel", "kernel"),
        BertVariable(f"{ours}/bias", f"{theirs}.bias", f"{google}/bias"),
    ]


def _norm(ours: str, theirs: str) -> list[BertVariable]:
    google = _google(theirs)
    return [
        BertVariable(f"{ours}/gamma", f"{theirs}.weight", f"{google}/gamma"),
        BertVariable(f"{ours}/beta", f"{theirs}.bias", f"{google}/beta"),
    ]


def _google(name: str) -> str:
    return name.replace("layer.", "layer_").replace(".", "/")
