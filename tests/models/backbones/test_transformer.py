import keras
import keras_hub
import numpy as np
import pytest
import tensorflow as tf

from models.backbones.base import make_backbone
from models.backbones.transformer import TransformerLayer
from models.backbones.transformer_config import SHARED_SUBLAYERS
from models.build import build
from models.checkpoints.transfer import named_variables
from tests.bert_release import libraries
from tests.gradients import weights_without_gradient


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
    found = ours(x, mask, visibility="left")
    expected = theirs(x, decoder_padding_mask=mask)
    np.testing.assert_allclose(found, expected, atol=1e-5, rtol=1e-5)


def copy_albert(theirs, backbone):
    """ALBERT's weights in a backbone with `share_layers="all"`."""
    state = {name: weight.numpy() for name, weight in theirs.state_dict().items()}
    layer = "encoder.albert_layer_groups.0.albert_layers.0"
    ours = {
        "embeddings/token_embedding/embeddings": "embeddings.word_embeddings.weight",
        "embeddings/segment_embedding/embeddings": "embeddings.token_type_embeddings.weight",
        "embeddings/positional_encoding/embeddings": "embeddings.position_embeddings.weight",
    }
    dense = {
        "layer_0/attention/multi_head_attention/query": f"{layer}.attention.query",
        "layer_0/attention/multi_head_attention/key": f"{layer}.attention.key",
        "layer_0/attention/multi_head_attention/value": f"{layer}.attention.value",
        "layer_0/attention/multi_head_attention/output": f"{layer}.attention.dense",
        "layer_0/feed_forward/feed_forward/inner": f"{layer}.ffn",
        "layer_0/feed_forward/feed_forward/outer": f"{layer}.ffn_output",
        "cls_pooling/dense": "pooler",
    }
    norms = {
        "embeddings/layer_norm": "embeddings.LayerNorm",
        "layer_0/attention/layer_norm": f"{layer}.attention.LayerNorm",
        "layer_0/feed_forward/layer_norm": f"{layer}.full_layer_layer_norm",
    }
    for names, (weight, bias) in ((dense, ("kernel", "bias")), (norms, ("gamma", "beta"))):
        for our, their in names.items():
            ours |= {f"{our}/{weight}": f"{their}.weight", f"{our}/{bias}": f"{their}.bias"}
    variables = named_variables(backbone)
    assert variables.keys() == ours.keys()
    for name, variable in variables.items():
        values = state[ours[name]]
        variable.assign(values.T if name.endswith("kernel") else values)


def test_shared_layers_equal_albert(config_of, batch_of):
    torch, transformers = libraries()
    theirs = transformers.AlbertModel(
        transformers.AlbertConfig(
            vocab_size=40, embedding_size=16, hidden_size=16, num_hidden_layers=3,
            num_attention_heads=2, intermediate_size=24, max_position_embeddings=24,
        )
    ).eval()  # fmt: skip
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.copy_(0.3 * torch.randn(parameter.shape, generator=generator))
        # ALBERT projects the normalized embeddings, ours are projected before they are added. With
        # tables of the same width as the model, an identity makes them the same.
        theirs.encoder.embedding_hidden_mapping_in.weight.copy_(torch.eye(16))
        theirs.encoder.embedding_hidden_mapping_in.bias.zero_()
    backbone = build(
        make_backbone(
            config_of(
                "transformer", num_layers=3, share_layers="all", normalization="post",
                position="learned", gelu_approximate=True,
            )
        )
    )  # fmt: skip
    copy_albert(theirs, backbone)
    batch = batch_of([8, 5])
    with torch.no_grad():
        expected = theirs(
            input_ids=torch.tensor(batch["token_ids"]),
            token_type_ids=torch.tensor(batch["segment_ids"]),
            attention_mask=torch.tensor(batch["padding_mask"]),
        )
    found, mask = backbone(batch), batch["padding_mask"]
    np.testing.assert_allclose(
        np.asarray(found["sequence_output"])[mask], expected.last_hidden_state[mask], atol=1e-4
    )
    np.testing.assert_allclose(found["pooled_output"], expected.pooler_output, atol=1e-4)


@pytest.mark.parametrize("share", ["attention", "feed_forward", "all"])
def test_shared_layers_are_layers_with_the_same_weights(config_of, batch_of, share):
    sizes = {"num_layers": 3, "position": "learned"}
    shared = build(make_backbone(config_of("transformer", share_layers=share, **sizes)))
    randomize(shared)
    alone = build(make_backbone(config_of("transformer", **sizes)))
    values = {name: variable.numpy() for name, variable in named_variables(shared).items()}
    repeated = []
    for name, variable in named_variables(alone).items():
        layer, _, part = name.partition("/")
        if name not in values:
            assert part.split("/")[0] in SHARED_SUBLAYERS[share] and layer in ("layer_1", "layer_2")
            repeated.append(variable)
        variable.assign(values.get(name, values.get(f"layer_0/{part}")))
    assert shared.count_params() + sum(map(int, map(tf.size, repeated))) == alone.count_params()
    assert 0.8 * shared.count_params() < shared.config.min_parameters() < shared.count_params()

    batch, rng = batch_of([8, 6]), np.random.default_rng(1)
    upstream = rng.normal(size=(2, 8, 16)).astype("float32")
    gradients = []
    for backbone in (shared, alone):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(backbone(batch)["sequence_output"] * upstream)
        wanted = named_variables(backbone)["layer_0/attention/layer_norm/gamma"].value
        gradients.append((loss, *tape.gradient(loss, [wanted])))
    np.testing.assert_allclose(gradients[0][0], gradients[1][0], rtol=1e-4)
    # A shared weight gets the sum of the gradients of all layers.
    same = np.allclose(gradients[0][1], gradients[1][1], rtol=1e-3, atol=1e-4)
    assert same == ("attention" not in SHARED_SUBLAYERS[share])


def test_gradients_reach_shared_layers(config_of, batch_of):
    backbone = build(make_backbone(config_of("transformer", num_layers=3, share_layers="all")))
    with tf.GradientTape() as tape:
        outputs = backbone(batch_of([8, 6]), training=True)
        loss = sum(
            tf.reduce_sum(tf.sin(outputs[f"{name}_output"])) for name in ("sequence", "pooled")
        )
    assert weights_without_gradient(backbone, tape, loss) == []
