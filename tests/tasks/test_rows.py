"""Joining the rows of examples, in NumPy and in Keras' operations, against loops."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import log_softmax

from models.layers import joined_rows
from tasks import rows

sizes = st.lists(st.integers(1, 4), min_size=1, max_size=6)


def batch_of(sizes, width=None, seed=0):
    """Values, and the numbers of examples of so many rows each: not in order, with gaps."""
    random = np.random.default_rng(seed)
    numbers = random.permutation(100)[: len(sizes)]
    shape = (sum(sizes),) if width is None else (sum(sizes), width)
    return random.normal(size=shape).astype(np.float32) * 9, np.repeat(numbers, sizes)


def parts_of(values, sizes):
    return np.split(values, np.cumsum(sizes)[:-1])


@given(sizes)
def test_the_largest_value(sizes):
    values, example = batch_of(sizes, width=2)
    expected = np.stack([part.max(axis=0) for part in parts_of(values, sizes)])
    np.testing.assert_array_equal(rows.max_over_rows(values, example), expected)
    found = joined_rows.max_over_rows(values, example)
    np.testing.assert_array_equal(found, np.repeat(expected, sizes, axis=0))


@given(sizes)
def test_probabilities(sizes):
    logits, example = batch_of(sizes)
    expected = np.concatenate([log_softmax(part) for part in parts_of(logits, sizes)])
    np.testing.assert_allclose(rows.softmax_over_rows(logits, example), np.exp(expected), rtol=1e-4)
    found = joined_rows.log_softmax_over_rows(logits, example)
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_the_gradient_of_a_logarithmic_probability(jit_compile):
    logits, example = batch_of([2, 1, 3])
    answers = np.array([1, 0, 1, 0, 0, 1], np.float32)

    @tf.function(jit_compile=jit_compile)
    def gradient(logits):
        with tf.GradientTape() as tape:
            tape.watch(logits)
            log_probabilities = joined_rows.log_softmax_over_rows(logits, example)
            total = tf.reduce_sum(log_probabilities * answers)
        return tape.gradient(total, logits)

    expected = answers - rows.softmax_over_rows(logits, example)
    np.testing.assert_allclose(gradient(tf.constant(logits)), expected, atol=1e-5)


def test_large_logits_do_not_overflow():
    example = np.array([0, 0])
    found = joined_rows.log_softmax_over_rows(np.array([1000.0, 0.0], np.float32), example)
    np.testing.assert_allclose(found, [0.0, -1000.0])


def test_rows_are_split_by_example():
    example = np.array([7, 7, 3, 9])
    outputs = {"a": np.arange(4), "b": np.arange(8).reshape(4, 2)}
    parts = rows.split_rows(outputs, example)
    assert [part["a"].tolist() for part in parts] == [[0, 1], [2], [3]]
    assert [part["b"].shape for part in parts] == [(2, 2), (1, 2), (1, 2)]
    assert [part.tolist() for part in rows.split_rows(outputs["a"], example)] == [[0, 1], [2], [3]]
    assert rows.split_rows(np.zeros((0, 3)), np.zeros(0)) == []
