"""Measures the hand-written kernels against Keras' own layers and operations.

    python -m benchmarks.kernels [--rounds=5] [--width=256] [--out=benchmark_results]

Each kernel of `models/kernels/` that has an equivalent in Keras runs beside it, alternately, as a
compiled function that computes the values and the gradient of every input, as a training step does;
the cross-entropy also says which class has the highest logit, for the accuracy.
The input is one batch of 64 sequences of 200 tokens, float32, random. `tests/models/kernels/` tests
that both give the same values and gradients. "Adam's update" is that of an embedding table of
30,000 tokens by `training/loop/optimizer.py`.

Columns: calls per second of processor time and of wall time, and how many times as fast the kernel
is as Keras (the median of the rounds' ratios of processor time).
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.lib.measuring import in_turn, report, summary
from training.command_line import quiet_libraries

BATCH, LENGTH, CLASSES = 64, 200, 30_000
MASKED = 320  # targets of masked LM in a batch: fewer, because each has a score for every class
CALLS = 10


def main() -> None:
    """Measures every pair and prints the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each side")
    parser.add_argument("--width", type=int, default=256, help="of the vector at each position")
    parser.add_argument("--out", type=Path, default=Path("benchmark_results"), help="for the JSON")
    parser.add_argument(
        "--test_mode", action="store_true", help="a smoke run: its times say nothing"
    )
    arguments = parser.parse_args()
    if arguments.test_mode:
        arguments.rounds, arguments.width = 1, 8
    quiet_libraries()
    tables = {}
    for name, (ours, keras_own, shape) in pairs(arguments.width).items():
        sides = {"kernel": timed(ours, shape), "Keras": timed(keras_own, shape)}
        tables[name] = summary(in_turn(sides, arguments.rounds), "kernel")
    sides = {name: updates(one, arguments.width) for name, one in optimizers().items()}
    tables["Adam's update"] = summary(in_turn(sides, arguments.rounds), "kernel")
    report("kernels", arguments, tables)


def pairs(width: int) -> dict[str, tuple[Callable, Callable, tuple[int, ...]]]:
    """By name the kernel, its equivalent in Keras, and the shape of the input."""
    import keras
    import numpy as np
    from keras import ops

    from models.kernels.activations import activate
    from models.kernels.dropout import Dropout
    from models.kernels.gather import gather_positions
    from models.kernels.layer_norm import LayerNormalization
    from models.kernels.losses import cross_entropy

    batch = (BATCH, LENGTH, width)
    norm, keras_norm = LayerNormalization(), keras.layers.LayerNormalization()
    dropout, keras_dropout = Dropout(0.1, seed=1), keras.layers.Dropout(0.1, seed=1)
    for layer in (norm, keras_norm):
        layer.build(batch)
    random = np.random.default_rng(0)
    ids = ops.convert_to_tensor(random.integers(0, CLASSES, MASKED).astype("int32"))
    positions = ops.convert_to_tensor(random.integers(0, LENGTH, (BATCH, 24)).astype("int32"))
    return {
        "GELU": (
            lambda x: activate("gelu", x, True),
            lambda x: keras.activations.gelu(x),
            batch,
        ),
        "layer normalization": (lambda x: norm(x, training=True), keras_norm, batch),
        "dropout": (
            lambda x: dropout(x, training=True),
            lambda x: keras_dropout(x, training=True),
            batch,
        ),
        "softmax cross-entropy": (
            lambda x: cross_entropy(ids, x),
            lambda x: (
                ops.sparse_categorical_crossentropy(ids, x, from_logits=True),
                ops.argmax(x, axis=-1),
            ),
            (MASKED, CLASSES),
        ),
        "gathering positions": (
            lambda x: gather_positions(x, positions),
            lambda x: ops.take_along_axis(x, positions[:, :, None], axis=1),
            batch,
        ),
    }


def timed(function: Callable[[Any], Any], shape: tuple[int, ...]) -> Callable[[], float]:
    """Compiles a function with its gradient; the result runs it `CALLS` times."""
    import tensorflow as tf

    x = tf.random.stateless_normal(shape, seed=(1, 2))

    @tf.function(autograph=False)
    def step(x: tf.Tensor) -> tuple[list[tf.Tensor], tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(x)
            outputs = tf.nest.flatten(function(x))
        # The cross-entropy has the predicted classes as its second output.
        return outputs, tf.convert_to_tensor(tape.gradient(outputs[0], x))

    return repeated(lambda: step(x)[1])


def optimizers() -> dict[str, Any]:
    """The optimizer of each side."""
    import keras

    from training.loop.optimizer import AdamW

    return {
        "kernel": AdamW(1e-3, decay=0.0, clip_norm=None),
        "Keras": keras.optimizers.Adam(1e-3),
    }


def updates(optimizer: Any, width: int) -> Callable[[], float]:
    """Compiles the update of an embedding table; the result runs it `CALLS` times."""
    import keras
    import tensorflow as tf

    table = keras.Variable(keras.random.normal((CLASSES, width), seed=1))
    gradient = tf.random.stateless_normal(table.shape, seed=(1, 2))
    optimizer.build([table])

    @tf.function(autograph=False)
    def step() -> tf.Tensor:
        optimizer.apply([gradient], [table])
        return tf.identity(optimizer.iterations.value)

    return repeated(step)


def repeated(step: Callable[[], Any]) -> Callable[[], float]:
    """Runs a step `CALLS` times, and waits for the tensor that it returns."""

    def work() -> float:
        for _ in range(CALLS):
            step().numpy()
        return CALLS

    return work


if __name__ == "__main__":
    main()
