import keras
import numpy as np
import pytest

from models.kernels.attention import dot_product_attention
from models.layers.multi_head_attention import MultiHeadAttention

WIDTH, HEADS = 12, 3


def pair(d_k, d_v, dropout=0.0):
    """Our layer and Keras' own with the same random weights."""
    ours = MultiHeadAttention(num_heads=HEADS, d_k=d_k, d_v=d_v, d_model=WIDTH, dropout=dropout)
    theirs = keras.layers.MultiHeadAttention(HEADS, d_k, d_v, output_shape=WIDTH)
    shape = (None, None, WIDTH)
    ours.build(shape)
    theirs.build(shape, shape)
    rng = np.random.default_rng(0)
    for projection in (ours.query, ours.key, ours.value, ours.output_projection):
        projection.set_weights([rng.normal(size=weight.shape) for weight in projection.weights])
    theirs.set_weights(
        [
            weight.reshape(target.shape)
            for weight, target in zip(ours.get_weights(), theirs.get_weights(), strict=True)
        ]
    )
    return ours, theirs


@pytest.mark.parametrize(("d_k", "d_v"), [(4, 4), (4, 6), (5, 2)])
@pytest.mark.parametrize("mask", ["none", "positions", "pairs"])
@pytest.mark.parametrize("source", ["self", "other"])
def test_equals_keras(d_k, d_v, mask, source):
    ours, theirs = pair(d_k, d_v)
    rng = np.random.default_rng(1)
    query = rng.normal(size=(2, 5, WIDTH)).astype("float32")
    key = query if source == "self" else rng.normal(size=(2, 7, WIDTH)).astype("float32")
    value = query if source == "self" else rng.normal(size=key.shape).astype("float32")
    positions = rng.random((2, key.shape[1])) < 0.6
    pairs = rng.random((2, 5, key.shape[1])) < 0.6
    positions[:, 0] = pairs[:, :, 0] = True
    our_mask = {"none": None, "positions": positions, "pairs": pairs}[mask]
    their_mask = positions[:, None, :] if mask == "positions" else our_mask
    expected = theirs(query, value, key, attention_mask=their_mask)
    got = ours(query, mask=our_mask) if source == "self" else ours(query, key, value, our_mask)
    # float32 sums of values up to 15, in the order that the processor's vector units have.
    np.testing.assert_allclose(got, expected, atol=5e-5, rtol=1e-5)


def test_both_ways_of_computing_are_one():
    ours, _ = pair(4, 4, dropout=0.5)
    x = np.random.default_rng(2).normal(size=(2, 6, WIDTH)).astype("float32")
    mask = np.arange(6) < np.array([[4], [6]])
    q, k, v = (
        ours._split_heads(projection(x), 4) for projection in (ours.query, ours.key, ours.value)
    )
    everywhere = mask[:, None, None, :]
    written_out = dot_product_attention(q, k, v, everywhere, lambda weights: weights)
    fused = keras.ops.dot_product_attention(q, k, v, mask=everywhere)
    np.testing.assert_allclose(written_out, fused, atol=1e-5)
    written_out = ours.output_projection(np.reshape(written_out, (2, 6, HEADS * 4)))
    np.testing.assert_allclose(ours(x, mask=mask), written_out, atol=1e-5)


def test_dropout_is_on_the_weights_in_training_only():
    ours, _ = pair(4, 4, dropout=0.5)
    x = np.random.default_rng(2).normal(size=(1, 6, WIDTH)).astype("float32")
    np.testing.assert_array_equal(ours(x, training=False), ours(x, training=False))
    assert not np.allclose(ours(x, training=True), ours(x, training=True))


@pytest.mark.parametrize("d_v", [4, 6])
def test_fully_masked_rows_stay_finite(d_v):
    ours, _ = pair(4, d_v)
    x = np.random.default_rng(3).normal(size=(2, 3, WIDTH)).astype("float32")
    mask = np.array([[True, True, False], [False, False, False]])
    assert np.isfinite(ours(x, mask=mask)).all()


def test_rotary_tells_the_order_and_not_the_place():
    layer = MultiHeadAttention(
        num_heads=HEADS, d_k=4, d_v=4, d_model=WIDTH, rotary=True, initializer_range=1.0
    )
    x = np.random.default_rng(4).normal(size=(1, 5, WIDTH)).astype("float32")
    outputs = np.asarray(layer(x))
    later = np.concatenate([np.zeros((1, 3, WIDTH), "float32"), x], axis=1)
    mask = np.arange(8)[None] >= 3
    np.testing.assert_allclose(np.asarray(layer(later, mask=mask))[:, 3:], outputs, atol=1e-4)
    # Without positions the reversed text would have the reversed output.
    assert np.abs(np.asarray(layer(x[:, ::-1]))[:, ::-1] - outputs).max() > 0.01


@pytest.mark.parametrize("rotary", [False, True])
def test_config_round_trip(rotary):
    ours = MultiHeadAttention(
        num_heads=HEADS, d_k=4, d_v=6, d_model=WIDTH, dropout=0.25, rotary=rotary
    )
    again = MultiHeadAttention.from_config(ours.get_config())
    assert again.get_config() == ours.get_config()
