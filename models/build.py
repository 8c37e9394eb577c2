"""Making a model's weights at once, before any data is there."""

from typing import TypeVar

import keras
import numpy as np

LayerT = TypeVar("LayerT", bound=keras.layers.Layer)


def build(model: LayerT) -> LayerT:
    """Calls a backbone or a model once, on two tokens, so that all of its weights exist."""
    model(
        {
            "token_ids": np.zeros((1, 2), "int32"),
            "segment_ids": np.zeros((1, 2), "int32"),
            "padding_mask": np.ones((1, 2), "bool"),
            "masked_positions": np.zeros((1, 1), "int32"),
        },
        training=False,
    )
    return model
