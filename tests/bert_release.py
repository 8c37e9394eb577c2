"""Models of the library transformers with random weights, saved as releases are."""

import json

import numpy as np
import pytest

from conversion.released.weights import model_variables
from data_util.tokens.vocabulary import Vocabulary
from models.checkpoints.folder import read_checkpoint
from models.checkpoints.weights import load_model

TOKENS = ("[PAD]", "[unused1]", "[unused2]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
WORDS = ("被", "告", "人", "盗", "窃", "手", "机", "。", ",", "the", "##s", "a", "b", "c", "##b")


def libraries():
    """torch and transformers; skips the test where one of them is not installed."""
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    return pytest.importorskip("torch", reason="torch is not installed"), transformers


def vocabulary_of(size):
    """Reserved tokens not at the beginning and not together, as in releases."""
    words = [*TOKENS, *WORDS]
    return [*words, *(f"w{index}" for index in range(size - len(words)))][:size]


def random_bert(kind="BertForPreTraining", seed=0, **sizes):
    """A BERT each of whose weights is drawn, those that begin as 0 or 1 too."""
    values = {
        "vocab_size": 40,
        "hidden_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "intermediate_size": 24,
        "max_position_embeddings": 20,
        **sizes,
    }
    return random_model(kind, seed, **values)


def random_model(kind, seed=0, **values):
    """A model of any family each of whose weights is drawn, made from the values of its config."""
    torch, transformers = libraries()
    made = getattr(transformers, kind)
    model = made(made.config_class(**values)).eval()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            middle = 1.0 if name.lower().endswith("norm.weight") else 0.0
            parameter.copy_(middle + 0.3 * torch.randn(parameter.shape, generator=generator))
    return model


def save_release(model, folder):
    """A folder of transformers."""
    model.save_pretrained(folder)
    save_vocabulary(folder, model.config.vocab_size)
    return folder


def save_release_for(text, folder):
    """A release of one layer whose vocabulary has the characters of a text; returns its model."""
    tokens = [*TOKENS, *sorted({character for character in text if not character.isspace()})]
    # As some releases do, this one has more rows than tokens.
    sizes = {"max_position_embeddings": 64, "num_hidden_layers": 1}
    model = random_bert(vocab_size=len(tokens) + 3, **sizes)
    save_release(model, folder)
    Vocabulary(tokens).save(folder / "vocab.txt")
    return model


def save_vocabulary(folder, size, lower_case=True):
    tokens = "".join(f"{token}\n" for token in vocabulary_of(size))
    (folder / "vocab.txt").write_text(tokens, encoding="utf-8")
    settings = {"do_lower_case": lower_case, "tokenizer_class": "BertTokenizer"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")


def save_google_release(model, folder, extra=None):
    """The same weights as Google's program writes them, by its names and in its layouts.

    The names are spelled out here a second time: a mistake in the table of
    conversion/released/names.py must not be made twice.
    """
    import tensorflow as tf

    state = {name: value.detach().numpy() for name, value in model.state_dict().items()}
    tensors = {}
    for name, value in state.items():
        if name.startswith("cls.predictions.decoder"):
            continue
        parts = name.split(".")
        if parts[-2] == "LayerNorm":
            parts[-1] = {"weight": "gamma", "bias": "beta"}[parts[-1]]
        elif parts[-2].endswith("_embeddings"):
            parts = parts[:-1]
        elif parts[-2] == "seq_relationship":
            parts[-1] = f"output_{parts[-1]}{'s' if parts[-1] == 'weight' else ''}"
        elif name == "cls.predictions.bias":
            parts[-1] = "output_bias"
        elif parts[-1] == "weight":
            parts[-1], value = "kernel", value.T
        if "layer" in parts:
            place = parts.index("layer")
            parts[place : place + 2] = [f"layer_{parts[place + 1]}"]
        tensors["/".join(parts)] = np.ascontiguousarray(value)
    tensors |= extra or {}
    folder.mkdir(exist_ok=True)
    tf.raw_ops.SaveV2(
        prefix=str(folder / "bert_model.ckpt"),
        tensor_names=list(tensors),
        shape_and_slices=[""] * len(tensors),
        tensors=[tf.constant(value) for value in tensors.values()],
    )
    config = model.config.to_dict()
    keys = ("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads")
    keys += ("intermediate_size", "max_position_embeddings", "type_vocab_size", "hidden_act")
    keys += ("hidden_dropout_prob", "attention_probs_dropout_prob", "initializer_range")
    (folder / "bert_config.json").write_text(json.dumps({key: config[key] for key in keys}))
    save_vocabulary(folder, model.config.vocab_size)
    (folder / "tokenizer_config.json").unlink()
    return folder


def values_of(folder):
    """The weights of a checkpoint of this project by their names below the model."""
    model = load_model(read_checkpoint(folder))
    return {name: np.array(variable) for name, variable in model_variables(model).items()}


def batch_for(config, seed=0):
    """Token ids, segment ids and mask of rows of several lengths."""
    rng = np.random.default_rng(seed)
    width = min(config.max_position_embeddings, 14)
    lengths = np.array([width, 5, 9, 1])
    mask = np.arange(width) < lengths[:, None]
    ids = rng.integers(0, config.vocab_size, mask.shape)
    segments = rng.integers(0, config.type_vocab_size, mask.shape)
    return {
        "token_ids": np.where(mask, ids, 0).astype("int32"),
        "segment_ids": np.where(mask, segments, 0).astype("int32"),
        "padding_mask": mask,
        "masked_positions": np.tile(np.arange(width), (len(lengths), 1)).astype("int32"),
    }


def outputs_of(model, batch):
    """What transformers computes: hidden states, pooled output and the logits of both heads."""
    torch, _ = libraries()
    inputs = {
        "input_ids": torch.tensor(batch["token_ids"].astype("int64")),
        "token_type_ids": torch.tensor(batch["segment_ids"].astype("int64")),
        "attention_mask": torch.tensor(batch["padding_mask"].astype("int64")),
    }
    with torch.no_grad():
        body = getattr(model, "bert", model)(**inputs)
        found = {"hidden": body.last_hidden_state}
        if body.pooler_output is not None:
            found["pooled"] = body.pooler_output
        if hasattr(model, "cls"):
            result = model(**inputs)
            found["masked_lm"] = result.prediction_logits
            found["next_sentence"] = result.seq_relationship_logits
    return {name: value.numpy() for name, value in found.items()}
