import keras_hub
import numpy as np

from models.rotary import rotate


def test_equation_34_by_hand():
    # Width 4: coordinates (0, 2) turn by the position, (1, 3) by a hundredth of it.
    x = np.array([[1.0, 2.0, 3.0, 4.0]] * 3, "float32").reshape(1, 3, 1, 4)
    cos, sin = np.cos, np.sin
    expected = [
        [
            1 * cos(m) - 3 * sin(m),
            2 * cos(m / 100) - 4 * sin(m / 100),
            3 * cos(m) + 1 * sin(m),
            4 * cos(m / 100) + 2 * sin(m / 100),
        ]
        for m in range(3)
    ]
    np.testing.assert_allclose(np.asarray(rotate(x))[0, :, 0], expected, rtol=1e-6)


def test_equals_keras_hub():
    x = np.random.default_rng(0).normal(size=(2, 300, 3, 16)).astype("float32")
    theirs = keras_hub.layers.RotaryEmbedding(sequence_axis=1, feature_axis=-1)
    np.testing.assert_allclose(rotate(x), theirs(x), atol=1e-4)


def test_products_depend_on_the_distance_alone():
    rng = np.random.default_rng(1)
    query, key = (np.tile(rng.normal(size=8).astype("float32"), (1, 50, 1, 1)) for _ in range(2))
    q, k = (np.asarray(rotate(x))[0, :, 0] for x in (query, key))
    products = q @ k.T
    for distance in (-7, 0, 3):
        same = np.diagonal(products, distance)
        np.testing.assert_allclose(same, same[0], atol=1e-4)
    assert np.ptp(products[0]) > 0.1
    np.testing.assert_allclose(
        np.linalg.norm(q, axis=1), np.linalg.norm(query[0, :, 0], axis=1), rtol=1e-5
    )
