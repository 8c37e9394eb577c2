import keras
import numpy as np
import pytest

from models.layers.low_rank import add_low_rank, merge_low_rank

LAYERS = {
    "dense": lambda: keras.layers.Dense(5),
    "convolution": lambda: keras.layers.Conv1D(5, 3, padding="same"),
    "lstm": lambda: keras.layers.LSTM(5, return_sequences=True),
}


def updated(kind):
    """A layer with an update of rank 2, what was updated, and A and B of each of its kernels."""
    keras.utils.set_random_seed(1)
    layer = LAYERS[kind]()
    layer.build((None, None, 4))
    inner = layer.cell if kind == "lstm" else layer
    before = [np.asarray(weight) for weight in layer.weights]
    add_low_rank(inner, 2, alpha=6.0)
    return layer, inner, before


@pytest.mark.parametrize("kind", LAYERS)
def test_update_is_a_product_of_rank_r(kind):
    x = np.random.default_rng(0).normal(size=(2, 6, 4)).astype("float32")
    layer, inner, before = updated(kind)
    plain = LAYERS[kind]()
    plain.build((None, None, 4))
    plain.set_weights(before)
    # B is 0 at first.
    np.testing.assert_array_equal(layer(x), plain(x))
    rng = np.random.default_rng(1)
    added = {each.name: each for each in layer.weights if each.name.startswith("lora_")}
    for name, weight in added.items():
        if name.endswith("_a"):
            # Uniform within 1 / sqrt(inputs), of which a convolution has 3 times as many.
            limit = (weight.shape[0] * (weight.shape[1] if kind == "convolution" else 1)) ** -0.5
            assert 0.5 * limit < np.abs(weight).max() <= limit
        else:
            assert not np.asarray(weight).any()
            weight.assign(rng.normal(size=weight.shape))
    expected = dict(zip(["kernel", "recurrent_kernel"], before, strict=False))
    for name, kernel in expected.items():
        if f"lora_{name}_a" in added:
            a, b = (np.asarray(added[f"lora_{name}_{letter}"]) for letter in "ab")
            expected[name] = kernel + 6.0 / 2 * a @ b
    plain.set_weights([expected["kernel"], *list(expected.values())[1:], *before[len(expected) :]])
    np.testing.assert_allclose(layer(x), plain(x), atol=1e-5)
    # Its own kernel is as it was.
    for weight, array in zip(
        [each for each in layer.weights if each.name not in added], before, strict=True
    ):
        np.testing.assert_array_equal(weight, array)

    unmerged = np.asarray(layer(x))
    merge_low_rank(inner)
    np.testing.assert_allclose(layer(x), unmerged, atol=1e-6)
    assert [each.name for each in layer.weights] == [each.name for each in plain.weights]
    assert type(inner) is type(plain.cell if kind == "lstm" else plain)
