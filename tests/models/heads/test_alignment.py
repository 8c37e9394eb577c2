import keras
import numpy as np
import pytest
import scipy.special
import scipy.stats

from models.backbones.base import make_backbone
from models.build import build
from models.registry import BACKBONES, HEADS
from tests.classifiers import classification_model
from training.loop.optimizer import AdamW

LABELS = 2
backbones = pytest.mark.parametrize("backbone", BACKBONES)
pair_heads = pytest.mark.parametrize("head", ["alignment", "next_sentence"])


def model_of(config, head="alignment", scale=0.4):
    model = build(classification_model(make_backbone(config), LABELS, "multi_class", 0.0, head))
    rng = np.random.default_rng(1)
    model.set_weights([rng.normal(scale=scale, size=weight.shape) for weight in model.weights])
    model.calibrate(1.0, 0.0)
    return model


def test_which_heads_are_for_pairs():
    assert {name for name in HEADS if HEADS[name].for_pairs} == {"alignment", "next_sentence"}


@backbones
@pair_heads
def test_padding_changes_nothing(config_of, batch_of, backbone, head):
    model = model_of(config_of(backbone), head)
    # Rows of several lengths, whose second segment begins at the middle.
    alone = [model(batch_of([length], seed=length))[0] for length in (4, 7, 12)]
    for length, expected in zip((4, 7, 12), alone, strict=True):
        padded = batch_of([length, 15], width=15, seed=length)
        same = batch_of([length], seed=length)
        for name in ("token_ids", "segment_ids", "padding_mask"):
            padded[name][0] = np.pad(same[name][0], (0, 15 - length))
        # What stands at a padded place means nothing, whatever it is.
        padded["token_ids"][0, length:] = 9
        padded["segment_ids"][0, length:] = 1
        np.testing.assert_allclose(model(padded)[0], expected, atol=2e-4)


def test_alignment_by_hand(config_of, batch_of):
    """Against the formulas of ESIM and InferSent, a token at a time."""
    model = model_of(config_of("text_cnn"))
    batch = batch_of([9])
    x = keras.ops.convert_to_numpy(model.backbone(batch)["sequence_output"])[0].astype("float64")
    kernel, bias = (keras.ops.convert_to_numpy(v) for v in model.head.comparison.weights)
    gamma, beta = (keras.ops.convert_to_numpy(v) for v in model.head.layer_norm.weights)
    first, second = x[:4], x[4:]

    def compared(own, other):
        rows = []
        for token in own:
            weights = scipy.special.softmax([token @ y / np.sqrt(16) for y in other])
            aligned = sum(weight * y for weight, y in zip(weights, other, strict=True))
            features = np.concatenate([token, aligned, token - aligned, token * aligned])
            value = features @ kernel + bias
            value *= scipy.stats.norm.cdf(value)
            rows.append((value - value.mean()) / value.std() * gamma + beta)
        return np.concatenate([np.mean(rows, axis=0), np.max(rows, axis=0)])

    u, v = compared(first, second), compared(second, first)
    vector = np.concatenate([u, v, abs(u - v), u * v])
    scores, offset = (keras.ops.convert_to_numpy(w) for w in model.head.scores.weights)
    np.testing.assert_allclose(model(batch)[0], vector @ scores + offset, rtol=1e-3, atol=1e-3)


def test_one_text_alone_gives_finite_scores_that_padding_does_not_change(config_of, batch_of):
    model = model_of(config_of("text_cnn"))
    batch, padded = batch_of([6]), batch_of([6], width=11)
    for one in (batch, padded):
        one["segment_ids"][:] = 0
    scores = keras.ops.convert_to_numpy(model(batch))
    assert np.isfinite(scores).all()
    np.testing.assert_allclose(model(padded), scores, atol=1e-4)


def test_half_precision_keeps_float32_logits(config_of, batch_of):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = build(
            classification_model(make_backbone(config_of("text_cnn")), LABELS, head="alignment")
        )
    finally:
        keras.config.set_dtype_policy(before)
    logits = model(batch_of([5, 7]))
    assert keras.backend.standardize_dtype(logits.dtype) == "float32"
    assert np.isfinite(keras.ops.convert_to_numpy(logits)).all()


def first_token_pairs(count, seed, tokens=8):
    """Pairs of two tokens; label 1 where the first tokens are the same, which is half of them.

    Each text stands with both labels equally often, so one text alone tells nothing.
    """
    rng = np.random.default_rng(seed)
    first, last = rng.integers(5, 5 + tokens, count), rng.integers(20, 30, (count, 2))
    same = np.arange(count) % 2
    # Never the same by chance.
    other = 5 + (first - 5 + rng.integers(1, tokens, count)) % tokens
    second = np.where(same, first, other)
    ids = np.stack(
        [
            np.full(count, 2),
            first,
            last[:, 0],
            np.full(count, 3),
            second,
            last[:, 1],
            np.full(count, 3),
        ],
        axis=1,
    )
    batch = {
        "token_ids": ids.astype("int32"),
        "segment_ids": np.tile([0, 0, 0, 0, 1, 1, 1], (count, 1)).astype("int32"),
        "padding_mask": np.ones_like(ids, dtype=bool),
    }
    return batch, np.eye(2, dtype="float32")[same]


def test_learns_whether_two_texts_share_their_first_token(config_of):
    model = build(
        classification_model(
            make_backbone(config_of("text_cnn", filter_sizes=(2, 3))),
            LABELS,
            "multi_class",
            0.0,
            "alignment",
        )
    )
    model.compile(optimizer=AdamW(1e-2, decay=0.0, clip_norm=None))
    model.optimizer.build(model.trainable_variables)  # Before the step, which is traced once then.
    batch, targets = first_token_pairs(1280, 0)
    model.fit(batch, targets, batch_size=64, epochs=3, verbose=0)
    unseen, wanted = first_token_pairs(400, 1)
    right = model.predict(unseen, verbose=0).argmax(1) == wanted.argmax(1)
    assert right.mean() > 0.97
    # With the second texts exchanged among the pairs, what is right is chance.
    exchanged = {**unseen, "token_ids": unseen["token_ids"].copy()}
    order = np.random.default_rng(2).permutation(400)
    exchanged["token_ids"][:, 4:6] = unseen["token_ids"][order, 4:6]
    right = model.predict(exchanged, verbose=0).argmax(1) == wanted.argmax(1)
    assert abs(right.mean() - 0.5) < 0.1
