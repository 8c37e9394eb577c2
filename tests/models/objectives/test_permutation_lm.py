import numpy as np
import pytest

from common.errors import ConfigError
from data_util.pretraining.noise.permutation import PermutationNoise
from data_util.tokens.vocabulary import RESERVED, Vocabulary
from models.backbones.base import make_backbone
from models.build import build
from models.objectives.selection import check_visibilities
from models.pretraining_model import PretrainingModel
from tests.bert_release import libraries
from tests.models.conftest import VOCAB_SIZE


def randomized(layer, scale=0.4):
    rng = np.random.default_rng(0)
    layer.set_weights([rng.normal(scale=scale, size=weight.shape) for weight in layer.weights])
    return layer


@pytest.mark.parametrize("position", ["learned", "rotary"])
def test_no_target_sees_itself_or_what_comes_later(config_of, position):
    """With the batches of training: changing a target changes only what is predicted after it."""
    config = config_of("transformer", position=position)
    model = randomized(build(PretrainingModel(make_backbone(config), ["permutation_lm"])))
    (head,) = model.heads
    noise = PermutationNoise(Vocabulary([*RESERVED, *(f"t{n}" for n in range(VOCAB_SIZE - 5))]))
    ids = np.random.default_rng(1).integers(5, VOCAB_SIZE, (1, 20)).astype("int32")
    ids[:, 0] = 2

    def logits(ids):
        batch = {
            "token_ids": ids,
            "segment_ids": np.zeros_like(ids),
            "padding_mask": np.ones(ids.shape, bool),
        }
        # The same order each time: the noise looks only at which tokens are ordinary.
        batch |= noise.arrays(batch, np.random.default_rng(2))
        at = batch["permuted_positions"]
        stream = model.backbone.query_stream(batch, head.start, at)
        found = head(stream, token_embedding=model.backbone.token_embedding)
        return np.asarray(found)[0], at[0], int(batch["permuted_weights"].sum())

    before, at, count = logits(ids)
    assert count >= 2
    for place in range(1, 20):
        changed = ids.copy()
        changed[0, place] = 5 + (changed[0, place] - 4) % (VOCAB_SIZE - 5)
        after, _, _ = logits(changed)
        differs = (np.abs(after - before) > 1e-6).any(axis=-1)[:count]
        slot = list(at[:count]).index(place) if place in at[:count] else -1
        np.testing.assert_array_equal(differs, np.arange(count) > slot)


def test_streams_equal_xlnet(config_of, batch_of):
    """Without positions, which are relative there; a query bias is XLNet's `r_w_bias`."""
    torch, transformers = libraries()
    config = config_of(
        "transformer", position="none", normalization="post", layer_norm_epsilon=1e-5
    )
    backbone, rng = randomized(build(make_backbone(config))), np.random.default_rng(3)
    for layer in backbone.encoder_layers:
        attention = layer.attention.sublayer
        for projection in (attention.key, attention.value, attention.output_projection):
            projection.bias.assign(np.zeros(projection.bias.shape))
    theirs = transformers.XLNetLMHeadModel(
        transformers.XLNetConfig(
            vocab_size=VOCAB_SIZE, d_model=16, n_layer=2, n_head=2, d_inner=24,
            ff_activation="gelu", layer_norm_eps=1e-5, dropout=0.0,
        )
    ).eval()  # fmt: skip
    batch, width, heads = batch_of([9, 7]), config.d_model, config.num_heads
    batch["segment_ids"][:] = 0
    positions = np.array([[4, 2, 7], [6, 1, 0]], "int32")
    start = rng.normal(size=width).astype("float32")
    first = np.zeros((1, 1), "int32")
    in_place = backbone.embeddings.at_positions(start, segment_ids=first, positions=first)
    with torch.no_grad():
        for ours, layer in zip(backbone.encoder_layers, theirs.transformer.layer, strict=True):
            attention, there = ours.attention.sublayer, layer.rel_attn
            for parameter in (there.r, there.r_r_bias, there.r_s_bias, there.seg_embed):
                parameter.zero_()
            for name in ("query", "key", "value", "output_projection"):
                kernel = np.asarray(getattr(attention, name).kernel)
                kernel = kernel.T if name == "output_projection" else kernel
                getattr(there, name[0]).copy_(torch.tensor(kernel.reshape(width, heads, -1)))
            query_bias = np.asarray(attention.query.bias).reshape(heads, -1)
            there.r_w_bias.copy_(torch.tensor(query_bias))
            feed_forward = ours.feed_forward.sublayer
            for dense, module in (
                (feed_forward.inner, layer.ff.layer_1),
                (feed_forward.outer, layer.ff.layer_2),
            ):
                module.weight.copy_(torch.tensor(np.asarray(dense.kernel).T))
                module.bias.copy_(torch.tensor(np.asarray(dense.bias)))
            for norm, module in (
                (ours.attention.layer_norm, there.layer_norm),
                (ours.feed_forward.layer_norm, layer.ff.layer_norm),
            ):
                module.weight.copy_(torch.tensor(np.asarray(norm.gamma)))
                module.bias.copy_(torch.tensor(np.asarray(norm.beta)))
        theirs.transformer.mask_emb.copy_(torch.tensor(np.asarray(in_place)))
        # 1 where a position may not see another.
        ranks = np.zeros((2, 9), int)
        mapping = np.zeros((2, 3, 9), "float32")
        for row, slot in ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1)):
            ranks[row, positions[row, slot]] = slot + 1
            mapping[row, slot, positions[row, slot]] = 1
        hidden = (ranks[:, None, :] >= ranks[:, :, None]) & (ranks[:, None, :] > 0)
        expected = theirs(
            inputs_embeds=torch.tensor(
                np.asarray(backbone.embeddings(batch["token_ids"], batch["segment_ids"]))
            ),
            attention_mask=torch.tensor(batch["padding_mask"]).float(),
            perm_mask=torch.tensor(hidden).float(),
            target_mapping=torch.tensor(mapping),
        ).logits.numpy()
        stream = torch.tensor(np.asarray(backbone.query_stream(batch, start, positions)))
        found = theirs.lm_loss(stream).numpy()
    used = positions > 0
    np.testing.assert_allclose(found[used], expected[used], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    ("backbone", "sizes", "message"),
    [
        ("text_cnn", {}, "works with the backbone transformer alone, not text_cnn"),
        ("transformer", {"position": "none"}, "needs positions"),
        ("transformer", {"attention_window": 4}, "needs full attention"),
    ],
)
def test_other_backbones_are_refused(config_of, backbone, sizes, message):
    with pytest.raises(ConfigError, match=f"permutation_lm {message}"):
        check_visibilities(["masked_lm", "permutation_lm"], config_of(backbone, **sizes))
    check_visibilities(["masked_lm"], config_of(backbone, **sizes))
