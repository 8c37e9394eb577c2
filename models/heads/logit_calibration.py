"""A scale and a bias for all logits, which make their probabilities right as often as they say."""

from typing import Any

import keras

from models.serializable import Serializable


@keras.saving.register_keras_serializable(package="models")
class LogitCalibration(Serializable, keras.layers.Layer):
    """Computes `scale * logits + bias`; until `calibrate` is called, the logits are unchanged.

    Platt scaling, or with a bias of 0 temperature scaling (Guo et al. 2017, section 4,
    https://arxiv.org/abs/1706.04599). Nothing here is trained by gradients: the two numbers are
    fitted on validation examples, after training, so that the layer stands apart from the head.

        >>> layer = LogitCalibration()
        >>> layer.build()
        >>> layer.calibrate(0.5, -1.0)
        >>> layer(np.array([[4.0]], "float32"))
        <tf.Tensor: shape=(1, 1), dtype=float32, numpy=array([[1.]], dtype=float32)>
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "trainable": False, "dtype": "float32"})

    def build(self, input_shape: Any = None) -> None:
        """Creates the two weights."""
        self.scale = self.add_weight(shape=(), name="scale", initializer="ones", trainable=False)
        self.bias = self.add_weight(shape=(), name="bias", initializer="zeros", trainable=False)
        self.built = True

    def calibrate(self, scale: float, bias: float) -> None:
        """Sets the two numbers."""
        self.scale.assign(scale)
        self.bias.assign(bias)

    def call(self, logits: Any) -> Any:
        """Maps logits of any shape, float32."""
        return self.scale * logits + self.bias
