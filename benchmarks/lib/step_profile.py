"""Profiles a training step: the time of its parts, and the operations of its matrix products."""

import itertools
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np

# Units of the max-pooled head for each dimension of the backbone.
UNITS_PER_DIM = 4


def parts(model: keras.Model, batch: Any, rounds: int) -> dict[str, float]:
    """Measures the milliseconds of a step's parts, forward and backward, on TensorFlow.

    It alternately runs the step up to the embeddings, up to the encoder, up to the loss, and as a
    whole with the optimizer, and subtracts each time from the next.

    Args:
        model: a compiled model.
        batch: a batch as `fit` takes it.
        rounds: the number of measurements of each part, of which the median is taken.

    Returns:
        The milliseconds of each part, and of the whole "step".
    """
    import tensorflow as tf

    inputs, targets = batch if isinstance(batch, tuple) else (batch, None)
    tensors = (
        tf.nest.map_structure(tf.constant, inputs),
        None if targets is None else tf.constant(targets),
    )

    def gradients(loss: Callable[[Any, Any], Any]) -> Callable[[], Any]:
        @tf.function
        def run(inputs: Any, targets: Any) -> Any:
            with tf.GradientTape() as tape:
                value = loss(inputs, targets)
            weights = [variable.value for variable in model.trainable_variables]
            grads = tape.gradient(value, weights)
            return [tf.reduce_sum(tf.convert_to_tensor(one)) for one in grads if one is not None]

        return lambda: run(*tensors)

    def upto(name: str) -> Callable[[Any, Any], Any]:
        return lambda inputs, targets: tf.reduce_sum(model.encoded(inputs, training=True)[name])

    def whole(inputs: Any, targets: Any) -> Any:
        return model.compute_loss(inputs, targets, model(inputs, training=True), training=True)

    step = tf.function(lambda inputs, targets: model.train_step((inputs, targets)))
    reads_sequence = getattr(model, "head", None) is None or model.head.reads_sequence_output
    pieces = {
        "embedding": gradients(upto("embedding_output")),
        "encoder": gradients(upto("sequence_output" if reads_sequence else "pooled_output")),
        "head and loss": gradients(whole),
        "optimizer": lambda: step(*tensors),
    }
    for run in pieces.values():
        run()
    seconds: dict[str, list[float]] = {name: [] for name in pieces}
    for _ in range(rounds):
        for name, run in pieces.items():
            began = time.perf_counter()
            tf.nest.map_structure(lambda result: getattr(result, "numpy", float)(), run())
            seconds[name].append(time.perf_counter() - began)
    upto_ms = [1000 * statistics.median(values) for values in seconds.values()]
    shares = np.diff([0.0, *upto_ms])
    return dict(zip(pieces, shares.tolist(), strict=True)) | {"step": upto_ms[-1]}


def input_ms(batches: Callable[[], Any], count: int) -> float:
    """The mean time to prepare a batch in milliseconds, over `count` batches."""
    began = time.perf_counter()
    made = sum(1 for _ in itertools.islice(batches(), count))
    return 1000 * (time.perf_counter() - began) / made


def matmul_rate(size: int = 2048, rounds: int = 5, precision: str = "float32") -> float:
    """Floating-point operations per second of a square matrix product, the best of `rounds`."""
    left = keras.ops.cast(keras.random.normal((size, size)), precision)
    product = _compiled(lambda x: keras.ops.matmul(x, x))
    _value(product(left))
    best = float("inf")
    for _ in range(rounds):
        began = time.perf_counter()
        _value(product(left))
        best = min(best, time.perf_counter() - began)
    return 2 * size**3 / best


def operations(config: Any, inputs: Mapping[str, np.ndarray], head: str, classes: int) -> float:
    """Counts the floating-point operations of the matrix products of a training step.

    A multiplication and an addition count as two. The backward pass has two products for each one
    of the forward pass, except for the max-pooled head, where only one token per unit has a
    gradient (see `models.kernels.dense_max_pool`). Padding is computed, so it is counted.

    Args:
        config: the backbone's configuration.
        inputs: a batch.
        head: "masked_lm", "pooled" or "max_pooled".
        classes: the size of the vocabulary, or the number of labels.

    References:
        Kaplan et al. 2020, section 2.1 (https://arxiv.org/abs/2001.08361).
    """
    rows, length = inputs["token_ids"].shape
    d = config.d_model
    slots = inputs["masked_positions"].shape[1] if head == "masked_lm" else 0
    if config.backbone == "transformer":
        inner, values = config.num_heads * config.d_k, config.num_heads * config.d_v
        read = d * (inner + values)
        computed = d * inner + length * (inner + values) + values * d + 2 * d * config.d_ff
        # The last layer is computed only at the positions that are read; the pooling reads one.
        last = {"masked_lm": 1 + slots, "pooled": 1}.get(head, length)
        layers = config.num_layers
        row = layers * length * read + ((layers - 1) * length + last) * computed
    else:
        filters = config.num_filters
        token = sum(size * (d * filters + filters * filters) for size in config.filter_sizes)
        row = length * (token + len(config.filter_sizes) * filters * d)
    total = rows * row
    forward_alone = 0
    if head == "masked_lm":
        total += rows * slots * d * (d + classes)
    elif head == "max_pooled":
        width = UNITS_PER_DIM * d
        total += rows * width * classes
        forward_alone = rows * length * 2 * d * width
    else:
        total += rows * (d * d + d * classes)
    return 2.0 * (3 * total + forward_alone)


def _compiled(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    if keras.backend.backend() == "jax":
        import jax

        return jax.jit(function)
    import tensorflow as tf

    return tf.function(function)


def _value(result: Any) -> np.ndarray:
    # Waits for the device, with a single element. It is cast because NumPy has no bfloat16.
    return keras.ops.convert_to_numpy(keras.ops.cast(result[0, 0], "float32"))
