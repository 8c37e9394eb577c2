"""An objective in one file: which tokens were moved by the noise?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import keras

from common.options import Options, option
from models.build import Array
from models.config import BackboneConfig
from models.objectives.base import Encode, Objective, Term, softmax_term


@dataclass(frozen=True)
class ToyOptions(Options):
    """The toy (--objectives=toy)"""

    toy_factor: float = option(1.0, "what the toy counts for in the loss", minimum=0)


@keras.saving.register_keras_serializable(package="toys")
class SwappedTokens(Objective):
    """Two classes from the output at each position: 0 in its place, 1 moved."""

    noise: ClassVar[tuple[str, ...]] = ("toy",)
    arrays: ClassVar[Mapping[str, Array]] = {
        "swapped": Array(("batch", "length"), "int32"),
        "swapped_weights": Array(("batch", "length"), "float32"),
    }
    settings: ClassVar[tuple[str, ...]] = ("toy_factor",)

    def __init__(self, config: BackboneConfig, toy_factor: float = 1.0, **kwargs: Any) -> None:
        super().__init__(config, **kwargs)
        self.toy_factor = toy_factor
        self.dense = keras.layers.Dense(2, dtype="float32", name="dense")

    def build(self, input_shape: Any = None) -> None:
        """Makes the projection."""
        self.dense.build((None, None, self.config.d_model))

    def terms(
        self, encode: Encode, batch: Mapping[str, Any], token_embedding: Any, training: bool | None
    ) -> list[Term]:
        """One term; reserved tokens and padding have weight 0."""
        logits = self.dense(encode()["sequence_output"])
        weights = batch["swapped_weights"]
        return [softmax_term(self.name, batch["swapped"], logits, weights, self.toy_factor)]
