"""Against the library transformers: the same numbers, and the same bytes there and back."""

import json

import numpy as np
import pytest

from common.errors import CheckpointError
from conversion.registry import FAMILIES
from conversion.released.config import config_from_release, family_of_backbone, family_of_release
from conversion.released.families.bert import BERT
from conversion.released.weights import model_variables, released_tensors
from tests.bert_release import batch_for, outputs_of, random_bert, save_google_release, save_release
from tests.conversion.released.filled_models import assert_same, model_of, ours_of

SHAPES = {
    "gelu": {},
    "gelu_new": {"hidden_act": "gelu_new", "layer_norm_eps": 1e-3, "num_hidden_layers": 1},
    "wide": {
        "hidden_size": 24,
        "num_attention_heads": 2,
        "intermediate_size": 100,
        "vocab_size": 61,
        "type_vocab_size": 3,
        "max_position_embeddings": 33,
        "hidden_act": "relu",
    },
    "deep": {"num_hidden_layers": 5, "num_attention_heads": 1, "layer_norm_eps": 1e-5},
    "one_segment": {"type_vocab_size": 1, "hidden_act": "silu", "max_position_embeddings": 14},
}


def tensors_from(model):
    return released_tensors(model, BERT).tensors


def tensors_of(path):
    return pytest.importorskip("safetensors.numpy").load_file(path)


@pytest.mark.parametrize("shape", SHAPES)
def test_outputs_and_round_trip(shape, tmp_path):
    theirs = random_bert(seed=len(shape), **SHAPES[shape])
    model, report = model_of(save_release(theirs, tmp_path / "hf"))
    batch = batch_for(theirs.config)
    assert_same(ours_of(model, batch), outputs_of(theirs, batch), batch["padding_mask"])
    assert (report.fresh, report.unused, report.optimizer) == ((), (), 0)
    assert report.variables == len(model.weights)
    assert report.parameters == model.count_params()

    before, after = tensors_of(tmp_path / "hf" / "model.safetensors"), tensors_from(model)
    assert before.keys() == after.keys()
    for name, tensor in before.items():
        assert (tensor.dtype, tensor.shape) == (after[name].dtype, after[name].shape), name
        assert tensor.tobytes() == after[name].tobytes(), name


@pytest.mark.parametrize("shape", ["gelu", "wide"])
def test_a_google_checkpoint(shape, tmp_path):
    theirs = random_bert(seed=3, layer_norm_eps=1e-12, **SHAPES[shape])
    extra = {
        "bert/pooler/dense/kernel/adam_m": np.zeros((2, 2), "float32"),
        "bert/pooler/dense/kernel/adam_v": np.zeros((2, 2), "float32"),
        "global_step": np.int64(7),
    }
    model, report = model_of(save_google_release(theirs, tmp_path / "google", extra))
    batch = batch_for(theirs.config)
    assert_same(ours_of(model, batch), outputs_of(theirs, batch), batch["padding_mask"])
    assert (report.fresh, report.unused, report.optimizer) == ((), (), 3)


def test_both_formats_give_the_same_bytes(tmp_path):
    theirs = random_bert()
    first, _ = model_of(save_release(theirs, tmp_path / "hf"))
    second, _ = model_of(save_google_release(theirs, tmp_path / "google"))
    for a, b in zip(first.weights, second.weights, strict=True):
        assert np.asarray(a).tobytes() == np.asarray(b).tobytes(), a.path


def test_an_encoder_alone(tmp_path):
    theirs = random_bert("BertModel")
    model, report = model_of(save_release(theirs, tmp_path))
    batch = batch_for(theirs.config)
    expected = outputs_of(theirs, batch)
    assert expected.keys() == {"hidden", "pooled"}
    assert_same(ours_of(model, batch), expected, batch["padding_mask"])
    assert {name.split("/")[0] for name in report.fresh} == {"masked_lm", "next_sentence"}
    assert len(report.fresh) == 7


def test_an_encoder_without_a_pooler(tmp_path):
    _, report = model_of(save_release(random_bert("BertForMaskedLM"), tmp_path))
    assert sorted(report.fresh) == [
        "backbone/cls_pooling/dense/bias",
        "backbone/cls_pooling/dense/kernel",
        "next_sentence/dense/bias",
        "next_sentence/dense/kernel",
    ]


def test_a_classifier_is_named_as_unused(tmp_path):
    theirs = random_bert("BertForSequenceClassification")
    _, report = model_of(save_release(theirs, tmp_path))
    assert report.unused == ("classifier.bias", "classifier.weight")


def test_encoder_only(tmp_path):
    model, report = model_of(save_release(random_bert(), tmp_path), encoder_only=True)
    assert len(report.fresh) == 7
    assert all(name.startswith("cls.") for name in report.unused)
    assert len(report.unused) == 7
    assert not np.asarray(model_variables(model)["masked_lm/bias"]).any()


@pytest.fixture
def rewritten(tmp_path):
    """Saves a random BERT, passes its tensors through a function and saves them again."""
    from safetensors.numpy import load_file, save_file

    def make(change, **sizes):
        theirs = random_bert(**sizes)
        path = save_release(theirs, tmp_path) / "model.safetensors"
        tensors = {name: np.array(value) for name, value in load_file(path).items()}
        save_file(change(tensors), path)
        return theirs, tmp_path

    return make


def test_old_names_and_buffers(rewritten):
    def old(tensors):
        renamed = {
            name.replace("LayerNorm.weight", "LayerNorm.gamma").replace(
                "LayerNorm.bias", "LayerNorm.beta"
            ): value
            for name, value in tensors.items()
        }
        renamed["bert.embeddings.position_ids"] = np.arange(20)[None]
        renamed["cls.predictions.decoder.weight"] = np.array(
            tensors["bert.embeddings.word_embeddings.weight"]
        )
        renamed["cls.predictions.decoder.bias"] = renamed.pop("cls.predictions.bias")
        return renamed

    theirs, folder = rewritten(old)
    model, report = model_of(folder)
    assert (report.fresh, report.unused) == ((), ())
    batch = batch_for(theirs.config)
    assert_same(ours_of(model, batch), outputs_of(theirs, batch), batch["padding_mask"])


def test_an_output_matrix_of_its_own(rewritten):
    def untied(tensors):
        tensors["cls.predictions.decoder.weight"] = np.ones((40, 16), "float32")
        return tensors

    _, folder = rewritten(untied)
    with pytest.raises(CheckpointError, match=r"decoder\.weight.*--encoder_only"):
        model_of(folder)
    assert len(model_of(folder, encoder_only=True)[1].fresh) == 7


def test_half_precision(rewritten):
    def half(tensors):
        return {name: value.astype(np.float16) for name, value in tensors.items()}

    theirs, folder = rewritten(half)
    model, _ = model_of(folder)
    expected = theirs.bert.embeddings.word_embeddings.weight.detach().numpy().astype(np.float16)
    np.testing.assert_array_equal(model.backbone.token_embedding.embeddings, expected)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"vocab_size": 41}, r"word_embeddings.weight is of shape \(40, 16\).*\(41, 16\)"),
        ({"hidden_size": 32}, r"is of shape .* but config.json"),
        ({"intermediate_size": 25}, r"intermediate.dense.weight is of shape \(24, 16\)"),
        ({"max_position_embeddings": 30}, r"position_embeddings.weight is of shape"),
        ({"type_vocab_size": 3}, r"token_type_embeddings.weight is of shape"),
        ({"num_hidden_layers": 1}, "it has 2 layers.*num_hidden_layers 1"),
        ({"num_hidden_layers": 3}, r"it lacks bert\.encoder\.layer\.2\..* and 11 more"),
    ],
)
def test_a_config_that_the_weights_contradict(tmp_path, config, message):
    path = save_release(random_bert(), tmp_path) / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **config}))
    with pytest.raises(CheckpointError, match=message):
        model_of(tmp_path)


def test_values_that_are_no_numbers(rewritten):
    def spoilt(tensors):
        tensors["bert.pooler.dense.bias"][3] = np.nan
        return tensors

    _, folder = rewritten(spoilt)
    with pytest.raises(CheckpointError, match=r"bert\.pooler\.dense\.bias holds values"):
        model_of(folder)


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_the_table_has_every_variable_once(family):
    config = config_from_release(family, {"vocab_size": 40})
    table = family.variables(config)
    for attribute in ("ours", "hugging_face"):
        assert len({getattr(entry, attribute) for entry in table}) == len(table)
    assert family_of_backbone(config) is family
    assert family_of_release({"model_type": family.model_type}, ()) is family
    names = [entry.hugging_face for entry in table]
    assert family_of_release({}, names) is family


def test_the_table_of_google_has_every_variable_once():
    table = BERT.variables(config_from_release(BERT, {"vocab_size": 40}))
    assert len({entry.google for entry in table}) == len(table)
