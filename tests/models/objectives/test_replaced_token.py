from functools import cache

import numpy as np
import pytest
import tensorflow as tf
import torch
from scipy.stats import chisquare
from transformers import ElectraConfig
from transformers.models.electra import modeling_electra

from common.errors import ConfigError
from models.backbones.base import make_backbone
from models.build import build
from models.objectives.replaced_token import ReplacedTokenHead, put_in_place
from models.pretraining_model import PretrainingModel
from tests.models.conftest import VOCAB_SIZE

ARRAYS = ("masked_positions", "masked_ids", "masked_weights")


@pytest.fixture(scope="module")
def model_of(config_of):
    @cache
    def make(backbone="text_cnn", generator_size=0.25, **sizes):
        settings = {"generator_size": generator_size}
        built = make_backbone(config_of(backbone, **sizes))
        model = build(PretrainingModel(built, ["replaced_token"], settings))
        rng = np.random.default_rng(0)
        model.set_weights([rng.normal(scale=0.3, size=one.shape) for one in model.weights])
        return model

    return make


def test_tokens_are_drawn_as_often_as_the_softmax_says(config_of):
    head = ReplacedTokenHead(config_of("transformer"), name="replaced_token")
    logits = np.array([0.5, -1.0, 2.0, 0.0, 1.0], "float32")
    many = np.broadcast_to(logits, (100, 200, 5))
    first, second = (np.asarray(head.sample(many, training=True)) for _ in range(2))
    odds = np.exp(logits.astype("float64"))
    expected = odds / odds.sum() * first.size
    for drawn in (first, second, np.asarray(head.sample(many, training=False))):
        assert chisquare(np.bincount(drawn.ravel()), expected).pvalue > 0.001
    assert (first != second).any()
    # Validation is the same each time.
    again = (np.asarray(head.sample(many, training=False)) for _ in range(2))
    np.testing.assert_array_equal(*again)


def test_a_run_that_resumes_draws_what_it_would_have_drawn(config_of):
    head = ReplacedTokenHead(config_of("transformer"), name="replaced_token")
    (state,) = [one for one in head.variables if "seed_generator" in one.path]
    logits = np.zeros((4, 5, VOCAB_SIZE), "float32")
    head.sample(logits, training=True)
    kept = np.asarray(state.value)
    expected = np.asarray(head.sample(logits, training=True))
    state.assign(kept)
    np.testing.assert_array_equal(head.sample(logits, training=True), expected)


def test_what_stands_where_by_hand():
    batch = {
        "token_ids": np.array([[2, 4, 11, 4, 3], [2, 10, 4, 3, 0]], "int32"),
        "masked_positions": np.array([[1, 3, 0], [2, 0, 0]], "int32"),
        "masked_ids": np.array([[20, 21, 0], [22, 0, 0]], "int32"),
        "masked_weights": np.array([[1, 1, 0], [1, 0, 0]], "float32"),
    }
    # The first is the token of the text; unused slots point at [CLS], which stays.
    ids, replaced = put_in_place(batch, np.array([[20, 30, 31], [32, 33, 34]], "int32"))
    np.testing.assert_array_equal(ids, [[2, 20, 11, 30, 3], [2, 10, 32, 3, 0]])
    np.testing.assert_array_equal(replaced, [[0, 0, 0, 1, 0], [0, 0, 1, 0, 0]])


@pytest.fixture
def drawn_before(monkeypatch, batch_of):
    """A batch whose drawn tokens are known: those of the text, but for one in the first row."""
    batch = batch_of([8, 6])
    drawn = batch["masked_ids"].copy()
    drawn[0, 0] = 5 + (drawn[0, 0] - 4) % (VOCAB_SIZE - 5)
    monkeypatch.setattr(ReplacedTokenHead, "sample", lambda *_: drawn)
    return batch, drawn


def test_the_discriminator_reads_the_drawn_tokens(model_of, drawn_before):
    model, (batch, drawn) = model_of(), drawn_before
    term = model(batch)["replaced_token"]
    ids, rows = batch["token_ids"].copy(), np.arange(2)[:, None]
    ids[rows, batch["masked_positions"]] = drawn
    labels = np.zeros(ids.shape)
    labels[0, batch["masked_positions"][0, 0]] = 1
    (head,) = model.heads
    outputs = model.backbone({**batch, "token_ids": ids})["sequence_output"]
    log_odds = np.asarray(head.discriminate(outputs), "float64")
    losses = np.log1p(np.exp(np.where(labels, -log_odds, log_odds)))
    np.testing.assert_allclose(term["values"], losses, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(term["hits"], (log_odds > 0) == labels)
    # Every token counts, [CLS] and [SEP] too; padding does not.
    np.testing.assert_array_equal(term["weights"], batch["padding_mask"])


def test_the_logits_do_not_tell_the_label(model_of, drawn_before):
    """Of a place, the drawn token and that of the text may change: the text is not read."""
    model, (batch, _) = model_of(), drawn_before
    before = np.asarray(model(batch)["replaced_token"]["values"], "float64")
    other = {**batch, "masked_ids": (batch["masked_ids"] + 2) % VOCAB_SIZE}
    after = np.asarray(model(other)["replaced_token"]["values"], "float64")
    places = np.zeros(before.shape, bool)
    np.put_along_axis(places, batch["masked_positions"], True, 1)
    places[0, batch["masked_positions"][0, 0]] = False  # replaced in both
    np.testing.assert_allclose(np.exp(-before[places]) + np.exp(-after[places]), 1, rtol=1e-5)
    np.testing.assert_array_equal(before[~places], after[~places])


def test_a_row_without_masks_has_no_weight(model_of, batch_of):
    batch = batch_of([8, 6])
    batch["masked_weights"][1] = 0
    weights = np.asarray(model_of()(batch)["replaced_token"]["weights"])
    np.testing.assert_array_equal(weights.sum(1), [8, 0])


def test_each_network_learns_from_its_own_term(model_of, batch_of):
    model, batch = model_of(), batch_of([8, 6])
    with tf.GradientTape(persistent=True) as tape:
        terms = model(batch, training=True)
        losses = {name: tf.reduce_sum(term["values"]) for name, term in terms.items()}
    variables = model.trainable_variables
    (head,) = model.heads
    own = [*head.networks["generator"].weights, *head.transform.weights, head.bias]
    own = {id(one) for one in [*own, *head.layer_norm.weights]}
    table = model.backbone.token_embedding.embeddings
    reached = {}
    for name, loss in losses.items():
        gradients = tape.gradient(loss, [one.value for one in variables])
        reached[name] = {
            id(one) for one, each in zip(variables, gradients, strict=True) if each is not None
        }
    assert own <= reached["generator"] and not own & reached["replaced_token"]
    assert id(table) in reached["generator"] & reached["replaced_token"]
    embeddings = {id(one) for one in model.backbone.embeddings.weights}
    # The backbone's encoder and the discriminator learn from the second term alone.
    assert reached["generator"] == own | embeddings
    assert reached["replaced_token"] == {id(one) for one in variables} - own


def test_sampled_candidates_are_of_the_loss_alone(config_of, batch_of, monkeypatch):
    built = make_backbone(config_of("text_cnn"))
    model = build(PretrainingModel(built, ["replaced_token"], {"num_sampled": 8}))
    monkeypatch.setattr(model, "measured", dict)
    names = ("loss", "generator_loss", "replaced_token_loss")
    curves = model.training_curves(dict.fromkeys(names, 1.0))
    assert list(curves) == ["sampled_loss", "sampled_generator_loss", "replaced_token_loss"]
    (head,) = model.heads
    drawn = []
    head.sample = lambda logits, training: drawn.append(logits) or batch["masked_ids"]
    batch = batch_of([8, 6])
    values = [np.asarray(model(batch, training=mode)["generator"]["values"]) for mode in (0, 1)]
    assert [one.shape[-1] for one in drawn] == [VOCAB_SIZE] * 2
    assert (values[0] != values[1]).any()


def test_the_generator_is_narrower_and_has_no_embeddings(model_of, config_of):
    config = config_of("transformer", position="learned")
    model = model_of("transformer", 0.5, position="learned")
    generator = model.heads[0].networks["generator"]
    assert generator.width == 8 and generator.encoder.config.d_ff == config.d_ff // 2
    assert generator.encoder.config.num_heads == 1 and generator.encoder.config.d_k == config.d_k
    assert not generator.encoder.embeddings.weights and not generator.encoder.pooling.weights
    assert max(one.shape[0] for one in generator.weights) < VOCAB_SIZE


@pytest.mark.parametrize("size", [0, 1.5, float("nan"), "large", True])
def test_sizes_that_cannot_be(config_of, size):
    with pytest.raises(ConfigError, match=r"generator_size must be a number above 0 and at most 1"):
        ReplacedTokenHead(config_of("text_cnn"), generator_size=size)


def copy(ours, theirs, *, is_norm=False):
    """Copies a dense layer or a normalization into its counterpart in PyTorch."""
    weight, bias = (torch.tensor(np.asarray(one)) for one in ours.weights)
    theirs.weight.data, theirs.bias.data = weight if is_norm else weight.T.contiguous(), bias


def test_heads_equal_those_of_transformers(model_of):
    model = model_of("transformer", 0.5, position="learned")
    (head,), config = model.heads, model.backbone.config
    theirs = ElectraConfig(
        vocab_size=VOCAB_SIZE,
        embedding_size=config.d_model,
        hidden_size=config.d_model,
        num_hidden_layers=1,
        num_attention_heads=2,
        layer_norm_eps=config.layer_norm_epsilon,
    )
    x = np.random.default_rng(1).normal(size=(2, 5, config.d_model)).astype("float32")
    discriminator = modeling_electra.ElectraForPreTraining(theirs).discriminator_predictions
    copy(head.discriminator, discriminator.dense)
    copy(head.discriminator_logit, discriminator.dense_prediction)
    expected = discriminator(torch.tensor(x)).detach()
    np.testing.assert_allclose(head.discriminate(x), expected, rtol=1e-4, atol=1e-5)

    theirs.hidden_size = head.feature_width
    generator = modeling_electra.ElectraForMaskedLM(theirs)
    copy(head.transform, generator.generator_predictions.dense)
    copy(head.layer_norm, generator.generator_predictions.LayerNorm, is_norm=True)
    table = np.asarray(model.backbone.token_embedding.embeddings)
    generator.generator_lm_head.weight.data = torch.tensor(table)
    generator.generator_lm_head.bias.data = torch.tensor(np.asarray(head.bias))
    narrow = torch.tensor(x[..., : head.feature_width])
    expected = generator.generator_lm_head(generator.generator_predictions(narrow)).detach()
    logits = head(np.asarray(narrow), token_embedding=model.backbone.token_embedding)
    np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-4)
