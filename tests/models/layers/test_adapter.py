import numpy as np

from models.layers.adapter import Adapter


def test_starts_almost_as_the_identity():
    x = np.random.default_rng(0).normal(size=(2, 3, 16)).astype("float32")
    layer = Adapter(16, 4)
    found = np.asarray(layer(x))
    assert 0 < np.abs(found - x).max() < 0.01
    # Normal numbers with a deviation of 0.01, cut off at twice that.
    kernel = np.asarray(layer.down.kernel)
    assert 0 < kernel.std() < 0.012
    assert np.abs(kernel).max() <= 0.02
    assert layer.count_params() == 2 * 16 * 4 + 4 + 16


def test_comes_back_from_its_config():
    layer = Adapter.from_config(Adapter(16, 4, name="adapter").get_config())
    assert (layer.width, layer.size, layer.name) == (16, 4, "adapter")
