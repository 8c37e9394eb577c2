import numpy as np
import pytest

from models.backbones.base import make_backbone
from models.build import build
from models.layers.pooling import MaxPooling, MeanPooling
from models.registry import BACKBONES, POOLINGS

backbones = pytest.mark.parametrize("backbone", BACKBONES)
poolings = pytest.mark.parametrize("pooling", POOLINGS)


def randomized(config):
    """A built backbone, all of whose weights matter."""
    backbone = build(make_backbone(config))
    rng = np.random.default_rng(0)
    backbone.set_weights([rng.normal(scale=0.5, size=weight.shape) for weight in backbone.weights])
    return backbone


@backbones
@poolings
def test_padding_changes_nothing(config_of, batch_of, backbone, pooling):
    model = randomized(config_of(backbone, pooling=pooling))
    batch = batch_of([4, 9, 1], slots=1)
    alone = {name: np.asarray(value) for name, value in model(batch).items()}
    rng = np.random.default_rng(5)
    for width in (9, 14, 24):
        wider = batch_of([4, 9, 1], width, slots=1)
        real = wider["padding_mask"]
        for name, limit in (("token_ids", 40), ("segment_ids", 2)):
            garbage = rng.integers(0, limit, real.shape)
            garbage[:, :9] = np.where(real[:, :9], batch[name], garbage[:, :9])
            wider[name] = garbage.astype("int32")
        output = {name: np.asarray(value) for name, value in model(wider).items()}
        np.testing.assert_allclose(
            output["sequence_output"][real],
            alone["sequence_output"][batch["padding_mask"]],
            atol=1e-5, rtol=1e-5,
        )  # fmt: skip
        np.testing.assert_allclose(
            output["pooled_output"], alone["pooled_output"], atol=1e-5, rtol=1e-5
        )


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
@poolings
@pytest.mark.parametrize("positions", [[[3, 0, 3], [7, 5, 1]], [[], []]])
def test_some_positions_are_what_all_have_there(config_of, batch_of, backbone, pooling, positions):
    model = randomized(config_of(backbone, pooling=pooling))
    batch = batch_of([6, 8])
    positions = np.array(positions, "int32").reshape(2, -1)
    everywhere, some = model(batch), model(batch, positions=positions)
    expected = np.take_along_axis(
        np.asarray(everywhere["sequence_output"]), positions[:, :, None], axis=1
    )
    np.testing.assert_allclose(some["sequence_output"], expected, atol=1e-5, rtol=1e-5)
    for name in ("embedding_output", "pooled_output"):
        np.testing.assert_allclose(some[name], everywhere[name], atol=1e-5, rtol=1e-5)


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


def test_poolings_by_hand():
    sequence = np.array([[[1.0, -4.0], [3.0, -2.0], [9.0, 9.0]]], "float32")
    mask = np.array([[True, True, False]])
    np.testing.assert_array_equal(MaxPooling()(sequence, mask), [[3.0, -2.0]])
    np.testing.assert_array_equal(MeanPooling()(sequence, mask), [[2.0, -3.0]])
