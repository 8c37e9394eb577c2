import keras
import keras_hub
import numpy as np
import pytest

from models.backbones.base import make_backbone
from models.backbones.transformer import TransformerLayer, _left
from models.build import build


def randomize(layer, scale=0.3):
    rng = np.random.default_rng(0)
    layer.set_weights([rng.normal(scale=scale, size=weight.shape) for weight in layer.weights])


@pytest.mark.parametrize("normalization", ["pre", "post"])
@pytest.mark.parametrize("activation", ["gelu", "relu"])
def test_layer_equals_keras_hub(config_of, normalization, activation):
    # Theirs is told of positions by the embeddings alone.
    config = config_of(
        "transformer", position="learned", normalization=normalization, activation=activation
    )
    ours = TransformerLayer(config)
    ours.build((None, None, config.d_model))
    randomize(ours)
    theirs = keras_hub.layers.TransformerEncoder(
        config.d_ff,
        config.num_heads,
        activation=activation,
        layer_norm_epsilon=config.layer_norm_epsilon,
        normalize_first=normalization == "pre",
    )
    theirs.build((None, None, config.d_model))
    attention, feed_forward = ours.attention, ours.feed_forward
    same = [
        (attention.sublayer, theirs._self_attention_layer),
        (attention.layer_norm, theirs._self_attention_layer_norm),
        (feed_forward.sublayer.inner, theirs._feedforward_intermediate_dense),
        (feed_forward.sublayer.outer, theirs._feedforward_output_dense),
        (feed_forward.layer_norm, theirs._feedforward_layer_norm),
    ]
    for our_layer, their_layer in same:
        their_layer.set_weights(
            [
                weight.reshape(target.shape)
                for weight, target in zip(
                    our_layer.get_weights(), their_layer.get_weights(), strict=True
                )
            ]
        )
    x = np.random.default_rng(1).normal(size=(3, 7, config.d_model)).astype("float32")
    mask = np.arange(7) < np.array([[7], [4], [1]])
    np.testing.assert_allclose(ours(x, mask), theirs(x, padding_mask=mask), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("normalization", ["pre", "post"])
@pytest.mark.parametrize("position", ["learned", "rotary"])
def test_last_layer_is_computed_where_it_is_wanted(config_of, batch_of, normalization, position):
    config = config_of("transformer", normalization=normalization, position=position)
    backbone = build(make_backbone(config))
    randomize(backbone)
    batch, positions = batch_of([6, 8]), np.array([[3, 0, 3], [7, 5, 1]], "int32")
    seen = []
    feed_forward = backbone.encoder_layers[-1].feed_forward.sublayer
    feed_forward.call = lambda inputs, call=feed_forward.call, **kwargs: (
        seen.append(inputs.shape) or call(inputs, **kwargs)
    )
    some = backbone(batch, positions=positions)["sequence_output"]
    expected = np.take_along_axis(
        np.asarray(backbone(batch)["sequence_output"]), positions[:, :, None], axis=1
    )
    np.testing.assert_allclose(some, expected, atol=1e-5, rtol=1e-5)
    # The pooling asks for the first position beside them.
    assert seen == [(2, 4, config.d_model), (2, 8, config.d_model)]


def token_share(backbone, batch):
    """The part of the variance that is between rows: other tokens at the same position."""
    output = np.asarray(backbone(batch)["sequence_output"])
    whole = np.square(output - output.mean(axis=(0, 1))).sum()
    return np.square(output - output.mean(axis=0)).sum() / whole


@pytest.mark.parametrize("normalization", ["pre", "post"])
@pytest.mark.parametrize("position", ["learned", "sinusoidal", "rotary"])
def test_last_layer_tells_tokens_apart_at_the_start(config_of, batch_of, normalization, position):
    config = config_of(
        "transformer", d_model=64, num_heads=8, num_layers=6, d_ff=256,
        normalization=normalization, position=position,
    )  # fmt: skip
    # The rest is what the position and the segment say.
    assert token_share(build(make_backbone(config)), batch_of([20] * 16)) > 0.3


def test_faint_tokens_would_be_seen(config_of, batch_of):
    """The measure above tells when what is the same in all rows drowns the tokens."""
    config = config_of("transformer", d_model=64, num_heads=8, num_layers=6, d_ff=256)
    backbone = build(make_backbone(config))
    table = backbone.token_embedding.embeddings
    table.assign(keras.ops.convert_to_numpy(table) * 0.1)
    assert token_share(backbone, batch_of([20] * 16)) < 0.3


def test_layer_norms_start_as_the_identity(config_of):
    backbone = build(make_backbone(config_of("transformer")))
    gammas = [weight for weight in backbone.weights if weight.path.endswith("gamma")]
    betas = [weight for weight in backbone.weights if weight.path.endswith("beta")]
    assert len(gammas) == len(betas) == 1 + 2 * 2 + 1
    assert all((keras.ops.convert_to_numpy(gamma) == 1).all() for gamma in gammas)
    assert all((keras.ops.convert_to_numpy(beta) == 0).all() for beta in betas)


def test_sinusoidal_tokens_keep_the_scale_of_the_positions(config_of):
    config = config_of("transformer", d_model=64, num_heads=8, position="sinusoidal")
    embeddings = build(make_backbone(config)).embeddings
    table = embeddings.token_embedding.get_weights()[0]
    # A normal distribution cut at two standard deviations has 0.88 of its deviation left.
    assert table.std() * embeddings.scale == pytest.approx(0.88, abs=0.03)


@pytest.mark.parametrize("normalization", ["pre", "post"])
def test_transformer_to_the_left_equals_keras_hub(config_of, normalization):
    config = config_of("transformer", position="learned", normalization=normalization)
    ours = TransformerLayer(config)
    ours.build((None, None, config.d_model))
    rng = np.random.default_rng(0)
    ours.set_weights([rng.normal(scale=0.3, size=weight.shape) for weight in ours.weights])
    theirs = keras_hub.layers.TransformerDecoder(
        config.d_ff,
        config.num_heads,
        activation=lambda x: keras.ops.gelu(x, approximate=False),
        layer_norm_epsilon=config.layer_norm_epsilon,
        normalize_first=normalization == "pre",
    )
    theirs.build((None, None, config.d_model))
    attention, feed_forward = ours.attention, ours.feed_forward
    for our_layer, their_layer in (
        (attention.sublayer, theirs._self_attention_layer),
        (attention.layer_norm, theirs._self_attention_layer_norm),
        (feed_forward.sublayer.inner, theirs._feedforward_intermediate_dense),
        (feed_forward.sublayer.outer, theirs._feedforward_output_dense),
        (feed_forward.layer_norm, theirs._feedforward_layer_norm),
    ):
        pairs = zip(our_layer.get_weights(), their_layer.get_weights(), strict=True)
        their_layer.set_weights([weight.reshape(target.shape) for weight, target in pairs])
    x = rng.normal(size=(3, 7, config.d_model)).astype("float32")
    mask = np.arange(7) < np.array([[7], [4], [1]])
    found = ours(x, _left(mask))
    expected = theirs(x, decoder_padding_mask=mask)
    np.testing.assert_allclose(found, expected, atol=1e-5, rtol=1e-5)
