import keras
import numpy as np
import pytest

from common.errors import ConfigError
from models.backbones.base import make_backbone
from models.build import build
from models.kernels.losses import weighted_mean
from models.pretraining_model import PretrainingModel
from models.registry import BACKBONES
from tests.objective_logits import logits_of

backbones = pytest.mark.parametrize("backbone", BACKBONES)


def cross_entropy(logits, ids):
    """By hand, in float64."""
    logits = np.asarray(logits, "float64")
    largest = logits.max(axis=-1, keepdims=True)
    log_sum = largest[..., 0] + np.log(np.exp(logits - largest).sum(axis=-1))
    return log_sum - np.take_along_axis(logits, ids[..., None], axis=-1)[..., 0]


def model_of(config, **kwargs):
    model = build(PretrainingModel(make_backbone(config), **kwargs))
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(scale=0.4, size=weight.shape) for weight in model.weights])
    return model


def test_what_was_not_measured_has_no_metric(config_of, batch_of):
    model = model_of(config_of("text_cnn"), settings={"num_sampled": 8})
    batch = batch_of([8, 6])
    batch["pair_weights"][:] = 0
    model.compute_loss(batch, None, model(batch))
    results = {name: float(value) for name, value in model.get_metrics_result().items()}
    assert results["next_sentence_loss"] == 0
    assert set(model.measured(results)) == {"loss", "masked_lm_loss", "masked_lm_accuracy"}
    # Validation scores against the whole vocabulary.
    sampled = {"sampled_loss", "sampled_masked_lm_loss", "sampled_masked_lm_accuracy"}
    assert set(model.training_curves(results)) == sampled
    batch["pair_weights"][:] = 1
    model.compute_loss(batch, None, model(batch))
    assert model.measured(results) == results
    assert set(model.training_curves(results)) == sampled | {
        "next_sentence_loss",
        "next_sentence_accuracy",
    }


@backbones
def test_token_embedding_is_shared(config_of, batch_of, backbone):
    model = model_of(config_of(backbone))
    large = [weight for weight in model.weights if 40 in weight.shape and len(weight.shape) > 1]
    assert len(large) == 1
    assert large[0] is model.backbone.token_embedding.embeddings
    batch = batch_of([6])
    before = logits_of(model, batch)["masked_lm"]
    assert 39 not in batch["token_ids"]
    table = model.backbone.token_embedding.get_weights()[0]
    table[39] += 1
    model.backbone.token_embedding.set_weights([table])
    changed = np.abs(logits_of(model, batch)["masked_lm"] - before).max(axis=(0, 1)) > 1e-6
    np.testing.assert_array_equal(changed, np.arange(40) == 39)


def test_logits_are_of_the_masked_positions(config_of, batch_of):
    model = model_of(config_of("text_cnn"))
    batch = batch_of([8, 8])
    logits = logits_of(model, batch)["masked_lm"]
    everywhere = {**batch, "masked_positions": np.tile(np.arange(8, dtype="int32"), (2, 1))}
    all_logits = logits_of(model, everywhere)["masked_lm"]
    for row, positions in enumerate(batch["masked_positions"]):
        np.testing.assert_allclose(logits[row], all_logits[row, positions], atol=1e-5)


def test_loss_by_hand(config_of, batch_of):
    model = model_of(config_of("transformer"))
    batch = batch_of([8, 6, 5])
    batch["masked_weights"][0, 2] = batch["masked_weights"][2, 1:] = 0
    batch["pair_weights"][1] = 0
    logits = logits_of(model, batch)
    loss = float(model.compute_loss(batch, None, model(batch), None, training=False))
    masked = cross_entropy(logits["masked_lm"], batch["masked_ids"])
    pairs = cross_entropy(logits["next_sentence"], batch["pair_kind"])
    expected = masked[batch["masked_weights"] > 0].mean() + pairs[[0, 2]].mean()
    assert loss == pytest.approx(expected, rel=1e-5)
    batch["masked_ids"][batch["masked_weights"] == 0] = 7
    batch["pair_kind"][1] = 1 - batch["pair_kind"][1]
    assert float(model.compute_loss(batch, None, model(batch), None)) == loss


def test_no_targets_no_loss(config_of, batch_of):
    model = model_of(config_of("text_cnn"))
    batch = batch_of([8, 6])
    batch["masked_weights"][:] = 0
    batch["pair_weights"][:] = 0
    assert float(model.compute_loss(batch, None, model(batch), None)) == 0


def test_weighted_mean():
    assert float(weighted_mean([1.0, 2.0, 6.0])) == 3.0
    assert float(weighted_mean([1.0, 2.0, 6.0], [1.0, 0.0, 3.0])) == pytest.approx(19 / 4)
    assert float(weighted_mean([1.0, 2.0], [0.0, 0.0])) == 0.0


def test_metrics_are_exact_over_unequal_batches(config_of, batch_of):
    model = model_of(config_of("text_cnn"))
    model.compile(optimizer=keras.optimizers.SGD(0.0), run_eagerly=True)
    batches = [
        batch_of([8, 6, 5], seed=1),
        batch_of([7], slots=1, seed=2),
        batch_of([6, 6], seed=3),
    ]
    batches[0]["masked_weights"][0] = 0
    batches[1]["masked_ids"][:] = logits_of(model, batches[1])["masked_lm"].argmax(axis=-1)
    batches[2]["pair_weights"][0] = 0
    results = model.evaluate(((batch,) for batch in batches), verbose=0, return_dict=True)

    def over_all(name, ids_name, weights_name):
        losses, hits = [], []
        for batch in batches:
            logits = logits_of(model, batch)[name]
            kept = batch[weights_name] > 0
            losses.extend(cross_entropy(logits, batch[ids_name])[kept])
            hits.extend((logits.argmax(axis=-1) == batch[ids_name])[kept])
        return np.mean(losses), np.mean(hits)

    masked_loss, masked_accuracy = over_all("masked_lm", "masked_ids", "masked_weights")
    pair_loss, pair_accuracy = over_all("next_sentence", "pair_kind", "pair_weights")
    assert results == pytest.approx(
        {
            "loss": masked_loss + pair_loss,
            "masked_lm_loss": masked_loss,
            "masked_lm_accuracy": masked_accuracy,
            "next_sentence_loss": pair_loss,
            "next_sentence_accuracy": pair_accuracy,
        },
        rel=1e-5,
    )
    # An evaluation starts anew.
    again = model.evaluate(((batch,) for batch in batches), verbose=0, return_dict=True)
    assert again == pytest.approx(results, rel=1e-6)


@pytest.mark.parametrize(
    ("backbone", "choices"),
    [
        ("transformer", {"normalization": "pre"}),
        ("transformer", {"normalization": "post"}),
        ("text_cnn", {"position": "learned"}),
    ],
)
@pytest.mark.parametrize("pooling", ["cls", "attention"])
def test_a_step_moves_every_variable(config_of, batch_of, backbone, choices, pooling):
    model = model_of(config_of(backbone, pooling=pooling, **choices))
    model.compile(optimizer=keras.optimizers.SGD(0.1), run_eagerly=True)
    before = model.get_weights()
    model.train_on_batch(batch_of([12, 9, 12]))
    still = [
        weight.path
        for weight, old in zip(model.weights, before, strict=True)
        if (keras.ops.convert_to_numpy(weight) == old).all()
    ]
    # A key bias adds the same to all scores of a query: the softmax does not see it.
    assert [path for path in still if not path.endswith("/key/bias")] == []


@backbones
def test_masked_lm_alone_leaves_the_pooling(config_of, batch_of, backbone):
    model = model_of(config_of(backbone, pooling="cls"), objectives=("masked_lm",))
    batch = batch_of([8, 6])
    assert set(model(batch)) == {"masked_lm"}
    logits = logits_of(model, batch)["masked_lm"]
    masked = cross_entropy(logits, batch["masked_ids"]).mean()
    assert float(model.compute_loss(batch, None, model(batch))) == pytest.approx(masked, rel=1e-5)


@backbones
def test_half_precision_keeps_float32_logits(config_of, batch_of, backbone):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = build(PretrainingModel(make_backbone(config_of(backbone))))
        model.compile(optimizer=keras.optimizers.SGD(0.1), run_eagerly=True)
    finally:
        keras.config.set_dtype_policy(before)
    batch = batch_of([8, 5])
    outputs = model.backbone(batch)
    assert {keras.backend.standardize_dtype(x.dtype) for x in outputs.values()} == {"bfloat16"}
    terms = model(batch)
    values = [term["values"] for term in terms.values()]
    assert {keras.backend.standardize_dtype(x.dtype) for x in values} == {"float32"}
    assert {weight.dtype for weight in model.weights} == {"float32"}
    first = model.train_on_batch(batch, return_dict=True)["loss"]
    assert np.isfinite(model.get_weights()[0]).all()
    assert first == pytest.approx(np.log(40) + np.log(2), rel=0.1)


@pytest.mark.parametrize("objectives", [(), ("masked_lm", "masked_lm"), ("no_such_objective",)])
def test_objectives_that_cannot_be(config_of, objectives):
    with pytest.raises(ConfigError, match="objectives must be"):
        PretrainingModel(make_backbone(config_of("text_cnn")), objectives=objectives)
