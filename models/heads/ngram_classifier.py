"""A linear classifier over n-grams whose decisions are added to the network's logits."""

from typing import Any

import keras
from keras import ops

from models.serializable import Serializable

# The decision is read as a probability; this close to 0 and 1 it is cut off.
_MARGIN = 0.01


@keras.saving.register_keras_serializable(package="models")
class NgramClassifier(Serializable, keras.layers.Layer):
    """Adds a linear classifier's evidence to the network's logits; see `combine`.

    It reads sparse features: for each example a list of feature ids, and a value for each. The
    decision for a label is the weighted sum of the label's weights, plus a bias. With few labelled
    documents such a classifier is hard to beat (Joachims 1998, "Text categorization with support
    vector machines"), and it makes different errors than a network, so that the combination is
    better than either. Nothing here is trained by gradients: `fill` takes the solution of a solver.
    Until `mix` is called, the network's logits pass through unchanged.

        >>> layer = NgramClassifier(num_features=100, num_labels=3)
        >>> layer.build()
        >>> layer(np.ones((1, 3), "float32"), np.array([[1, 7]]), np.ones((1, 2), "float32")).shape
        TensorShape([1, 3])

    Args:
        num_features: the number of features.
        num_labels: the number of labels.
    """

    def __init__(self, num_features: int, num_labels: int, **kwargs: Any) -> None:
        # It sums hundreds of small numbers: float32 regardless of the network's precision.
        super().__init__(**{**kwargs, "trainable": False, "dtype": "float32"})
        self.num_features = num_features
        self.num_labels = num_labels

    @staticmethod
    def min_parameters(num_features: int, num_labels: int) -> int:
        """A lower bound on its parameters, computed from its large array."""
        return num_features * num_labels

    def build(self, input_shape: Any = None) -> None:
        """Creates the weights; they leave the network's logits unchanged until `mix` is called."""
        self.kernel = self._weight((self.num_features, self.num_labels), "kernel")
        self.bias = self._weight((self.num_labels,), "bias")
        self.linear_weight = self._weight((), "linear_weight")
        self.network_weight = self._weight((), "network_weight", "ones")
        self.offset = self._weight((self.num_labels,), "offset")
        self.built = True

    def fill(self, kernel: Any, bias: Any) -> None:
        """Sets the weights of a fitted classifier.

        Args:
            kernel: (num_features, num_labels).
            bias: (num_labels,).
        """
        self.kernel.assign(kernel)
        self.bias.assign(bias)

    @property
    def is_filled(self) -> bool:
        """Whether it has a fitted classifier."""
        return any(ops.convert_to_numpy(each).any() for each in (self.bias, self.kernel))

    def decisions(self, ids: Any, values: Any) -> Any:
        """The decisions for a batch: about -1 where a label is absent and 1 where it is present.

        Args:
            ids: (batch, entries) int32, the features of each example.
            values: (batch, entries) float32, 0 at padding.

        Returns:
            (batch, num_labels) float32.
        """
        rows = ops.take(self.kernel, ids, axis=0)
        return ops.squeeze(ops.matmul(ops.expand_dims(values, 1), rows), 1) + self.bias

    def mix(self, network_weight: float, linear_weight: float, offset: Any) -> None:
        """Sets the coefficients of `combine`; `offset` is a number, or one for each label."""
        self.network_weight.assign(network_weight)
        self.linear_weight.assign(linear_weight)
        self.offset.assign(ops.broadcast_to(offset, (self.num_labels,)))

    def calibrate(self, scale: float, bias: float) -> None:
        """Replaces the combined logits by `scale * logits + bias`, in the coefficients of `mix`."""
        self.network_weight.assign(scale * self.network_weight)
        self.linear_weight.assign(scale * self.linear_weight)
        self.offset.assign(scale * self.offset + bias)

    def call(self, logits: Any, ids: Any, values: Any) -> Any:
        """Combines the network's logits with the decisions; see `combine`.

        Args:
            logits: (batch, num_labels) float32, the network's.
            ids: as in `decisions`.
            values: as in `decisions`.

        Returns:
            (batch, num_labels) float32.
        """
        evidence = log_odds(self.decisions(ids, values))
        return combine(logits, evidence, self.network_weight, self.linear_weight, self.offset)

    def _weight(
        self, shape: tuple[int, ...], name: str, initializer: str = "zeros"
    ) -> keras.Variable:
        return self.add_weight(shape=shape, name=name, initializer=initializer, trainable=False)


def log_odds(decisions: Any) -> Any:
    """Reads least-squares decisions as probabilities and returns their log-odds.

    With targets of -1 and 1, `(decision + 1) / 2` estimates the probability of the label.

    Args:
        decisions: (..., num_labels).

    Returns:
        The same shape.
    """
    probabilities = ops.clip((decisions + 1.0) / 2.0, _MARGIN, 1.0 - _MARGIN)
    return ops.log(probabilities) - ops.log(1.0 - probabilities)


def combine(
    logits: Any, evidence: Any, network_weight: Any, linear_weight: Any, offset: Any
) -> Any:
    """Computes `network_weight * logits + offset + linear_weight * evidence`.

    Args:
        logits: (..., num_labels), the network's.
        evidence: (..., num_labels), what the linear classifier says for each label.
        network_weight: the factor of the logits.
        linear_weight: the factor of the evidence.
        offset: added; keeps the typical logit where it was.

    Returns:
        (..., num_labels).
    """
    return network_weight * logits + offset + linear_weight * evidence
