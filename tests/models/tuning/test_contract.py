"""What every tuning must do to every backbone, whoever wrote it: the registered ones and a toy."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from common.errors import ConfigError
from models.backbone_model import BackboneModel
from models.backbones.base import make_backbone
from models.checkpoints.folder import PART, WEIGHTS, read_checkpoint
from models.checkpoints.part import base_entry, shared_variables
from models.checkpoints.weights import load_weights
from models.checkpoints.writing import write_checkpoint
from models.layers.adapter import Adapter
from models.registry import BACKBONES, TUNINGS
from models.tuning.base import Freezing, level_weights
from models.tuning.stored import stored, stored_tuning
from tests import toys
from tests.classifiers import classification_model
from tests.gradients import weights_without_gradient

with toys.registered():
    PAIRS = [(backbone, tuning) for backbone in BACKBONES for tuning in TUNINGS]

pairs = pytest.mark.parametrize(("backbone", "tuning"), PAIRS)
EVER = 1000


@pytest.fixture(autouse=True)
def with_toys():
    with toys.registered():
        yield


@pytest.fixture
def model_of(config_of):
    """A classifier with a tuning's additions, all of whose weights matter."""

    def make(backbone, tuning, **sizes):
        config = config_of(backbone, **sizes)
        model = classification_model(make_backbone(config), 3, head="max_pooled")
        TUNINGS[tuning]().build(model)
        rng = np.random.default_rng(0)
        for weight in model.backbone.weights:
            weight.assign(rng.normal(scale=0.3, size=weight.shape))
        return model

    return make


@pairs
def test_gradients_reach_what_is_trained_and_nothing_else(model_of, batch_of, backbone, tuning):
    model, batch = model_of(backbone, tuning), batch_of([6, 4], slots=1)
    freezing = Freezing(model)
    before = {id(weight) for weight in model.backbone.trainable_weights}
    trained = TUNINGS[tuning]().trained(model.backbone, EVER)
    freezing.train(trained)
    expected = {id(weight) for weight in trained} & before
    assert {id(weight) for weight in model.backbone.trainable_weights} == expected
    assert all(weight.trainable for weight in model.head.weights)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model(batch, training=True) ** 2)
    assert not weights_without_gradient(model, tape, loss)


@pairs
def test_whole_after_it_was_written(model_of, backbone, tuning, batch_of, tmp_path):
    """A part and its base, as they are after training, give the model again."""
    model, made = model_of(backbone, tuning), TUNINGS[tuning]()
    config = model.backbone.config.to_dict()
    source = TUNINGS["full"]().build(BackboneModel(make_backbone(model.backbone.config)))
    base = tmp_path / "base"
    entries = {"stage": "pretraining", "backbone": config}
    write_checkpoint(base, config=entries, model=source, texts={}, metrics={})
    if made.holds_part:
        # The backbone's own weights are those of the base.
        own = {each.path.partition("/")[2]: each for each in source.weights}
        for weight in model.backbone.weights:
            if (name := weight.path.partition("/")[2]) in own:
                weight.assign(own[name])
        shared = shared_variables(model, source, made.trained(model.backbone, EVER))
        assert shared
        entries |= {"base": base_entry(read_checkpoint(base))}
    else:
        shared = None
    entries |= {"stage": "fine_tuning", "num_labels": 3, "head": "max_pooled", **stored(made)}
    folder = tmp_path / "tuned"
    write_checkpoint(folder, config=entries, model=model, texts={}, metrics={}, shared=shared)
    checkpoint = read_checkpoint(folder)
    assert (PART in checkpoint.files, WEIGHTS in checkpoint.files) == (
        made.holds_part,
        not made.holds_part,
    )
    again = classification_model(make_backbone(checkpoint.backbone), 3, head="max_pooled")
    found = stored_tuning(checkpoint.config)
    found.build(again)
    load_weights(again, checkpoint)
    for weight, other in zip(model.weights, again.weights, strict=True):
        np.testing.assert_array_equal(weight, other, err_msg=weight.path)
    batch = batch_of([6, 4], slots=1)
    expected = np.asarray(model(batch))
    found.merge(again.backbone)
    np.testing.assert_allclose(again(batch), expected, atol=1e-5)
    additions = [each for each in again.backbone._flatten_layers() if isinstance(each, Adapter)]
    assert bool(additions) == (not found.is_mergeable)


@pytest.mark.parametrize("backbone", [pair[0] for pair in PAIRS if pair[1] == "full"])
def test_each_weight_is_in_one_level(model_of, backbone):
    inner = model_of(backbone, "full").backbone
    levels = level_weights(inner)
    found = [id(weight) for level in levels for weight in level]
    assert sorted(found) == sorted(map(id, inner.weights))
    assert {id(weight) for weight in levels[0]} == {id(each) for each in inner.embeddings.weights}
    assert all(levels)


def test_a_shared_weight_is_in_the_highest_level(model_of):
    inner = model_of("transformer", "full", share_layers="all").backbone
    levels = level_weights(inner)
    assert [bool(level) for level in levels] == [True, False, True]


def test_one_more_level_is_trained_after_each_period(model_of):
    inner = model_of("text_cnn", "full").backbone
    levels = level_weights(inner)
    gradual = TUNINGS["gradual"](unfreeze_every=2)
    for epoch, count in enumerate([0, 0, 1, 1, 2, 2, 3, 3, 3]):
        expected = [id(weight) for level in levels[len(levels) - count :] for weight in level]
        assert sorted(map(id, gradual.trained(inner, epoch))) == sorted(expected)


@pytest.mark.parametrize("backbone", [pair[0] for pair in PAIRS if pair[1] == "full"])
def test_dropout_is_off_in_what_is_frozen(model_of, batch_of, backbone):
    model, batch = model_of(backbone, "full", dropout=0.5), batch_of([6, 4])
    freezing = Freezing(model)

    def difference():
        inner = model.backbone
        outputs = [np.asarray(inner(batch, training=on)["sequence_output"]) for on in (True, False)]
        return np.abs(outputs[0] - outputs[1]).max()

    assert difference() > 0.01
    freezing.train([])
    assert difference() < 1e-4
    freezing.train(model.backbone.weights)
    assert difference() > 0.01


def test_dropout_is_off_below_the_highest_frozen_layer(model_of, batch_of):
    model, batch = model_of("lstm", "full", dropout=0.5), batch_of([6, 4])
    Freezing(model).train(level_weights(model.backbone)[-1])
    on, off = (model.backbone(batch, training=each, layers=True) for each in (True, False))
    for name in ("embedding_output", "layer_outputs"):
        pair = [np.asarray(each[name] if name[0] == "e" else each[name][0]) for each in (on, off)]
        np.testing.assert_allclose(*pair, atol=1e-5)
    assert np.abs(np.asarray(on["sequence_output"]) - off["sequence_output"]).max() > 0.01


@pytest.mark.parametrize("backbone", [pair[0] for pair in PAIRS if pair[1] == "full"])
@pytest.mark.parametrize("head", ["pooled"])
def test_weighted_layers(config_of, batch_of, backbone, head):
    model = classification_model(make_backbone(config_of(backbone)), 3, head=head)
    model.weight_layers()
    TUNINGS["full"]().build(model)
    batch = batch_of([6, 4])
    outputs = model.backbone(batch, layers=True)
    layers = [outputs["embedding_output"], *outputs["layer_outputs"]]
    assert tuple(model.layer_weights.scores.shape) == (len(layers),)
    mixed = np.asarray(model.layer_weights(layers))
    assert mixed.shape == (2, 6, 16)
    np.testing.assert_allclose(model.encoded(batch)["sequence_output"], mixed, atol=1e-6)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model(batch, training=True) ** 2)
    reached = tape.gradient(loss, [each.value for each in model.layer_weights.weights])
    assert all(gradient is not None for gradient in reached)
    # What is computed once for a frozen backbone gives the same.
    again = {**batch, **model.features(batch)}
    np.testing.assert_allclose(model(again), model(batch), atol=1e-5)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"name": "none"}, "tuning must be one of full,"),
        ("lora", "tuning must be a table with a name"),
        ({"name": "lora", "lora_rank": 0}, "lora_rank=0: must be from 1 to"),
        ({"name": "lora", "rank": 8}, "the settings of the tuning lora"),
    ],
)
def test_wrong_entries_of_a_configuration(entry, message):
    with pytest.raises(ConfigError, match=message):
        stored_tuning({"tuning": entry})


def test_a_new_backbone_without_its_own_places(model_of):
    inner = model_of("toy", "adapter").backbone
    assert isinstance(inner.output_adapter, Adapter)
    names = [weight.path.split("/")[-2] for weight in TUNINGS["lora"]().trained(inner, 0)]
    assert names == []
    inner = model_of("toy", "lora").backbone
    names = [weight.path.split("/")[-2] for weight in TUNINGS["lora"]().trained(inner, 0)]
    assert names == ["dense", "dense"]
    assert isinstance(inner.dense, keras.layers.Dense)
