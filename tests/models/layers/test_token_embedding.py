import keras
import numpy as np
import pytest

from models.backbones.base import make_backbone
from models.build import build
from models.checkpoints.transfer import named_variables
from models.layers.token_embedding import TokenEmbedding
from models.pretraining_model import PretrainingModel
from tests.objective_logits import logits_of


def test_projected_there_and_back():
    layer = TokenEmbedding(7, d_model=5, width=3)
    layer.build()
    table, kernel = np.asarray(layer.embeddings), np.asarray(layer.projection.kernel)
    assert (table.shape, kernel.shape) == ((7, 3), (3, 5))
    ids = np.array([[0, 6, 2]])
    np.testing.assert_allclose(layer(ids), (table @ kernel)[ids], atol=1e-6)
    x = np.random.default_rng(1).normal(size=(2, 3, 5)).astype("float32")
    np.testing.assert_allclose(layer(x, reverse=True), x @ (table @ kernel).T, atol=1e-5)
    np.testing.assert_allclose(layer.to_table_width(x), x @ kernel.T, atol=1e-5)


@pytest.mark.parametrize("width", [0, 5])
def test_of_the_models_width_it_is_keras_own(width):
    layer = TokenEmbedding(7, d_model=5, width=width)
    layer.build()
    plain = keras.layers.ReversibleEmbedding(7, 5)
    plain.build()
    plain.set_weights(layer.get_weights())
    ids, x = np.array([[1, 4]]), np.ones((1, 2, 5), "float32")
    np.testing.assert_array_equal(layer(ids), plain(ids))
    np.testing.assert_array_equal(layer(x, reverse=True), plain(x, reverse=True))
    assert layer.projection is None


def test_a_vector_keeps_its_scale():
    layer = TokenEmbedding(2000, d_model=64, width=200)
    layer.build()
    layer.embeddings.assign(0.3 * np.random.default_rng(1).normal(size=(2000, 200)))
    assert np.std(layer(np.arange(2000))) == pytest.approx(0.3, rel=0.15)


def test_it_can_be_made_again():
    layer = TokenEmbedding(7, d_model=5, width=3, name="tokens")
    again = TokenEmbedding.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    assert (again.input_dim, again.output_dim, again.d_model) == (7, 3, 5)


@pytest.mark.parametrize("backbone", ["transformer", "text_cnn"])
def test_a_model_learns_through_the_projection(config_of, batch_of, backbone, tmp_path):
    width = {"transformer": 6, "text_cnn": 30}[backbone]
    model = build(PretrainingModel(make_backbone(config_of(backbone, embedding_width=width))))
    variables = named_variables(model.backbone)
    assert variables["embeddings/token_embedding/embeddings"].shape == (40, width)
    assert variables["embeddings/token_embedding/projection/kernel"].shape == (width, 16)
    batch = batch_of([12, 7])
    model.compile(optimizer=keras.optimizers.Adam(1e-2), run_eagerly=True)
    before = {name: np.array(variable) for name, variable in variables.items()}
    losses = [model.train_on_batch(batch, return_dict=True)["loss"] for _ in range(3)]
    assert losses[-1] < losses[0]
    assert all((np.asarray(variable) != before[name]).any() for name, variable in variables.items())
    logits = logits_of(model, batch)["masked_lm"]
    assert logits.shape == (2, 3, 40)
    # Saved and loaded, it is the same.
    model.save_weights(tmp_path / "model.weights.h5")
    again = build(PretrainingModel(make_backbone(config_of(backbone, embedding_width=width))))
    again.load_weights(tmp_path / "model.weights.h5")
    np.testing.assert_array_equal(logits_of(again, batch)["masked_lm"], logits)


def test_a_sampled_softmax_is_tied_through_the_projection(config_of, batch_of):
    config = config_of("text_cnn", embedding_width=6)
    model = build(PretrainingModel(make_backbone(config), ["masked_lm"], {"num_sampled": 20}))
    batch = batch_of([12, 7])
    full = logits_of(model, batch)["masked_lm"]
    # Without dropout the target's logit is the same; it is the first of the candidates.
    outputs, table = model.encoded(batch)["sequence_output"], model.backbone.token_embedding
    sampled = np.asarray(model.heads[0].sampled(outputs, batch["masked_ids"], table))
    expected = np.take_along_axis(full, batch["masked_ids"][:, :, None], axis=2)
    np.testing.assert_allclose(sampled[:, :, :1], expected, atol=1e-5)
