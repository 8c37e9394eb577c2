"""Against all paths, and against pytorch-crf."""

import itertools

import keras
import numpy as np
import pytest
from scipy.special import logsumexp

from models.layers.linear_chain_crf import LinearChainCRF, crf_loss


def batch(rows, length, tags, seed=0):
    """Scores, tags and weights with gaps, among them one row without any position."""
    random = np.random.default_rng(seed)
    logits = random.normal(size=(rows, length, tags)).astype(np.float32)
    transitions = random.normal(size=(tags + 2, tags)).astype(np.float32)
    chosen = random.integers(tags, size=(rows, length)).astype(np.int32)
    weights = (random.random((rows, length)) < 0.7).astype(np.float32)
    weights[0], weights[1] = 1, 0
    previous = np.full((rows, length), tags, np.int32)
    last = np.zeros(rows, np.int32)
    for row in range(rows):
        places = np.flatnonzero(weights[row])
        previous[row, places[1:]] = chosen[row, places[:-1]]
        if len(places):
            last[row] = chosen[row, places[-1]]
    return logits, transitions, chosen, previous, last, weights


def losses(logits, transitions, *others):
    tiled = np.broadcast_to(transitions, (len(logits), *transitions.shape))
    return keras.ops.convert_to_numpy(crf_loss(logits, tiled, *others))


def test_over_all_paths():
    for length in range(1, 7):
        logits, transitions, chosen, *others, weights = batch(4, length, 3, seed=length)
        found = losses(logits, transitions, chosen, *others, weights)
        for row in range(4):
            places = np.flatnonzero(weights[row])
            if not len(places):
                assert found[row] == 0
                continue
            totals = {}
            for path in itertools.product(range(3), repeat=len(places)):
                total = transitions[3, path[0]] + transitions[4, path[-1]]
                total += logits[row, places, path].sum()
                total += sum(transitions[one, other] for one, other in itertools.pairwise(path))
                totals[path] = total
            expected = logsumexp(list(totals.values())) - totals[tuple(chosen[row, places])]
            assert found[row] == pytest.approx(expected, abs=1e-4)


def test_as_pytorch_crf_with_its_gradient():
    torch = pytest.importorskip("torch")
    torchcrf = pytest.importorskip("torchcrf", reason="pytorch-crf is not installed")
    import tensorflow as tf

    logits, transitions, chosen, _, _, _ = batch(5, 7, 4)
    lengths = np.array([7, 1, 5, 3, 7])
    mask = np.arange(7) < lengths[:, None]
    previous = np.concatenate([np.full((5, 1), 4), chosen[:, :-1]], axis=1).astype(np.int32)
    last = chosen[np.arange(5), lengths - 1]
    with tf.GradientTape() as tape:
        scores = tf.Variable(transitions)
        tiled = tf.broadcast_to(scores, (5, 6, 4))
        loss = crf_loss(logits, tiled, chosen, previous, last, mask.astype(np.float32))
        total = tf.reduce_sum(loss)
    gradient = tf.convert_to_tensor(tape.gradient(total, scores)).numpy()
    crf = torchcrf.CRF(4, batch_first=True)
    parts = (transitions[:4], transitions[4], transitions[5])
    theirs = (crf.transitions, crf.start_transitions, crf.end_transitions)
    with torch.no_grad():
        for parameter, value in zip(theirs, parts, strict=True):
            parameter.copy_(torch.tensor(value))
    arguments = (torch.tensor(logits), torch.tensor(chosen).long(), torch.tensor(mask))
    expected = -crf(*arguments, reduction="none")
    np.testing.assert_allclose(loss.numpy(), expected.detach().numpy(), atol=1e-4)
    expected.sum().backward()
    for ours, parameter in zip((gradient[:4], gradient[4], gradient[5]), theirs, strict=True):
        np.testing.assert_allclose(ours, parameter.grad.numpy(), atol=1e-4)


def test_it_begins_as_a_softmax_at_each_position():
    logits, _, chosen, previous, last, weights = batch(3, 5, 4)
    layer = LinearChainCRF(4)
    transitions = layer(logits)
    assert transitions.shape == (3, 6, 4)
    found = keras.ops.convert_to_numpy(
        crf_loss(logits, transitions, chosen, previous, last, weights)
    )
    each = keras.ops.convert_to_numpy(
        keras.losses.sparse_categorical_crossentropy(chosen, logits, from_logits=True)
    )
    np.testing.assert_allclose(found, (each * weights).sum(axis=1), atol=1e-5)
    again = LinearChainCRF.from_config(layer.get_config())
    assert again.num_tags == 4
