"""A variable of a released model by its names in three programs, and how each arranges it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

HUGGING_FACE = "hugging_face"
GOOGLE = "google"


@dataclass(frozen=True)
class ReleasedVariable:
    """A variable of a released model.

    Attributes:
        ours: its path below the model, as in `backbone/layer_0/...`.
        hugging_face: its name in the library transformers, in a model with heads.
        google: its name in https://github.com/google-research/bert; "": in no file of Google's that
            is read.
        kind: how its values are arranged there: a first part of the keys of `_ARRANGE`.
    """

    ours: str
    hugging_face: str
    google: str = ""
    kind: str = "same"

    @property
    def part(self) -> str:
        """The part of the model: "encoder", "pooler" or the name of an objective."""
        return part_of(self.ours)

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


def part_of(ours: str) -> str:
    """The part of the model that a variable is of: see `ReleasedVariable.part`."""
    begin = ours.split("/")
    if begin[0] != "backbone":
        return begin[0]
    return "pooler" if begin[1] == "cls_pooling" else "encoder"


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


def embedding(ours: str, theirs: str) -> ReleasedVariable:
    """A table of vectors."""
    return ReleasedVariable(f"{ours}/embeddings", f"{theirs}.weight", _google(theirs))


def dense(ours: str, theirs: str) -> list[ReleasedVariable]:
    """The kernel and the bias of a dense layer."""
    google = _google(theirs)
    return [
        ReleasedVariable(f"{ours}/kernel", f"{theirs}.weight", f"{google}/kernel", "kernel"),
        ReleasedVariable(f"{ours}/bias", f"{theirs}.bias", f"{google}/bias"),
    ]


def norm(ours: str, theirs: str) -> list[ReleasedVariable]:
    """The scale and the offset of a layer normalization."""
    google = _google(theirs)
    return [
        ReleasedVariable(f"{ours}/gamma", f"{theirs}.weight", f"{google}/gamma"),
        ReleasedVariable(f"{ours}/beta", f"{theirs}.bias", f"{google}/beta"),
    ]


def _google(name: str) -> str:
    return name.replace("layer.", "layer_").replace(".", "/")
