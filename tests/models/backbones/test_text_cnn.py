"""Equality with Keras' layers on the same weights."""

import keras
import numpy as np
import pytest

from models.backbones.text_cnn import ConvolutionStack


@pytest.mark.parametrize("filter_size", [1, 2, 5])
def test_text_cnn_to_the_left_equals_keras(config_of, filter_size):
    config = config_of("text_cnn")
    ours = ConvolutionStack(config, filter_size)
    ours.build((None, None, 16))
    rng = np.random.default_rng(0)
    ours.set_weights([rng.normal(scale=0.5, size=weight.shape) for weight in ours.weights])
    x = rng.normal(size=(2, 7, 16)).astype("float32")
    keep = (np.arange(7) < np.array([[7], [4]])).astype("float32")[..., None]
    found = ours(x, keep, visibility="left")
    for index, value in enumerate(found):
        theirs = keras.layers.Conv1D(8, filter_size, padding="causal")
        theirs.build(x.shape)
        theirs.set_weights(ours.convolutions[index].get_weights())
        norm = keras.layers.LayerNormalization(epsilon=config.layer_norm_epsilon)
        norm.build(theirs.compute_output_shape(x.shape))
        norm.set_weights(ours.layer_norms[index].get_weights())
        x = keras.ops.gelu(norm(theirs(x * keep)), approximate=False)
        np.testing.assert_allclose(value, x, atol=1e-5, rtol=1e-5)
