"""A linear score of given features, beside a network's."""

from typing import Any

import keras
from keras import ops

from models.serializable import Serializable


@keras.saving.register_keras_serializable(package="models")
class LinearScores(Serializable, keras.layers.Layer):
    """Computes `network_weight * scores + linear_weight * features . kernel`.

    Nothing here is trained by gradients: `fill` takes the solution of a solver. Until then the
    network's scores pass through unchanged.

        >>> layer = LinearScores(num_features=3)
        >>> layer.build()
        >>> layer.fill([1.0, 0.0, -1.0])
        >>> layer.mix(network_weight=1.0, linear_weight=2.0)
        >>> layer(np.ones((1, 1), "float32"), np.array([[3.0, 5.0, 1.0]], "float32")).numpy()
        array([[5.]], dtype=float32)

    Args:
        num_features: the number of features.
    """

    def __init__(self, num_features: int, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "trainable": False, "dtype": "float32"})
        self.num_features = num_features

    def build(self, input_shape: Any = None) -> None:
        """Creates the weights; they leave the network's scores unchanged."""
        self.kernel = self._weight((self.num_features,), "kernel", "zeros")
        self.network_weight = self._weight((), "network_weight", "ones")
        self.linear_weight = self._weight((), "linear_weight", "ones")
        self.built = True

    def fill(self, kernel: Any) -> None:
        """Sets the weights of the features, (num_features,)."""
        self.kernel.assign(kernel)

    def mix(self, network_weight: float, linear_weight: float) -> None:
        """Sets how much the network's scores and the linear ones count."""
        self.network_weight.assign(network_weight)
        self.linear_weight.assign(linear_weight)

    def call(self, scores: Any, features: Any) -> Any:
        """Adds the two.

        Args:
            scores: (batch, 1) float32, the network's.
            features: (batch, num_features) float32.

        Returns:
            (batch, 1) float32.
        """
        linear = ops.matmul(features, ops.expand_dims(self.kernel, 1))
        return self.network_weight * scores + self.linear_weight * linear

    def _weight(self, shape: tuple[int, ...], name: str, initializer: str) -> keras.Variable:
        return self.add_weight(shape=shape, name=name, initializer=initializer, trainable=False)
