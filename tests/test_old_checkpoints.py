"""Checkpoints of earlier versions are read; see tests/old_checkpoints/README.md."""

import json
import shutil
from pathlib import Path

import pytest

from models.checkpoints.folder import read_checkpoint
from models.checkpoints.weights import load_model
from predict import predict
from train_bert_fine_tuning import fine_tune
from train_bert_lm import pretrain
from training.options.scripts import FineTuningOptions, PredictionOptions, PretrainingOptions

FOLDER = Path(__file__).parent / "old_checkpoints"
FINE_TUNED = ["fine_tuned_text_cnn", "fine_tuned_transformer"]


@pytest.fixture
def pretrained(tmp_path):
    """A copy: nothing is ever written to the old one."""
    return shutil.copytree(FOLDER / "pretrained_text_cnn", tmp_path / "old")


def test_all_are_tested():
    folders = {path.name for path in FOLDER.iterdir() if path.is_dir()}
    assert folders == {*FINE_TUNED, "pretrained_text_cnn"}


@pytest.mark.parametrize("name", FINE_TUNED)
def test_labels_are_those_of_the_version_that_wrote_it(name, tmp_path):
    options = PredictionOptions(
        ckpt_dir=str(FOLDER / name),
        input=str(FOLDER / "texts.txt"),
        output=str(tmp_path / "predictions.jsonl"),
        top_k=3,
    )
    assert predict(options) == 10
    found, expected = (
        [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        for path in (tmp_path / "predictions.jsonl", FOLDER / name / "predictions.jsonl")
    )
    for one, other in zip(found, expected, strict=True):
        assert one.keys() == other.keys()
        # Entries say since then whether they are above their threshold.
        assert {type(entry["above_threshold"]) for entry in one["labels"]} == {bool}
        for name in ("labels", "top"):
            for ours, theirs in zip(one[name], other[name], strict=True):
                assert ours["label"] == theirs["label"]
                assert ours["probability"] == pytest.approx(theirs["probability"], abs=1e-4)


def test_the_pretrained_one_in_the_terms_of_this_version(pretrained):
    checkpoint = read_checkpoint(pretrained)
    config = checkpoint.backbone
    assert (config.num_heads, config.num_segments, config.embedding_width) == (2, 2, 0)
    assert (config.num_filters, config.filter_sizes) == (8, (2, 3, 4, 5))
    assert load_model(checkpoint).objectives == ("masked_lm", "next_sentence")


def test_the_pretrained_one_is_fine_tuned(tiny, tmp_path, pretrained, eagerly):
    options = tiny.fine_tuning(
        ckpt_dir=str(pretrained), ckpt_dir_save=str(tmp_path / "new"), num_epochs=1
    )
    metrics = fine_tune(FineTuningOptions(**options))
    assert metrics["restored"]["variables"] == metrics["restored"]["of"] > 0


def test_pretraining_continues_from_it(tiny, tmp_path, pretrained, eagerly):
    options = PretrainingOptions(
        mask_lm_source_file=[str(tiny.file("free"))],
        data_path=str(tmp_path / "data"),
        init_ckpt_dir=str(pretrained),
        ckpt_dir=str(tmp_path / "new"),
        process_num=1,
        sequence_length_lm=64,
        batch_size=64,
        num_epochs=1,
        # The weights do not move: its validation loss is that of the old weights.
        learning_rate=0.0,
        # Of more than one document, so that there are next sentences to tell from others.
        valid_ratio=0.2,
    )
    (entry,) = pretrain(options)["history"]
    assert entry["valid"].keys() == {
        "loss",
        *("masked_lm_loss", "masked_lm_accuracy"),
        *("next_sentence_loss", "next_sentence_accuracy"),
    }
    old, new = (load_model(read_checkpoint(folder)) for folder in (pretrained, tmp_path / "new"))
    for ours, theirs in zip(new.get_weights(), old.get_weights(), strict=True):
        assert (ours == theirs).all()
