"""The compiled forward pass."""

import keras
import numpy as np
from tensorflow.python.eager import context

from training.devices.forward import Forward


def batch_of(rows, length):
    ids = np.arange(rows * length, dtype=np.int32).reshape(rows, length)
    return {"token_ids": ids, "padding_mask": ids % 2 == 0}


class Batches:
    """Batches of some shapes, whose targets are the numbers of their rows."""

    def __init__(self, shapes):
        self.shapes = shapes

    def steps(self, epoch):
        return len(self.shapes)

    def batches(self, epoch):
        for rows, length in self.shapes:
            yield batch_of(rows, length), np.arange(rows)


class Sum(keras.Model):
    """Gives two numbers a row, whatever its length; counts how often it was traced."""

    def __init__(self, nested=False):
        super().__init__()
        self.traced = 0
        self.nested = nested

    def call(self, inputs):
        self.traced += 1
        total = keras.ops.sum(inputs["token_ids"], axis=1, keepdims=True)
        both = keras.ops.concatenate([total, -total], axis=1)
        return {"both": both, "tokens": inputs["token_ids"]} if self.nested else both


def test_outputs_in_order_without_tracing_anew():
    batches = Batches([(4, 32), (4, 64), (4, 96), (1, 128)])
    model = Sum()
    found = list(Forward(model)(batches))
    assert len(found) == 4
    for (inputs, targets, outputs), (rows, _) in zip(found, batches.shapes, strict=True):
        sums = inputs["token_ids"].sum(axis=1)
        np.testing.assert_array_equal(outputs, np.stack([sums, -sums], axis=1))
        np.testing.assert_array_equal(targets, np.arange(rows))
    assert model.traced < len(batches.shapes)


def test_outputs_may_be_a_dict_of_changing_lengths():
    for inputs, _, outputs in Forward(Sum(nested=True))(Batches([(4, 32), (2, 64)])):
        assert outputs.keys() == {"both", "tokens"}
        np.testing.assert_array_equal(outputs["tokens"], inputs["token_ids"])
        assert isinstance(outputs["both"], np.ndarray)


class Scaled(keras.Model):
    """The sum of a row's tokens times a weight."""

    def __init__(self):
        super().__init__()
        self.scale = self.add_weight(shape=(), initializer="ones")

    def call(self, inputs):
        return self.scale * keras.ops.sum(keras.ops.cast(inputs["token_ids"], "float32"), axis=1)


def test_the_weights_are_those_of_the_moment():
    model = Scaled()
    forward, inputs = Forward(model), batch_of(2, 4)
    once = forward.outputs(inputs)
    model.scale.assign(3.0)
    np.testing.assert_array_equal(forward.outputs(inputs), 3 * once)


def test_nothing_is_kept_of_a_batch():
    # TensorFlow keeps every function for good: a new one in each call would fill the memory.
    forward = Forward(Sum())

    def functions():
        list(forward(Batches([(2, 8)])))
        return len(context.context().list_function_names())

    functions()
    assert functions() == functions()
