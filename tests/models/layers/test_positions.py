import keras_hub
import numpy as np
import pytest

from common.errors import ConfigError
from models.layers.positions import PositionalEncoding, rotate, sinusoidal_positions
from models.presets import backbone_config


def encoding_of(position, max_position):
    sizes = {"d_model": 4, "num_heads": 2, "max_position": max_position}
    return PositionalEncoding(
        backbone_config("transformer", "tiny", 10, position=position, **sizes)
    )


def test_section_3_5_by_hand():
    # d_model 4: angles pos / 10000^(0/4) = pos and pos / 10000^(2/4) = pos / 100.
    expected = [
        [0.0, 1.0, 0.0, 1.0],
        [0.8414709848, 0.5403023059, 0.0099998333, 0.9999500004],
        [0.9092974268, -0.4161468365, 0.0199986667, 0.9998000067],
        [0.1411200081, -0.9899924966, 0.0299955002, 0.9995500337],
    ]
    np.testing.assert_allclose(sinusoidal_positions(4, 4), expected, atol=1e-7)


def test_odd_width_ends_with_a_sine():
    np.testing.assert_allclose(
        sinusoidal_positions(2, 3)[1], [0.8414709848, 0.5403023059, 0.0021544330], atol=1e-7
    )


@pytest.mark.parametrize("kind", ["learned", "sinusoidal", "rotary", "none"])
def test_adds_the_encoding_of_each_position(kind):
    layer = encoding_of(kind, max_position=6)
    x = np.random.default_rng(0).normal(size=(2, 5, 4)).astype("float32")
    added = np.asarray(layer(x)) - x
    assert len(layer.weights) == (kind == "learned")
    table = {
        "learned": lambda: layer.get_weights()[0],
        "sinusoidal": lambda: sinusoidal_positions(6, 4),
        "rotary": lambda: np.zeros((6, 4)),
        "none": lambda: np.zeros((6, 4)),
    }[kind]()
    np.testing.assert_allclose(added, np.broadcast_to(table[:5], x.shape), atol=1e-6)


def test_trained_vectors_are_repeated():
    layer = encoding_of("learned", max_position=9)
    layer.build((None, None, 4))
    (before,) = layer.get_weights()
    layer.tile(4)
    (after,) = layer.get_weights()
    np.testing.assert_array_equal(after, before[[0, 1, 2, 3, 1, 2, 3, 1, 2]])
    assert not (before[4:] == after[4:]).any()


@pytest.mark.parametrize("kind", ["sinusoidal", "rotary", "none"])
def test_nothing_to_repeat(kind):
    layer = encoding_of(kind, max_position=9)
    x = np.ones((1, 9, 4), "float32")
    before = np.asarray(layer(x))
    layer.tile(4)
    np.testing.assert_array_equal(layer(x), before)


@pytest.mark.parametrize("kind", ["learned", "sinusoidal", "none"])
def test_longer_than_max_position(kind):
    layer = encoding_of(kind, max_position=6)
    assert layer(np.zeros((1, 6, 4))).shape == (1, 6, 4)
    with pytest.raises(ConfigError, match=r"7 tokens is longer than max_position \(6\)"):
        layer(np.zeros((1, 7, 4)))


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
