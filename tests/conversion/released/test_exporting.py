"""A checkpoint as a folder for the library transformers, and back."""

import json

import numpy as np
import pytest

from common.errors import CheckpointError, OptionError
from conversion.released.exporting import export_release
from data_util.tokens.vocabulary import Vocabulary
from models.checkpoints.folder import read_checkpoint
from models.checkpoints.weights import load_model
from models.checkpoints.writing import write_checkpoint
from tests.bert_release import values_of
from train_bert_fine_tuning import fine_tune
from training.options.scripts import FineTuningOptions


def test_there_and_back_through_the_commands(release, tmp_path, script):
    transformers = pytest.importorskip("transformers")
    from safetensors.numpy import load_file

    folder, model = release
    assert script("conversion.import_released", folder, tmp_path / "ours")[:2] == (0, "")
    assert script("conversion.export_released", tmp_path / "ours", tmp_path / "out")[:2] == (0, "")
    before, after = (load_file(place / "model.safetensors") for place in (folder, tmp_path / "out"))
    assert before.keys() == after.keys()
    for name, tensor in before.items():
        assert tensor.tobytes() == after[name].tobytes(), name

    again, report = transformers.BertForPreTraining.from_pretrained(
        tmp_path / "out", output_loading_info=True
    )
    assert not report["missing_keys"] and not report["unexpected_keys"]
    sizes = ("hidden_act", "hidden_size", "num_attention_heads", "layer_norm_eps", "vocab_size")
    for name in (*sizes, "attention_probs_dropout_prob", "type_vocab_size", "num_hidden_layers"):
        assert getattr(again.config, name) == getattr(model.config, name), name
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "out")
    vocabulary = Vocabulary.load(folder / "vocab.txt")
    ids = tokenizer("被告人盗窃手机")["input_ids"]
    assert ids[0] == vocabulary.cls_id and ids[-1] == vocabulary.sep_id
    assert [vocabulary.tokens[place] for place in ids[1:-1]] == list("被告人盗窃手机")
    assert tokenizer.model_max_length == 64
    # What is exported can be imported again.
    assert script("conversion.import_released", tmp_path / "out", tmp_path / "again")[0] == 0
    first, second = values_of(tmp_path / "ours"), values_of(tmp_path / "again")
    for name, value in first.items():
        np.testing.assert_array_equal(value, second[name])


def test_a_checkpoint_that_is_no_bert(run_of, imported, tmp_path):
    with pytest.raises(CheckpointError, match="normalization is 'pre'"):
        export_release(run_of("transformer").pretrained, tmp_path / "out")
    checkpoint = read_checkpoint(imported)
    altered = json.dumps({**checkpoint.json("tokenizer.json"), "style": "char"})
    write_checkpoint(
        tmp_path / "char",
        config=checkpoint.config,
        model=load_model(checkpoint),
        texts={"vocab.txt": checkpoint.text("vocab.txt"), "tokenizer.json": altered},
        metrics={},
    )
    with pytest.raises(CheckpointError, match="tokenize_style is 'char'"):
        export_release(tmp_path / "char", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.glob(".out*"))


def test_a_folder_that_is_taken(release, imported):
    with pytest.raises(OptionError, match="this exists already"):
        export_release(imported, release[0])


def test_a_fine_tuned_checkpoint_is_exported_without_its_head(tiny, imported, tmp_path, eagerly):
    transformers = pytest.importorskip("transformers")
    values = tiny.fine_tuning(num_epochs=1, head="pooled", learning_rate=1e-3, batch_size=64)
    folders = {"ckpt_dir": str(imported), "ckpt_dir_save": str(tmp_path / "save")}
    fine_tune(FineTuningOptions(**values, **folders))
    export_release(tmp_path / "save", tmp_path / "out")
    _, report = transformers.BertModel.from_pretrained(tmp_path / "out", output_loading_info=True)
    assert not report["missing_keys"] and not report["unexpected_keys"]
