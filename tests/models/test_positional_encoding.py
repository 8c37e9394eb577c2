import numpy as np
import pytest

from common.errors import ConfigError
from models.config import backbone_config
from models.positional_encoding import PositionalEncoding, sinusoidal_positions


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
    layer.repeat(4)
    (after,) = layer.get_weights()
    np.testing.assert_array_equal(after, before[[0, 1, 2, 3, 1, 2, 3, 1, 2]])
    assert not (before[4:] == after[4:]).any()


@pytest.mark.parametrize("kind", ["sinusoidal", "rotary", "none"])
def test_nothing_to_repeat(kind):
    layer = encoding_of(kind, max_position=9)
    x = np.ones((1, 9, 4), "float32")
    before = np.asarray(layer(x))
    layer.repeat(4)
    np.testing.assert_array_equal(layer(x), before)


@pytest.mark.parametrize("kind", ["learned", "sinusoidal", "none"])
def test_longer_than_max_position(kind):
    layer = encoding_of(kind, max_position=6)
    assert layer(np.zeros((1, 6, 4))).shape == (1, 6, 4)
    with pytest.raises(ConfigError, match=r"7 tokens is longer than max_position \(6\)"):
        layer(np.zeros((1, 7, 4)))
