import numpy as np
import pytest

from models.backbones.base import make_backbone
from models.build import build
from models.checkpoints.transfer import named_variables
from models.layers.embeddings import Embeddings
from models.pretraining_model import PretrainingModel
from tests.objective_logits import logits_of


def embeddings_of(config):
    """Built, with drawn weights: (the layer, its weights by name)."""
    layer = Embeddings(config)
    layer.build((None, None, config.d_model))
    rng = np.random.default_rng(2)
    for variable in layer.weights:
        variable.assign(rng.normal(size=variable.shape))
    return layer, {name: np.asarray(value) for name, value in named_variables(layer).items()}


def norm(x, gamma, beta, epsilon):
    x = x - x.mean(-1, keepdims=True)
    return gamma * x / np.sqrt((x**2).mean(-1, keepdims=True) + epsilon) + beta


IDS, SEGMENTS = np.array([[1, 7, 2]], "int32"), np.array([[0, 1, 1]], "int32")


@pytest.mark.parametrize("width", [0, 6, 16])
def test_the_sum_is_projected(config_of, width):
    config = config_of(
        "transformer",
        position="learned",
        embedding_width=width,
        embedding_projection="sum",
        position_offset=2,
    )
    layer, values = embeddings_of(config)
    total = (
        values["token_embedding/embeddings"][IDS]
        + values["segment_embedding/embeddings"][SEGMENTS]
        + values["positional_encoding/embeddings"][[[2, 3, 4]]]
    )
    expected = norm(
        total, values["layer_norm/gamma"], values["layer_norm/beta"], config.layer_norm_epsilon
    )
    assert expected.shape == (1, 3, width or 16)
    if width:
        expected = expected @ values["projection/kernel"] + values["projection/bias"]
    else:
        assert not any(name.startswith("projection") for name in values)
    np.testing.assert_allclose(layer(IDS, SEGMENTS), expected, rtol=1e-4, atol=1e-4)
    assert layer.positional_encoding.table.shape == (2 + 24, width or 16)


@pytest.mark.parametrize("segments", [0, 1])
def test_segments_that_are_not_told_apart(config_of, segments):
    layer, values = embeddings_of(config_of("transformer", num_segments=segments))
    assert ("segment_embedding/embeddings" in values) == (segments == 1)
    np.testing.assert_array_equal(layer(IDS, SEGMENTS), layer(IDS, 0 * SEGMENTS))


def test_learned_positions_are_copied_behind_those_that_are_not_read(config_of):
    config = config_of("transformer", position="learned", max_position=5, position_offset=2)
    layer, values = embeddings_of(config)
    layer.positional_encoding.tile(3)
    before = values["positional_encoding/embeddings"]
    (after,) = layer.positional_encoding.get_weights()
    np.testing.assert_array_equal(after, before[[0, 1, 2, 3, 4, 3, 4]])


def test_a_model_learns_through_the_projection_of_the_sum(config_of, batch_of):
    config = config_of("transformer", embedding_width=6, embedding_projection="sum")
    objectives, settings = ["masked_lm"], {"num_sampled": 20}
    model = build(PretrainingModel(make_backbone(config), objectives, settings))
    sizes = {name: tuple(value.shape) for name, value in named_variables(model.heads[0]).items()}
    assert sizes["transform/kernel"] == (16, 6)
    assert sizes["layer_norm/gamma"] == (6,)
    batch = batch_of([12, 7])
    full = logits_of(model, batch)["masked_lm"]
    outputs, table = model.encoded(batch)["sequence_output"], model.backbone.token_embedding
    sampled = np.asarray(model.heads[0].sampled(outputs, batch["masked_ids"], table))
    expected = np.take_along_axis(full, batch["masked_ids"][:, :, None], axis=2)
    np.testing.assert_allclose(sampled[:, :, :1], expected, atol=1e-5)
    model.compile(optimizer="adam", run_eagerly=True)
    before = [np.array(variable) for variable in model.trainable_variables]
    model.train_on_batch(batch)
    after = zip(before, model.trainable_variables, strict=True)
    unread = [value.path for old, value in after if (old == np.asarray(value)).all()]
    # Without an objective that reads the pooled output, its layer learns nothing.
    assert all("cls_pooling" in path for path in unread)
