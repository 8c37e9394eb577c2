import keras
import numpy as np
import pytest
import tensorflow as tf

from models.backbones.base import make_backbone
from models.build import INPUTS, build
from models.config import BackboneConfig
from models.layers.positions import rotate
from models.layers.windowed_attention import WindowedAttention
from tests.bert_release import libraries
from tests.gradients import weights_without_gradient

WINDOW, HEADS, D_K, D_V, WIDTH = 4, 2, 4, 6, 8
# One block, one block that is full, blocks with a rest, blocks without.
LENGTHS = [3, 6, 7, 12]


def made(rotary=False):
    """A layer all of whose weights matter."""
    layer = WindowedAttention(
        window=WINDOW, num_heads=HEADS, d_k=D_K, d_v=D_V, d_model=WIDTH, rotary=rotary
    )
    layer.build((None, None, WIDTH))
    return randomized(layer)


def randomized(layer, scale=0.5):
    rng = np.random.default_rng(0)
    layer.set_weights([rng.normal(scale=scale, size=weight.shape) for weight in layer.weights])
    return layer


def padded(length):
    """Three sequences, two of them shorter."""
    x = np.random.default_rng(1).normal(size=(3, length, WIDTH)).astype("float32")
    return x, np.arange(length) < np.array([[length], [length - 1], [1]])


def dense(layer, x, mask, visibility):
    """The heads from all scores, a band of which is kept: written with numpy."""

    def heads(projection, values, width):
        vectors = np.asarray(projection(values)).reshape(*values.shape[:2], HEADS, width)
        return np.asarray(rotate(vectors)) if layer.rotary and width == D_K else vectors

    def attend(q, k, v, seen):
        scores = np.einsum("bihd,bjhd->bhij", q, k) / np.sqrt(D_K)
        scores = np.where(seen[:, None], scores, -np.inf)
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        weights /= weights.sum(-1, keepdims=True)
        return np.einsum("bhij,bjhd->bihd", weights, v)

    i, j = np.mgrid[: x.shape[1], : x.shape[1]]
    seen = (abs(i - j) <= WINDOW // 2) | (i == 0) | (j == 0)
    seen &= {"both": True, "left": j <= i, "right": j >= i}[visibility]
    seen = seen & mask[:, None, :]
    own = (layer.query, D_K), (layer.key, D_K), (layer.value, D_V)
    others = attend(*(heads(projection, x, width) for projection, width in own), seen)
    own = (layer.query_global, D_K), (layer.key_global, D_K), (layer.value_global, D_V)
    first = attend(*(heads(projection, x, width) for projection, width in own), seen)
    joined = np.concatenate([first[:, :1], others[:, 1:]], axis=1)
    return layer.output_projection(joined.reshape(*x.shape[:2], HEADS * D_V))


@pytest.mark.parametrize(
    ("visibility", "rotary"), [("both", False), ("both", True), ("left", True), ("right", False)]
)
def test_blocks_are_a_band_of_all_scores(rotary, visibility):
    layer = made(rotary)
    of_any_length = tf.function(
        lambda x, mask: layer(x, mask=mask, visibility=visibility),
        input_signature=[tf.TensorSpec((None, None, WIDTH)), tf.TensorSpec((None, None), "bool")],
    )
    for length in LENGTHS:
        x, mask = padded(length)
        expected = np.asarray(dense(layer, x, mask, visibility))[mask]
        for found in (layer(x, mask=mask, visibility=visibility), of_any_length(x, mask)):
            np.testing.assert_allclose(np.asarray(found)[mask], expected, atol=1e-5, rtol=1e-5)
        positions = np.array([[0, 2, 1], [1, 0, 0], [0, 0, 0]], "int32")
        some = layer(x, mask=mask, positions=positions, visibility=visibility)
        every = np.asarray(dense(layer, x, mask, visibility))
        there = np.take_along_axis(every, positions[:, :, None], axis=1)
        np.testing.assert_allclose(some, there, atol=1e-5, rtol=1e-5)


def test_no_array_is_as_large_as_all_scores():
    """Of the operations of a long sequence: their size grows with its length alone."""
    layer, largest = made(), []
    for length in (64, 128):
        graph = tf.function(lambda x: layer(x)).get_concrete_function(
            tf.TensorSpec((1, length, WIDTH))
        )
        sizes = [
            output.shape.num_elements() or 0
            for operation in graph.graph.get_operations()
            for output in operation.outputs
            if output.shape.rank is not None
        ]
        largest.append(max(sizes))
    assert largest[1] == 2 * largest[0] < HEADS * 128 * 128


def test_a_key_of_its_own_is_refused():
    x, _ = padded(3)
    with pytest.raises(ValueError, match="attends to its own input"):
        made()(x, x)


def test_config_round_trip():
    layer = made(rotary=True)
    again = WindowedAttention.from_config(layer.get_config())
    assert (again.window, again.rotary, again.get_config()) == (WINDOW, True, layer.get_config())


@pytest.fixture
def windowed(config_of):
    """A backbone with windows, all of whose weights matter."""

    def make(**changes):
        config = config_of("transformer", attention_window=4, **changes)
        return randomized(build(make_backbone(config)), 0.4)

    return make


@pytest.mark.parametrize("visibility", ["both", "left"])
def test_padding_changes_nothing(windowed, batch_of, visibility):
    backbone = windowed()
    batch = batch_of([13, 8])
    wider = {name: np.pad(batch[name], ((0, 0), (0, 9))) for name in INPUTS}
    real = wider["padding_mask"]
    wider["token_ids"][~real] = 7
    alone, among = (backbone(one, visibility=visibility) for one in (batch, wider))
    for name, of_alone, of_among in (
        ("sequence_output", batch["padding_mask"], real),
        ("pooled_output", slice(None), slice(None)),
    ):
        expected, found = np.asarray(alone[name])[of_alone], np.asarray(among[name])[of_among]
        np.testing.assert_allclose(found, expected, atol=1e-5, rtol=1e-5, err_msg=name)


def test_left_sees_nothing_that_comes_after(windowed, batch_of):
    backbone, batch = windowed(num_layers=1), batch_of([14])
    before = np.asarray(backbone(batch, visibility="left")["sequence_output"])[0]
    for place in (0, 5, 13):
        changed = {**batch, "token_ids": batch["token_ids"].copy()}
        changed["token_ids"][:, place] = np.where(changed["token_ids"][:, place] == 7, 9, 7)
        after = np.asarray(backbone(changed, visibility="left")["sequence_output"])[0]
        differs = (before != after).any(axis=-1)
        # Itself and half a window after it; all, if it is the first.
        seen_by = np.arange(14) >= place
        seen_by &= (np.arange(14) <= place + 2) | (place == 0)
        np.testing.assert_array_equal(differs, seen_by)


def test_gradients_reach_every_weight(windowed, batch_of):
    backbone, rng = windowed(position="learned", pooling="max"), np.random.default_rng(1)
    with tf.GradientTape() as tape:
        output = backbone(batch_of([14, 9]), training=True)["sequence_output"]
        loss = tf.reduce_sum(output * rng.normal(size=output.shape).astype("float32"))
    missing = weights_without_gradient(backbone, tape, loss)
    assert [path for path in missing if not path.endswith("key_global/bias")] == []


def test_the_backbone_round_trips_and_counts_its_parameters(windowed):
    backbone = windowed()
    stored = keras.saving.serialize_keras_object(backbone)
    again = build(keras.saving.deserialize_keras_object(stored))
    assert again.config == backbone.config == BackboneConfig.from_dict(backbone.config.to_dict())
    paths = [weight.path for weight in backbone.weights]
    assert [weight.path for weight in again.weights] == paths and len(set(paths)) == len(paths)
    parameters = backbone.count_params()
    assert 0.8 * parameters < backbone.config.min_parameters() < parameters


def test_equals_longformer(config_of, batch_of):
    torch, transformers = libraries()
    config = config_of(
        "transformer", attention_window=4, position="learned", normalization="post",
        layer_norm_epsilon=1e-5,
    )  # fmt: skip
    backbone = randomized(build(make_backbone(config)), 0.3)
    theirs = transformers.LongformerModel(
        transformers.LongformerConfig(
            vocab_size=config.vocab_size,
            hidden_size=config.d_model,
            num_hidden_layers=config.num_layers,
            num_attention_heads=config.num_heads,
            intermediate_size=config.d_ff,
            max_position_embeddings=config.max_position,
            type_vocab_size=config.num_segments,
            attention_window=[4] * config.num_layers,
            layer_norm_eps=config.layer_norm_epsilon,
            pad_token_id=0,
        )
    ).eval()
    names = {
        "embeddings/token_embedding/embeddings": "embeddings.word_embeddings.weight",
        "embeddings/segment_embedding/embeddings": "embeddings.token_type_embeddings.weight",
        "embeddings/positional_encoding/embeddings": "embeddings.position_embeddings.weight",
        "embeddings/layer_norm": "embeddings.LayerNorm",
        "attention/multi_head_attention/output": "attention.output.dense",
        "attention/multi_head_attention": "attention.self",
        "attention/layer_norm": "attention.output.LayerNorm",
        "feed_forward/feed_forward/inner": "intermediate.dense",
        "feed_forward/feed_forward/outer": "output.dense",
        "feed_forward/layer_norm": "output.LayerNorm",
        "layer_": "encoder.layer.",
        "kernel": "weight",
        "gamma": "weight",
        "beta": "bias",
    }
    state = theirs.state_dict()
    for weight in backbone.weights:
        name = weight.path.removeprefix("backbone/")
        if name.startswith("pooling") or "pool" in name:
            continue
        for ours, their in names.items():
            name = name.replace(ours, their)
        value = torch.tensor(np.asarray(weight.value))
        state[name.replace("/", ".")].copy_(value.T if "kernel" in weight.path else value)
    batch = batch_of([14, 9])
    expected = theirs(
        torch.tensor(batch["token_ids"]).long(),
        attention_mask=torch.tensor(batch["padding_mask"]).long(),
        global_attention_mask=(torch.arange(14) == 0).long().expand(2, -1),
        token_type_ids=torch.tensor(batch["segment_ids"]).long(),
        position_ids=torch.arange(14).expand(2, -1),
    ).last_hidden_state.detach()
    real = batch["padding_mask"]
    found = np.asarray(backbone(batch)["sequence_output"])
    np.testing.assert_allclose(found[real], expected.numpy()[real], atol=1e-4, rtol=1e-4)
