import numpy as np
import pytest

from models.layers.layer_weights import LayerWeights


def test_is_gamma_times_the_weighted_mean():
    rng = np.random.default_rng(0)
    layers = [rng.normal(size=(2, 3, 4)).astype("float32") for _ in range(3)]
    layer = LayerWeights(4)
    np.testing.assert_allclose(layer(layers), np.mean(layers, axis=0), atol=1e-6)
    scores, gamma = np.array([0.3, -1.0, 2.0], "float32"), 1.7
    layer.scores.assign(scores)
    layer.gamma.assign(gamma)
    weights = np.exp(scores) / np.exp(scores).sum()
    expected = gamma * sum(weight * each for weight, each in zip(weights, layers, strict=True))
    np.testing.assert_allclose(layer(layers), expected, atol=1e-6)


def test_other_widths_are_projected():
    rng = np.random.default_rng(0)
    layers = [rng.normal(size=(2, 3, width)).astype("float32") for width in (4, 6, 4)]
    layer = LayerWeights(4)
    found = layer(layers)
    assert len(layer.weights) == 3
    projection = np.asarray(layer.projections[0].kernel)
    assert projection.shape == (6, 4)
    expected = (layers[0] + layers[1] @ projection + layers[2]) / 3
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("widths", [(4, 4), (6, 4)])
def test_comes_back_from_its_config(widths):
    layer = LayerWeights.from_config(LayerWeights(4).get_config())
    arrays = [np.ones((1, 2, width), "float32") for width in widths]
    assert tuple(layer(arrays).shape) == layer.compute_output_shape([each.shape for each in arrays])
