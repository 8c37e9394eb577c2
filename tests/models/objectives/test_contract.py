"""What every objective must be, on every backbone that can: the registered ones and toys.

What is compiled, and what checks the plumbing that all objectives share, runs for `SOME` pairs.
"""

import functools
import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from models.backbones.base import make_backbone
from models.build import build
from models.checkpoints.folder import read_checkpoint
from models.checkpoints.weights import load_model
from models.checkpoints.writing import write_checkpoint
from models.pretraining_model import PretrainingModel
from models.registry import BACKBONES, OBJECTIVES
from tests import toys
from tests.gradients import weights_without_gradient
from tests.models.objectives.objective_batches import (
    LENGTHS,
    TARGETS,
    batch_for,
    other_value,
    target_term,
    values_of,
)
from tests.models.pairs import some_of
from training.loop.optimizer import AdamW

# Of those that need some: facts about the data, and no narrower generator, which would learn less.
SETTINGS = {"mention_frequencies": [0.6, 0.3, 0.1], "generator_size": 1.0, "decoder_layers": 1}

with toys.registered():
    PAIRS = [
        (objective, backbone)
        for objective in OBJECTIVES
        for backbone in BACKBONES
        if {OBJECTIVES[objective].visibility, *OBJECTIVES[objective].further_visibilities}
        <= set(BACKBONES[backbone].visibilities)
        and OBJECTIVES[objective].reads_query_stream <= BACKBONES[backbone].has_query_stream
    ]

SOME = some_of(PAIRS)

everywhere = pytest.mark.parametrize(("objective", "backbone"), PAIRS)
somewhere = pytest.mark.parametrize(("objective", "backbone"), SOME)


@pytest.fixture(autouse=True)
def with_toys():
    with toys.registered():
        yield


@pytest.fixture(scope="module")
def new_model(config_of):
    """Builds a model of one objective; with `random`, all of its weights matter."""

    def make(objective, backbone, *, random=True, **sizes):
        if backbone == "lstm":
            # Fewer loops in Python; causal_lm would train one of two directions alone.
            sizes = {"num_layers": 1, "bidirectional": objective != "causal_lm", **sizes}
        backbone = make_backbone(config_of(backbone, **sizes))
        model = build(PretrainingModel(backbone, [objective], SETTINGS))
        rng = np.random.default_rng(0)
        if random:
            model.set_weights([rng.normal(scale=0.4, size=one.shape) for one in model.weights])
        return model

    return make


@pytest.fixture(scope="module")
def model_of(new_model):
    """The model of one objective with random weights, built once: tests must not change it.

    With the weights that some backbones have by default and others have not.
    """
    return functools.cache(functools.partial(new_model, position="learned", pooling="attention"))


@everywhere
def test_gradients_reach_the_backbone_and_the_objective_and_nothing_else(
    model_of, objective, backbone
):
    model = model_of(objective, backbone)
    batch = batch_for(model)
    with tf.GradientTape() as tape:
        loss = model.compute_loss(batch, None, model(batch, training=True))
    assert weights_without_gradient(model, tape, loss) == []
    assert model.backbone.pooling.trainable == model.heads[0].reads_pooled_output
    others = {id(one) for one in model.backbone.pooling.weights}
    ours = [one for one in model.weights if id(one) not in others]
    assert {id(one) for one in ours} <= {id(one) for one in model.trainable_variables}


@everywhere
def test_padding_changes_nothing(model_of, objective, backbone):
    model = model_of(objective, backbone)
    batch, found = batch_for(model), []
    rng = np.random.default_rng(8)
    for width in (10, 16):
        more = dict(batch)
        for name, array in model.arrays.items():
            if "length" in array.shape:
                garbage = rng.integers(0, 2, (len(LENGTHS), width))
                garbage = np.where(np.arange(width) < np.array(LENGTHS)[:, None], 0, garbage)
                garbage *= not name.endswith("_weights")
                garbage[:, :10] += np.where(batch["padding_mask"], batch[name], 0).astype(int)
                more[name] = garbage.astype(array.dtype)
        more["padding_mask"] = np.arange(width) < np.array(LENGTHS)[:, None]
        found.append(model(more))
    for name, term in found[0].items():
        for key in term:
            first, second = (
                np.asarray(one[name][key])[np.asarray(one[name]["weights"]) > 0] for one in found
            )
            np.testing.assert_allclose(first, second, atol=1e-5, rtol=1e-5, err_msg=name)


@everywhere
def test_no_leak_of_the_target(model_of, objective, backbone):
    """The probabilities of all values that a target could have add up to 1: had it a part in them,
    they would not."""
    assert objective in TARGETS, "say here which array holds what is to be predicted"
    model = model_of(objective, backbone)
    name, allowed = TARGETS[objective]
    batch = batch_for(model)
    # One batch after the other, for each value that a target could have: one pass for all.
    values = list(values_of(objective, batch[name]))
    if objective == "neighbour_sentence":  # whose rows are compared with each other
        terms = [target_term(model, {**batch, name: one})["values"] for one in values]
    else:
        each = {key: np.concatenate([array] * len(values)) for key, array in batch.items()}
        terms = target_term(model, {**each, name: np.concatenate(values)})["values"]
    losses = np.asarray(terms, "float64").reshape(len(values), -1)
    np.testing.assert_allclose(np.exp(-losses).sum(axis=0), 1, rtol=1e-4)
    # One target tells nothing of another.
    changed = batch[name].copy()
    changed.flat[0] = other_value(changed.flat[0], allowed)
    before, after = (target_term(model, one) for one in (batch, {**batch, name: changed}))
    same = np.asarray(before["values"] == after["values"]).ravel()
    assert not same[0]
    assert same[1:].all()


@somewhere  # The weights reach the loss alone, which no backbone knows of.
def test_no_weight_no_part(model_of, objective, backbone):
    model = model_of(objective, backbone)
    batch = batch_for(model)
    for name in model.arrays:
        if name.endswith("_weights"):
            batch[name][:] = 0
    assert float(model.compute_loss(batch, None, model(batch))) == 0
    name, allowed = TARGETS[objective]
    for weights in [name for name in model.arrays if name.endswith("_weights")]:
        batch[weights].flat[1:3] = 1
    loss = float(model.compute_loss(batch, None, model(batch)))
    batch[name].flat[0] = other_value(batch[name].flat[0], allowed)
    assert float(model.compute_loss(batch, None, model(batch))) == loss


@somewhere
def test_one_batch_is_learned_by_heart(new_model, objective, backbone):
    model = new_model(objective, backbone, random=False, position="learned")
    model.compile(optimizer=AdamW(1e-2, decay=0.0, clip_norm=None))
    model.optimizer.build(model.trainable_variables)  # Before the step, which is traced once then.
    batch = batch_for(model)
    for _ in range(60):
        model.train_on_batch(batch)
    model.reset_metrics()
    model.run_eagerly = True  # One evaluation is faster than its compilation.
    metrics = model.test_on_batch(batch, return_dict=True)
    assert set(metrics) == {"loss", *model.metric_names}
    assert any(name.startswith(objective) for name in model.metric_names)
    losses = [metrics[name] for name in model.metric_names if name.endswith("_loss")]
    assert len(losses) > 1 or losses[0] == pytest.approx(metrics["loss"])
    # That of the term whose targets `TARGETS` names.
    assert metrics[next(name for name in model.metric_names if name.endswith("_accuracy"))] == 1


@somewhere
def test_checkpoint_round_trip(model_of, tmp_path, objective, backbone):
    model = model_of(objective, backbone)
    told = {"stage": "pretraining", "backbone": model.backbone.config.to_dict()}
    told |= {"objectives": [objective], "objective_settings": model.saved_settings}
    write_checkpoint(tmp_path, config=told, model=model, texts={}, metrics={})
    assert_same_terms(load_model(read_checkpoint(tmp_path)), model)


@somewhere
def test_serialized_and_made_again(model_of, objective, backbone):
    model = model_of(objective, backbone)
    told = json.loads(json.dumps(keras.saving.serialize_keras_object(model)))
    again = build(keras.saving.deserialize_keras_object(told))
    again.set_weights(model.get_weights())
    assert_same_terms(again, model)


def assert_same_terms(ours, theirs):
    """Two models compute the same of a batch."""
    batch = batch_for(theirs)
    found, expected = ours(batch), theirs(batch)
    assert found.keys() == expected.keys()
    for name, term in expected.items():
        assert found[name].keys() == term.keys()
        for key, value in term.items():
            np.testing.assert_array_equal(found[name][key], value)


@everywhere
def test_a_file_of_its_weights_holds_no_fewer(model_of, objective, backbone):
    model = model_of(objective, backbone)
    (head,) = model.heads
    least = head.min_parameters(model.backbone.config, model.saved_settings)
    assert least <= head.count_params()
    assert head.min_parameters(model.backbone.config, {}) <= least


def test_some_pairs_have_every_objective_and_every_backbone():
    for both, some in zip(zip(*PAIRS, strict=True), zip(*SOME, strict=True), strict=True):
        assert set(some) == set(both)


def test_each_takes_the_settings_that_it_knows(config_of):
    settings = {"toy_factor": 3.0, "num_sampled": 8, "colour": "red"}
    heads = [
        PretrainingModel(make_backbone(config_of("toy")), [name], settings=settings).heads[0]
        for name in ("masked_lm", "toy")
    ]
    assert (heads[0].num_sampled, heads[1].toy_factor) == (8, 3.0)


def test_no_sampling_without_frequent_tokens_first(config_of):
    settings = {"num_sampled": 8, "ids_by_frequency": False}
    model = PretrainingModel(make_backbone(config_of("toy")), ["masked_lm"], settings=settings)
    assert model.heads[0].num_sampled == 0
