"""The decoder against BART's, on the same weights, and its steps against its full pass."""

import keras
import numpy as np
import pytest

from models.backbones.transformer_config import TransformerConfig
from models.generation.generate import generate
from models.generation.settings import GenerationSettings
from models.heads.decoder import Decoder, decoder_config
from models.layers.decoder_layer import KeysAndValues
from models.layers.token_embedding import TokenEmbedding
from models.presets import backbone_config

WIDTH, VOCABULARY, LAYERS, HEADS, END = 16, 30, 2, 2, 2


def built(config):
    """A decoder and a token embedding."""
    keras.utils.set_random_seed(3)
    table = TokenEmbedding(config.vocab_size, config.sum_width)
    decoder = Decoder(config, name="head")
    table.build()
    decoder.build()
    return decoder, table


class DecoderStep:
    """A step over a decoder's own cache; `memory` has a row for each prompt."""

    def __init__(self, decoder, table, memory, mask):
        self.decoder, self.table = decoder, table
        self.memory, self.mask, self.before = decoder.project_memory(memory), mask, None

    def __call__(self, sequences, parents):
        take = lambda each: KeysAndValues(*(np.asarray(one)[parents] for one in each))  # noqa: E731
        self.memory, self.mask = list(map(take, self.memory)), self.mask[parents]
        if self.before is None:
            config, rows = self.decoder.config, len(parents)
            shapes = [(rows, 0, config.num_heads, width) for width in (config.d_k, config.d_v)]
            empty = KeysAndValues(*(np.zeros(shape, "float32") for shape in shapes))
            self.before = [empty] * config.num_layers
        else:
            self.before = list(map(take, self.before))
        logits, self.before = self.decoder.step(
            sequences[:, -1:], self.before, self.memory, self.mask, self.table
        )
        return np.asarray(logits)


def memory_of(rows, seed=0):
    random = np.random.default_rng(seed)
    mask = np.arange(7) < random.integers(2, 8, rows)[:, None]
    return random.normal(size=(rows, 7, WIDTH)).astype("float32"), mask


@pytest.mark.parametrize(
    "config",
    [
        # Any backbone: rotary positions; learned ones; a narrow table with a projection.
        decoder_config(backbone_config("text_cnn", "tiny", 30, d_model=WIDTH), 2, 12),
        decoder_config(backbone_config("lstm", "tiny", 30, d_model=WIDTH, d_k=3), 1, 12),
        decoder_config(
            backbone_config(
                "transformer", "tiny", 30, d_model=WIDTH, embedding_width=6,
                embedding_projection="sum",
            ),
            1,
            12,
        ),
    ],
    ids=lambda config: f"{config.position}-{config.sum_width}",
)  # fmt: skip
def test_steps_equal_the_full_pass(config):
    decoder, table = built(config)
    memory, mask = memory_of(4)
    ids = np.random.default_rng(1).integers(0, 30, (4, 9))
    full = np.asarray(decoder(ids, memory, mask, token_embedding=table))
    assert full.shape == (4, 9, 30)
    step, rows = DecoderStep(decoder, table, memory, mask), np.arange(4)
    for length in range(1, 10):
        logits = step(ids[:, :length], rows)
        np.testing.assert_allclose(logits, full[:, length - 1], atol=1e-5)
    # Neither what comes later nor what is padding changes anything.
    later, beyond = ids.copy(), memory.copy()
    later[:, 5:] = 1
    beyond[~mask] = 9
    np.testing.assert_allclose(
        np.asarray(decoder(later, beyond, mask, token_embedding=table))[:, :5],
        full[:, :5],
        atol=1e-5,
    )


def test_sequences_are_as_long_as_they_may_be():
    from common.errors import ConfigError

    config = decoder_config(backbone_config("lstm", "tiny", 30, d_model=WIDTH, d_k=3), 1, 12)
    decoder, table = built(config)
    with pytest.raises(ConfigError, match="longer than max_position"):
        decoder(np.zeros((1, 13), int), *memory_of(1), token_embedding=table)


@pytest.fixture(scope="module")
def bart():
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(5)
    config = transformers.BartConfig(
        vocab_size=VOCABULARY,
        d_model=WIDTH,
        encoder_layers=1,
        decoder_layers=LAYERS,
        encoder_attention_heads=HEADS,
        decoder_attention_heads=HEADS,
        encoder_ffn_dim=24,
        decoder_ffn_dim=24,
        max_position_embeddings=40,
        init_std=0.4,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=END,
        decoder_start_token_id=END,
        forced_eos_token_id=None,
    )
    model = transformers.BartForConditionalGeneration(config).eval()
    with torch.no_grad():
        for name, values in model.named_parameters():
            if "norm" in name or name.endswith("bias"):  # They begin as 1 and 0.
                values += 0.3 * torch.randn_like(values)
        model.final_logits_bias += 0.5 * torch.randn_like(model.final_logits_bias)
    return model


@pytest.fixture(scope="module")
def with_weights_of_bart(bart):
    config = TransformerConfig(
        vocab_size=VOCABULARY, d_model=WIDTH, num_heads=HEADS, d_k=8, d_v=8, num_layers=LAYERS,
        d_ff=24, max_position=40, num_segments=0, position="learned", position_offset=2,
        normalization="post", layer_norm_epsilon=1e-5,
    )  # fmt: skip
    decoder, table = built(config)
    theirs = bart.model.decoder

    def dense(layer, of_torch):
        layer.kernel.assign(of_torch.weight.detach().numpy().T)
        layer.bias.assign(of_torch.bias.detach().numpy())

    def norm(layer, of_torch):
        layer.gamma.assign(of_torch.weight.detach().numpy())
        layer.beta.assign(of_torch.bias.detach().numpy())

    def attention(layer, of_torch):
        dense(layer.query, of_torch.q_proj)
        dense(layer.key, of_torch.k_proj)
        dense(layer.value, of_torch.v_proj)
        dense(layer.output_projection, of_torch.out_proj)

    table.embeddings.assign(bart.model.shared.weight.detach().numpy())
    decoder.bias.assign(bart.final_logits_bias[0].numpy())
    decoder.positional_encoding.table.assign(theirs.embed_positions.weight.detach().numpy())
    norm(decoder.embedding_norm, theirs.layernorm_embedding)
    for layer, other in zip(decoder.decoder_layers, theirs.layers, strict=True):
        attention(layer.self_attention, other.self_attn)
        attention(layer.cross_attention, other.encoder_attn)
        dense(layer.feed_forward.inner, other.fc1)
        dense(layer.feed_forward.outer, other.fc2)
        norm(layer.self_attention_norm, other.self_attn_layer_norm)
        norm(layer.cross_attention_norm, other.encoder_attn_layer_norm)
        norm(layer.feed_forward_norm, other.final_layer_norm)
    return decoder, table


def test_equals_bart(bart, with_weights_of_bart):
    import torch

    decoder, table = with_weights_of_bart
    memory, mask = memory_of(5)
    ids = np.random.default_rng(2).integers(0, VOCABULARY, (5, 6))
    with torch.no_grad():
        expected = bart(
            encoder_outputs=(torch.tensor(memory),),
            attention_mask=torch.tensor(mask.astype(int)),
            decoder_input_ids=torch.tensor(ids),
        ).logits
    logits = np.asarray(decoder(ids, memory, mask, token_embedding=table))
    np.testing.assert_allclose(logits, expected.numpy(), atol=2e-5)


@pytest.mark.parametrize("beams", [1, 4])
def test_writes_what_bart_writes(bart, with_weights_of_bart, beams):
    import torch
    from transformers.modeling_outputs import BaseModelOutput

    memory, mask = memory_of(8, seed=4)
    expected = bart.generate(
        encoder_outputs=BaseModelOutput(last_hidden_state=torch.tensor(memory)),
        attention_mask=torch.tensor(mask.astype(int)),
        do_sample=False,
        num_beams=beams,
        max_new_tokens=9,
        no_repeat_ngram_size=2,
    ).numpy()[:, 1:]
    settings = GenerationSettings(max_length=9, num_beams=beams, eos_id=END, no_repeat_ngram=2)
    step = DecoderStep(*with_weights_of_bart, memory, mask)
    found = generate(step, np.full((8, 1), END), settings)
    for results, row in zip(found, expected.tolist(), strict=True):
        row = row[: row.index(END)] if END in row else row
        assert results[0].ids.tolist() == row
