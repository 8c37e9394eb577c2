import keras
import numpy as np
import pytest

from models.heads.linear_scores import LinearScores

SCORES = np.array([[1.0], [-2.0]], np.float32)
FEATURES = np.array([[3.0, 5.0, 1.0], [0.0, 1.0, 2.0]], np.float32)


@pytest.fixture
def layer():
    made = LinearScores(num_features=3)
    made.build()
    return made


def test_the_scores_pass_through_until_it_is_filled(layer):
    np.testing.assert_array_equal(layer(SCORES, FEATURES), SCORES)


def test_by_hand(layer):
    layer.fill([1.0, 0.0, -1.0])
    layer.mix(network_weight=0.5, linear_weight=2.0)
    found = keras.ops.convert_to_numpy(layer(SCORES, FEATURES))
    np.testing.assert_allclose(found, [[0.5 + 2 * 2.0], [-1.0 + 2 * -2.0]])
    assert not layer.trainable_variables


def test_it_is_made_again_from_its_configuration(layer):
    assert LinearScores.from_config(layer.get_config()).num_features == 3
