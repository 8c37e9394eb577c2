"""A weighted mean of the outputs of all layers."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from models.serializable import Serializable


@keras.saving.register_keras_serializable(package="models")
class LayerWeights(Serializable, keras.layers.Layer):
    """Computes `gamma * sum_j softmax(s)_j h_j` of the layers' outputs h_j.

    The numbers gamma and s are learned. A layer whose width is not that of the result is first
    projected by a matrix of its own, which is learned too. All layers start with the same weight,
    and gamma is 1.

        >>> layer = LayerWeights(4)
        >>> layer([np.ones((1, 3, 4), "float32"), 3 * np.ones((1, 3, 4), "float32")])[0, 0]
        <tf.Tensor: shape=(4,), dtype=float32, numpy=array([2., 2., 2., 2.], dtype=float32)>

    Args:
        width: of the result.

    References:
        Peters et al. 2018, equation 1 (https://arxiv.org/abs/1802.05365).
    """

    def __init__(self, width: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.width = width
        self.projections: list[keras.layers.Dense] = []
        self._projection_of: list[int | None] = []

    def build(self, input_shape: Sequence[tuple]) -> None:
        """Creates the weights of so many layers, and the projections of those of other widths.

        Args:
            input_shape: of each layer's output.
        """
        # In float32 whatever the policy: they are few, and their updates small.
        self.scores = self.add_weight(
            shape=(len(input_shape),), initializer="zeros", dtype="float32", name="scores"
        )
        self.gamma = self.add_weight(shape=(), initializer="ones", dtype="float32", name="gamma")
        for index, shape in enumerate(input_shape):
            other = shape[-1] != self.width
            self._projection_of.append(len(self.projections) if other else None)
            if other:
                # Variance 1 / width preserves the scale of the vectors.
                scale = keras.initializers.TruncatedNormal(stddev=shape[-1] ** -0.5)
                projection = keras.layers.Dense(
                    self.width,
                    use_bias=False,
                    kernel_initializer=scale,
                    dtype=self.dtype_policy,
                    name=f"projection_{index}",
                )
                projection.build((None, None, shape[-1]))
                self.projections = [*self.projections, projection]

    def call(self, layers: Sequence[Any]) -> Any:
        """Mixes the layers.

        Args:
            layers: the output of each layer, (batch, length, its width).

        Returns:
            (batch, length, width).
        """
        weights = self.gamma * ops.softmax(self.scores)
        mixed: Any = 0.0
        for index, (output, place) in enumerate(zip(layers, self._projection_of, strict=True)):
            vectors = output if place is None else self.projections[place](output)
            mixed = mixed + vectors * ops.cast(weights[index], vectors.dtype)
        return mixed

    def compute_output_shape(self, input_shape: Sequence[tuple]) -> tuple:
        """The shape of the result."""
        return (*input_shape[0][:-1], self.width)
