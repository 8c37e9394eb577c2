"""From a vector a position to one vector a document; padded positions count for nothing."""

from typing import Any, ClassVar

import keras
from keras import ops

from models.config import BackboneConfig

# Finite, so that a row of padding alone gives finite numbers.
_MASKED = -3e4


@keras.saving.register_keras_serializable(package="models")
class ClsPooling(keras.layers.Layer):
    """`tanh(x_0 W + b)`, x_0 at the first token, [CLS].

    Args:
        d_model: width of the input and of the output.
        initializer_range: standard deviation of the first weights.

    References:
        the pooler of Devlin et al. 2019 (https://github.com/google-research/bert).

    Attributes:
        reads_first_alone: True: no other position need be computed for it.
    """

    reads_first_alone: ClassVar[bool] = True

    def __init__(self, d_model: int, initializer_range: float = 0.02, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.d_model = d_model
        self.initializer_range = initializer_range
        self.dense = _dense(d_model, "tanh", initializer_range, self.dtype_policy, "dense")

    def build(self, input_shape: tuple) -> None:
        """Makes the projection."""
        self.dense.build((None, self.d_model))

    def call(self, sequence: Any, padding_mask: Any) -> Any:
        """(batch, length, d_model), (batch, length) bool to (batch, d_model)."""
        return self.dense(sequence[:, 0, :])

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "d_model": self.d_model,
            "initializer_range": self.initializer_range,
        }


@keras.saving.register_keras_serializable(package="models")
class MaxPooling(keras.layers.Layer):
    """The largest value of each unit over the positions (Kim 2014, "max-over-time")."""

    def call(self, sequence: Any, padding_mask: Any) -> Any:
        """(batch, length, d_model), (batch, length) bool to (batch, d_model)."""
        return ops.max(ops.where(ops.expand_dims(padding_mask, -1), sequence, _MASKED), axis=1)


@keras.saving.register_keras_serializable(package="models")
class MeanPooling(keras.layers.Layer):
    """The mean of each unit over the positions."""

    def call(self, sequence: Any, padding_mask: Any) -> Any:
        """(batch, length, d_model), (batch, length) bool to (batch, d_model)."""
        # Half precision cannot count, or add up, hundreds of positions.
        weights = ops.expand_dims(ops.cast(padding_mask, "float32"), -1)
        total = ops.sum(ops.cast(sequence, "float32") * weights, axis=1)
        mean = total / ops.maximum(ops.sum(weights, axis=1), 1.0)
        return ops.cast(mean, sequence.dtype)


@keras.saving.register_keras_serializable(package="models")
class AttentionPooling(keras.layers.Layer):
    """Several learned queries, each with its own weights over the positions.

    Head h scores the positions by `x q_h / sqrt(d_model)` and takes the mean, weighted by the
    softmax of its scores, of its own `d_v` units of a projection of x. The heads' means are
    concatenated and projected to `d_model`.

    Args:
        num_header: number of queries.
        d_v: units that each of them pools.
        d_model: width of the input and of the output.
        initializer_range: standard deviation of the first weights.

    References:
        Lin et al. 2017, "A structured self-attentive sentence embedding"
        (https://arxiv.org/abs/1703.03130); Lee et al. 2019, section 3.2, "pooling by multihead
        attention" (https://arxiv.org/abs/1810.00825).
    """

    def __init__(
        self,
        num_header: int,
        d_v: int,
        d_model: int,
        initializer_range: float = 0.02,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.num_header = num_header
        self.d_v = d_v
        self.d_model = d_model
        self.initializer_range = initializer_range
        policy = self.dtype_policy
        self.value = _dense(num_header * d_v, None, initializer_range, policy, "value")
        self.output_projection = _dense(d_model, None, initializer_range, policy, "output")

    def build(self, input_shape: tuple) -> None:
        """Makes the queries and the projections."""
        self.queries = self.add_weight(
            shape=(self.d_model, self.num_header),
            initializer=keras.initializers.TruncatedNormal(stddev=self.initializer_range),
            name="queries",
        )
        self.value.build((None, None, self.d_model))
        self.output_projection.build((None, self.num_header * self.d_v))

    def call(self, sequence: Any, padding_mask: Any) -> Any:
        """(batch, length, d_model), (batch, length) bool to (batch, d_model)."""
        scores = ops.cast(ops.matmul(sequence, self.queries), "float32") * self.d_model**-0.5
        scores = ops.where(ops.expand_dims(padding_mask, -1), scores, _MASKED)
        weights = ops.cast(ops.softmax(scores, axis=1), sequence.dtype)
        batch, length = ops.shape(sequence)[:2]
        values = ops.reshape(self.value(sequence), (batch, length, self.num_header, self.d_v))
        # b: batch, s: position, h: head, d: width within the head.
        pooled = ops.einsum("bsh,bshd->bhd", weights, values)
        return self.output_projection(ops.reshape(pooled, (batch, self.num_header * self.d_v)))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "num_header": self.num_header,
            "d_v": self.d_v,
            "d_model": self.d_model,
            "initializer_range": self.initializer_range,
        }


def _dense(
    units: int, activation: str | None, initializer_range: float, policy: Any, name: str
) -> keras.layers.Dense:
    return keras.layers.Dense(
        units,
        activation=activation,
        kernel_initializer=keras.initializers.TruncatedNormal(stddev=initializer_range),
        dtype=policy,
        name=name,
    )


def cls_pooling(config: BackboneConfig) -> keras.layers.Layer:
    """BERT's pooler."""
    return ClsPooling(config.d_model, config.initializer_range, name="cls_pooling")


def max_pooling(config: BackboneConfig) -> keras.layers.Layer:
    """The largest value of each unit."""
    return MaxPooling(name="max_pooling")


def mean_pooling(config: BackboneConfig) -> keras.layers.Layer:
    """The mean of each unit."""
    return MeanPooling(name="mean_pooling")


def attention_pooling(config: BackboneConfig) -> keras.layers.Layer:
    """As many queries as the backbone has heads."""
    return AttentionPooling(
        config.num_header,
        config.d_v,
        config.d_model,
        config.initializer_range,
        name="attention_pooling",
    )
