"""Exports, run by this project's own code without Keras."""

import shutil

import numpy as np
import pytest

from common.errors import InputError
from conversion.exported import ExportedModel
from data_util.tokens.tokenizer_files import save_tokenizer
from data_util.tokens.tokenizers import make_tokenizer
from training.options.conversion import EXPORT_FORMATS
from training.prediction import Predictor


@pytest.mark.parametrize("form", EXPORT_FORMATS)
def test_texts_are_encoded_and_scored_as_by_the_checkpoint(exported, tiny, form):
    folder, checkpoint = exported("text_cnn", form)
    lines = tiny.file("test").read_text(encoding="utf-8").splitlines()
    # Longer than the model reads, of unknown characters, and empty.
    texts = [*(line.split(" __label__")[0] for line in lines[:8]), "盗窃" * 40, "zzz", ""]
    model = ExportedModel(folder)
    found = model(model.encode(texts))["probabilities"]
    np.testing.assert_allclose(found, Predictor(checkpoint).probabilities(texts), atol=1e-4)


def test_the_users_dictionary_is_part_of_an_export(exported, tmp_path):
    folder, _ = exported("text_cnn", "saved_model")
    shutil.copytree(folder, tmp_path / "copy")
    text, words = "公安机关盗窃", [("公安机关盗窃", 9)]
    save_tokenizer(make_tokenizer("word", user_words=words), tmp_path / "copy" / "tokenizer.json")
    # One token or two, and two reserved ones.
    for exported_folder, tokens in ((tmp_path / "copy", 3), (folder, 4)):
        inputs = ExportedModel(exported_folder).encode([text])
        assert np.asarray(inputs["padding_mask"]).sum() == tokens


def test_a_damaged_table_of_ngrams_is_named(exported, tmp_path):
    folder, _ = exported("text_cnn", "saved_model")
    shutil.copytree(folder, tmp_path / "copy")
    (tmp_path / "copy" / "ngrams.txt").write_text("documents\t3\nw1\ta\n")
    with pytest.raises(InputError, match=r"ngrams\.txt:2: "):
        ExportedModel(tmp_path / "copy").encode(["甲"])


def test_folders_that_are_no_exports(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        ExportedModel(tmp_path)
    # Version 1 had other inputs.
    for content in (
        "[]",
        "{",
        '{"format_version": 1, "format": "onnx"}',
        '{"format_version": 9, "format": "onnx"}',
    ):
        (tmp_path / "model.json").write_text(content)
        with pytest.raises(InputError, match=r"model\.json: "):
            ExportedModel(tmp_path)
