"""What every backbone must be, whoever wrote it: the registered ones and a toy."""

import functools
import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from common.errors import ConfigError
from models.backbones.base import make_backbone
from models.build import build
from models.config import BackboneConfig
from models.presets import backbone_config
from models.registry import BACKBONES, POOLINGS
from models.size_options import size_options
from tests import toys
from tests.gradients import weights_without_gradient

with toys.registered():
    NAMES = list(BACKBONES)
    VIEWS = [(name, view) for name in NAMES for view in BACKBONES[name].visibilities]
    # Each pooling with one visibility, and each visibility with the pooling that has weights.
    POOLED_VIEWS = [
        (name, view, pooling)
        for name, view in VIEWS
        for pooling in POOLINGS
        if view == BACKBONES[name].visibilities[0] or pooling == "attention"
    ]

backbones = pytest.mark.parametrize("backbone", NAMES)
poolings = pytest.mark.parametrize("pooling", POOLINGS)
views = pytest.mark.parametrize(("backbone", "visibility"), VIEWS)


@pytest.fixture(autouse=True)
def with_toys():
    with toys.registered():
        yield


@functools.cache
def randomized(config):
    """A built backbone, all of whose weights matter; built once: tests must not change it."""
    backbone = build(make_backbone(config))
    rng = np.random.default_rng(0)
    backbone.set_weights([rng.normal(scale=0.5, size=weight.shape) for weight in backbone.weights])
    return backbone


def arrays(outputs):
    """The outputs by name, the layers' numbered."""
    outputs = dict(outputs)
    layers = outputs.pop("layer_outputs", [])
    outputs |= {f"layer_{index}": value for index, value in enumerate(layers)}
    return {name: np.asarray(value) for name, value in outputs.items()}


@views
def test_padding_changes_nothing(config_of, batch_of, backbone, visibility):
    model = randomized(config_of(backbone))
    batch = batch_of([4, 9, 1], slots=1)
    alone = arrays(model(batch, visibility=visibility, layers=True))
    wider = batch_of([4, 9, 1], 14, slots=1)
    rng, real = np.random.default_rng(5), wider["padding_mask"]
    for name, limit in (("token_ids", 40), ("segment_ids", 2)):
        garbage = rng.integers(0, limit, real.shape)
        garbage[:, :9] = np.where(real[:, :9], batch[name], garbage[:, :9])
        wider[name] = garbage.astype("int32")
    padded = arrays(model(wider, visibility=visibility, layers=True))
    assert padded.keys() == alone.keys()
    for name, value in padded.items():
        before = alone[name]
        if name != "pooled_output":
            value, before = value[real], before[batch["padding_mask"]]
        np.testing.assert_allclose(value, before, atol=1e-5, rtol=1e-5, err_msg=name)


@pytest.mark.parametrize(
    ("backbone", "side"), [(name, view) for name, view in VIEWS if view in ("left", "right")]
)
@pytest.mark.parametrize("position", ["none", "learned"])
def test_one_side_sees_nothing_of_the_other(config_of, batch_of, backbone, side, position):
    model = randomized(config_of(backbone, position=position))
    batch, places = batch_of([10, 8]), range(8)
    # Beside the two texts, the same two once for each place, with another token there.
    each = {name: np.concatenate([array] * 9) for name, array in batch.items()}
    for place in places:
        rows = each["token_ids"][2 * place + 2 : 2 * place + 4]
        rows[:, place] = np.where(rows[:, place] == 7, 9, 7)
    outputs = arrays(model(each, visibility=side, layers=True))
    for name in outputs.keys() - {"pooled_output"}:
        before, *changed = np.split(outputs[name], 9)
        for place, after in zip(places, changed, strict=True):
            unseen = slice(0, place) if side == "left" else slice(place + 1, None)
            real = batch["padding_mask"][:, unseen]
            one, other = (output[:, unseen][real] for output in (after, before))
            np.testing.assert_allclose(one, other, atol=1e-6, rtol=1e-6, err_msg=name)
            moved = np.abs(after[:, place] - before[:, place]).max(axis=-1)
            assert (moved > 1e-4).all(), name
    # The last token, which nothing before it saw, is seen by itself alone and by the pooling.
    full = arrays(model(batch))
    assert not np.allclose(full["sequence_output"], outputs["sequence_output"][:2])


@views
def test_some_positions_are_what_all_have_there(config_of, batch_of, backbone, visibility):
    for pooling in ("cls", "max"):
        model = randomized(config_of(backbone, pooling=pooling))
        batch = batch_of([6, 8])
        positions = np.array([[3, 0, 3], [7, 5, 1]], "int32")
        everywhere = arrays(model(batch, visibility=visibility))
        some = arrays(model(batch, visibility=visibility, positions=positions))
        expected = np.take_along_axis(everywhere["sequence_output"], positions[:, :, None], axis=1)
        everywhere["sequence_output"] = expected
        for name, value in some.items():
            np.testing.assert_allclose(value, everywhere[name], atol=1e-5, rtol=1e-5)


@views
def test_the_last_layer_is_the_output(config_of, batch_of, backbone, visibility):
    model = randomized(config_of(backbone))
    outputs = model(batch_of([6, 8]), visibility=visibility, layers=True)
    np.testing.assert_array_equal(outputs["layer_outputs"][-1], outputs["sequence_output"])
    assert all(value.shape[:2] == (2, 8) for value in outputs["layer_outputs"])


@pytest.mark.parametrize(("backbone", "visibility", "pooling"), POOLED_VIEWS)
def test_gradients_reach_every_weight(config_of, batch_of, backbone, visibility, pooling):
    model = randomized(config_of(backbone, pooling=pooling, position="learned", embedding_width=8))
    batch, rng = batch_of([12, 9]), np.random.default_rng(1)
    try:
        model.check_visibilities(model.config, {visibility})
        passes = {visibility}
    except ConfigError:
        passes = {"left", "right"}  # which together train the whole backbone
        model.check_visibilities(model.config, passes)
    with tf.GradientTape() as tape:
        outputs = [model(batch, visibility=each, training=True) for each in sorted(passes)]
        loss = sum(
            tf.reduce_sum(each[name] * rng.normal(size=each[name].shape).astype("float32"))
            for each in outputs
            for name in ("sequence_output", "pooled_output")
        )
    assert weights_without_gradient(model, tape, loss) == []
    assert len(model.trainable_variables) == len(model.weights)


@backbones
def test_round_trips(config_of, batch_of, backbone):
    config = config_of(backbone, pooling="attention")
    stored = json.loads(json.dumps(config.to_dict()))
    assert stored["backbone"] == backbone
    assert BackboneConfig.from_dict(stored) == config
    model = randomized(config)
    told = json.loads(json.dumps(keras.saving.serialize_keras_object(model)))
    again = build(keras.saving.deserialize_keras_object(told))
    assert (type(again), again.config) == (type(model), config)
    again.set_weights(model.get_weights())
    batch = batch_of([5])
    np.testing.assert_array_equal(model(batch)["pooled_output"], again(batch)["pooled_output"])


@backbones
def test_its_configuration_counts_its_large_arrays(backbone):
    config = backbone_config(backbone, "small", 1000)
    parameters = build(make_backbone(config)).count_params()
    assert 0.8 * parameters < config.min_parameters() < parameters


@backbones
def test_same_seed_same_weights(config_of, backbone):
    def weights(seed):
        keras.utils.set_random_seed(seed)
        return build(make_backbone(config_of(backbone))).get_weights()

    first, second, other = weights(3), weights(3), weights(4)
    for one, two in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, two)
    assert any((one != two).any() for one, two in zip(first, other, strict=True))


@backbones
def test_what_it_does_not_have_is_refused(config_of, batch_of, backbone):
    model = build(make_backbone(config_of(backbone)))
    message = f"the backbone {backbone} supports the visibilities both.*not 'sideways'"
    with pytest.raises(ConfigError, match=message):
        model(batch_of([4]), visibility="sideways")
    other = next(
        option.field
        for option in size_options()
        if option.field not in config_of(backbone).fields()
    )
    with pytest.raises(ConfigError, match=rf"{other} was set to 3, but a {backbone} has no use"):
        config_of(backbone, **{other: 3})


def test_the_toys_sizes_are_options():
    (reach,) = (option for option in size_options() if option.flag == "reach")
    assert (reach.type, reach.minimum, reach.maximum) == (int, 1, 100)
    assert reach.help == "positions seen to each side (toy); default 3"


@backbones
@poolings
def test_batch_of_one_equals_its_row(config_of, batch_of, backbone, pooling):
    model = randomized(config_of(backbone, pooling=pooling))
    batch = batch_of([6, 8])
    together = model(batch)
    row = model({name: value[:1] for name, value in batch.items()})
    assert row["sequence_output"].shape == (1, 8, 16)
    assert row["pooled_output"].shape == (1, 16)
    for name, value in row.items():
        np.testing.assert_allclose(value[0], together[name][0], atol=1e-5, rtol=1e-5)


@backbones
def test_a_token_matters_to_its_neighbours(config_of, batch_of, backbone):
    model = randomized(config_of(backbone))
    batch = batch_of([9])
    before = np.asarray(model(batch)["sequence_output"])
    batch["token_ids"][0, 4] = 39 if batch["token_ids"][0, 4] != 39 else 38
    changed = np.abs(np.asarray(model(batch)["sequence_output"]) - before).max(axis=-1)[0]
    assert (changed[3:6] > 1e-4).all()


@backbones
@poolings
def test_padding_alone_stays_finite(config_of, batch_of, backbone, pooling):
    model = randomized(config_of(backbone, pooling=pooling))
    batch = batch_of([3, 3])
    batch["padding_mask"][1] = False
    assert all(np.isfinite(value).all() for value in model(batch).values())


@backbones
def test_no_two_matrices_start_alike(config_of, backbone):
    weights = build(make_backbone(config_of(backbone))).get_weights()
    starts = [tuple(weight.ravel()[:8]) for weight in weights if weight.ndim > 1]
    assert len(set(starts)) == len(starts)


@backbones
def test_variables_have_names_of_their_own(config_of, backbone):
    paths = [weight.path for weight in build(make_backbone(config_of(backbone))).weights]
    assert len(set(paths)) == len(paths)
    assert "backbone/embeddings/token_embedding/embeddings" in paths
