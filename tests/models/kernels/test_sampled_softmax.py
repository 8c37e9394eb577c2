import numpy as np
import pytest
from scipy.special import logsumexp

from models.backbones.base import make_backbone
from models.build import build
from models.kernels.sampled_softmax import sampled_logits
from models.pretraining_model import PretrainingModel
from training.loop.optimizer import AdamW

VOCAB_SIZE, FREQUENT = 12, 5


@pytest.fixture
def arrays():
    """vectors (6, 4), targets on both sides of FREQUENT (6,), table (12, 4), bias (12,)."""
    rng = np.random.default_rng(0)
    return (
        rng.normal(size=(6, 4)).astype("float32"),
        np.array([0, 4, 5, 7, 11, 2], "int32"),
        rng.normal(size=(VOCAB_SIZE, 4)).astype("float32"),
        rng.normal(size=VOCAB_SIZE).astype("float32"),
    )


def full_logits(vectors, table, bias):
    return vectors.astype("float64") @ table.astype("float64").T + bias


def test_the_whole_vocabulary_as_sample_is_the_full_softmax(arrays):
    vectors, targets, table, bias = arrays
    sample = np.arange(FREQUENT, VOCAB_SIZE, dtype="int32")
    logits = np.asarray(sampled_logits(vectors, targets, table, bias, FREQUENT, sample))
    assert logits.shape == (6, 1 + VOCAB_SIZE)
    full = full_logits(vectors, table, bias)
    np.testing.assert_allclose(logits[:, 0], full[np.arange(6), targets], atol=1e-5)
    np.testing.assert_allclose(logsumexp(logits, axis=1), logsumexp(full, axis=1), atol=1e-5)


def test_the_sum_is_unbiased(arrays):
    vectors, targets, table, bias = arrays
    # Every sample of two, each as likely as the others.
    tail = range(FREQUENT, VOCAB_SIZE)
    sums = [
        np.exp(
            np.asarray(
                sampled_logits(
                    vectors, targets, table, bias, FREQUENT, np.array([one, two], "int32")
                ),
                "float64",
            )
        ).sum(axis=1)
        for one in tail
        for two in tail
    ]
    expected = np.exp(full_logits(vectors, table, bias)).sum(axis=1)
    np.testing.assert_allclose(np.mean(sums, axis=0), expected, rtol=1e-5)


def test_only_a_training_step_samples(config_of, batch_of):
    model = build(
        PretrainingModel(make_backbone(config_of("text_cnn")), settings={"num_sampled": 20})
    )
    batch, head, table = batch_of([8, 6]), model.heads[0], model.backbone.token_embedding
    outputs = model.encoded(batch)["sequence_output"]
    full = np.asarray(head(outputs, token_embedding=table))
    assert full.shape == (2, 3, 40)
    sampled = np.asarray(head.sampled(outputs, batch["masked_ids"], table))
    assert sampled.shape == (2, 3, 21)
    np.testing.assert_allclose(
        sampled[..., 0],
        np.take_along_axis(full, batch["masked_ids"][..., None], axis=-1)[..., 0],
        atol=1e-5,
    )
    again = np.asarray(head.sampled(outputs, batch["masked_ids"], table))
    assert (again[..., 11:] != sampled[..., 11:]).any()

    def losses(training):
        return np.asarray(model(batch, training=training)["masked_lm"]["values"])

    np.testing.assert_array_equal(losses(False), losses(False))
    assert (losses(True) != losses(True)).all()


def test_a_sample_trains_what_the_full_softmax_measures(config_of, batch_of):
    model = build(
        PretrainingModel(
            make_backbone(config_of("text_cnn", position="learned")),
            settings={"num_sampled": 10},
        )
    )
    model.compile(optimizer=AdamW(5e-3, decay=0.0, clip_norm=None))
    batch = batch_of([10, 8, 9, 10])
    for _ in range(150):
        model.train_on_batch(batch)
    model.reset_metrics()
    figures = model.test_on_batch(batch, return_dict=True)
    assert figures["masked_lm_loss"] < 0.1
    assert figures["masked_lm_accuracy"] == 1


def test_more_candidates_than_tokens_is_the_full_softmax(config_of, batch_of):
    model = build(
        PretrainingModel(make_backbone(config_of("text_cnn")), settings={"num_sampled": 40})
    )
    batch = batch_of([8, 6])
    in_training, in_validation = (
        model(batch, training=training)["masked_lm"]["values"] for training in (True, False)
    )
    np.testing.assert_allclose(in_training, in_validation, atol=1e-5)
