"""Poolings: from one vector per position to one vector per sequence, ignoring padding."""

from typing import Any, ClassVar

import keras
from keras import ops

from models.config import BackboneConfig
from models.serializable import Serializable

# Finite, so that a row of nothing but padding gives finite numbers.
_MASKED = -3e4


@keras.saving.register_keras_serializable(package="models")
class ClsPooling(Serializable, keras.layers.Layer):
    """BERT's pooler: `tanh(x_0 W + b)`, where x_0 is the vector of the first token, [CLS].

        >>> config = backbone_config("transformer", "tiny", vocab_size=100)
        >>> ClsPooling(config)(np.ones((1, 3, 64), "float32"), np.ones((1, 3), bool)).shape
        TensorShape([1, 64])

    Args:
        config: the backbone's configuration.

    Attributes:
        reads_first_alone: True, so that the backbone need not compute other positions for it.

    References:
        the pooler of Devlin et al. 2019 (https://github.com/google-research/bert).
    """

    reads_first_alone: ClassVar[bool] = True

    def __init__(self, config: BackboneConfig, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.config = config
        self.dense = _dense(config, config.d_model, "tanh", self.dtype_policy, "dense")

    def build(self, input_shape: tuple) -> None:
        """Creates the projection."""
        self.dense.build((None, self.config.d_model))

    def call(self, sequence: Any, padding_mask: Any) -> Any:
        """(batch, length, d_model), (batch, length) bool to (batch, d_model)."""
        return self.dense(sequence[:, 0, :])


@keras.saving.register_keras_serializable(package="models")
class MaxPooling(Serializable, keras.layers.Layer):
    """The largest value of each unit over the positions (Kim 2014, "max-over-time")."""

    def call(self, sequence: Any, padding_mask: Any) -> Any:
        """(batch, length, d_model), (batch, length) bool to (batch, d_model)."""
        return ops.max(ops.where(ops.expand_dims(padding_mask, -1), sequence, _MASKED), axis=1)


@keras.saving.register_keras_serializable(package="models")
class MeanPooling(Serializable, keras.layers.Layer):
    """The mean of each unit over the positions."""

    def call(self, sequence: Any, padding_mask: Any) -> Any:
        """(batch, length, d_model), (batch, length) bool to (batch, d_model)."""
        # Half precision cannot count, or add up, hundreds of positions.
        weights = ops.expand_dims(ops.cast(padding_mask, "float32"), -1)
        total = ops.sum(ops.cast(sequence, "float32") * weights, axis=1)
        mean = total / ops.maximum(ops.sum(weights, axis=1), 1.0)
        return ops.cast(mean, sequence.dtype)


@keras.saving.register_keras_serializable(package="models")
class AttentionPooling(Serializable, keras.layers.Layer):
    """Pools with several learned queries, each with its own attention weights.

    Head h scores the positions by `x q_h / sqrt(d_model)`. The softmax of the scores weights a mean
    of the head's values, `d_v` units of a projection of x. The heads' means are concatenated and
    projected to `d_model`.

    Args:
        config: the backbone's configuration; there is one query per head, `num_heads`.

    References:
        Lin et al. 2017, "A structured self-attentive sentence embedding"
        (https://arxiv.org/abs/1703.03130); Lee et al. 2019, section 3.2, "pooling by multihead
        attention" (https://arxiv.org/abs/1810.00825).
    """

    def __init__(self, config: BackboneConfig, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.config = config
        policy, width = self.dtype_policy, config.num_heads * config.d_v
        self.value = _dense(config, width, None, policy, "value")
        self.output_projection = _dense(config, config.d_model, None, policy, "output")

    def build(self, input_shape: tuple) -> None:
        """Creates the queries and the projections."""
        self.queries = self.add_weight(
            shape=(self.config.d_model, self.config.num_heads),
            initializer=keras.initializers.TruncatedNormal(stddev=self.config.initializer_range),
            name="queries",
        )
        self.value.build((None, None, self.config.d_model))
        self.output_projection.build((None, self.config.num_heads * self.config.d_v))

    def call(self, sequence: Any, padding_mask: Any) -> Any:
        """(batch, length, d_model), (batch, length) bool to (batch, d_model)."""
        scores = ops.cast(ops.matmul(sequence, self.queries), "float32") * self.config.d_model**-0.5
        scores = ops.where(ops.expand_dims(padding_mask, -1), scores, _MASKED)
        weights = ops.cast(ops.softmax(scores, axis=1), sequence.dtype)
        batch, length = ops.shape(sequence)[:2]
        heads, width = self.config.num_heads, self.config.d_v
        values = ops.reshape(self.value(sequence), (batch, length, heads, width))
        # b: batch, s: position, h: head, d: width within the head.
        pooled = ops.einsum("bsh,bshd->bhd", weights, values)
        return self.output_projection(ops.reshape(pooled, (batch, heads * width)))


def _dense(
    config: BackboneConfig, units: int, activation: str | None, policy: Any, name: str
) -> keras.layers.Dense:
    deviation = config.initializer_range
    return keras.layers.Dense(
        units,
        activation=activation,
        kernel_initializer=keras.initializers.TruncatedNormal(stddev=deviation),
        dtype=policy,
        name=name,
    )


def cls_pooling(config: BackboneConfig) -> keras.layers.Layer:
    """BERT's pooler."""
    return ClsPooling(config, name="cls_pooling")


def max_pooling(config: BackboneConfig) -> keras.layers.Layer:
    """The largest value of each unit."""
    return MaxPooling(name="max_pooling")


def mean_pooling(config: BackboneConfig) -> keras.layers.Layer:
    """The mean of each unit."""
    return MeanPooling(name="mean_pooling")


def attention_pooling(config: BackboneConfig) -> keras.layers.Layer:
    """Attention with one learned query per head of the backbone."""
    return AttentionPooling(config, name="attention_pooling")
