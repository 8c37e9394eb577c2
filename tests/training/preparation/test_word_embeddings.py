"""Pre-trained word vectors in both steps."""

import numpy as np
import pytest

from common.errors import InputError, OptionError
from models.checkpoints.folder import read_checkpoint
from models.checkpoints.weights import load_model
from train_bert_lm import pretrain
from training import fine_tuning, pretraining
from training.options.scripts import FineTuningOptions, PretrainingOptions


def vectors_for(tmp_path, vocabulary, dimension):
    """A file with half of the vocabulary's tokens: (path, id to vector)."""
    random = np.random.default_rng(2)
    known = {
        int(place): random.normal(size=dimension).astype(np.float32)
        for place in vocabulary.ordinary_ids[::2]
    }
    path = tmp_path / "vectors.txt"
    lines = [f"{len(known)} {dimension}\n"]
    for place, vector in known.items():
        values = " ".join(repr(float(value)) for value in vector)
        lines.append(f"{vocabulary.tokens[place]} {values}\n")
    path.write_text("".join(lines), encoding="utf-8")
    return {"use_pretrained_embedding": True, "word2vec_model_path": str(path)}, known


def pretraining_options(tiny, tmp_path, **changes):
    folder = {"ckpt_dir": str(tmp_path / "lm"), "num_epochs": 1, "batch_size": 64}
    return PretrainingOptions(**tiny.pretraining(**{**folder, **changes}))


def fine_tuning_options(tiny, tmp_path, **changes):
    folders = {"ckpt_dir": "", "ckpt_dir_save": str(tmp_path / "save"), "preset": "tiny"}
    sizes = {"d_model": 16, "num_header": 2, "min_count": 1}
    return FineTuningOptions(**tiny.fine_tuning(**{**folders, **sizes, **changes}))


def assert_filled(model, known, dimension, d_model=16):
    embedding = model.backbone.token_embedding
    table = np.asarray(embedding.embeddings)
    assert table.shape[1] == dimension
    for place, vector in known.items():
        np.testing.assert_array_equal(table[place], vector)
    assert model.backbone.config.embedding_width == (0 if dimension == d_model else dimension)
    assert (embedding.projection is None) == (dimension == d_model)


@pytest.mark.parametrize("dimension", [16, 20])
def test_pretraining_takes_the_vectors(tiny, tmp_path, dimension, eagerly):
    data = pretraining.prepare_data(pretraining_options(tiny, tmp_path))
    given, known = vectors_for(tmp_path, data.vocabulary, dimension)
    # At a learning rate of 0 what is written is what training began with.
    options = pretraining_options(tiny, tmp_path, learning_rate=0.0, **given)
    pretrain(options)
    assert_filled(load_model(read_checkpoint(tmp_path / "lm")), known, dimension)
    # Fine-tuning takes the table from the checkpoint, with its width.
    second = fine_tuning_options(
        tiny, tmp_path, ckpt_dir=str(tmp_path / "lm"), min_count=None, preset=None, d_model=None,
        num_header=None,
    )  # fmt: skip
    checkpoint = fine_tuning.open_checkpoint(second)
    labelled = fine_tuning.prepare_data(second, checkpoint)
    model, report = fine_tuning.build_model(second, labelled, checkpoint)
    assert report.share == 1
    assert_filled(model, known, dimension)


@pytest.mark.parametrize("dimension", [16, 20])
def test_fine_tuning_from_random_weights(tiny, tmp_path, dimension):
    data = fine_tuning.prepare_data(fine_tuning_options(tiny, tmp_path), None)
    given, known = vectors_for(tmp_path, data.text.vocabulary, dimension)
    options = fine_tuning_options(tiny, tmp_path, **given)
    assert fine_tuning.open_checkpoint(options) is None
    model, report = fine_tuning.build_model(options, data, None)
    assert report is None
    assert_filled(model, known, dimension)


def test_options_that_contradict_one_another(tiny, tmp_path):
    use, path = {"use_pretrained_embedding": True}, {"word2vec_model_path": "vectors.txt"}
    for changes, message in (
        (use, "name the file of word vectors with --word2vec_model_path"),
        (path, "--word2vec_model_path=vectors.txt requires --use_pretrained_embedding"),
    ):
        with pytest.raises(OptionError, match=message):
            pretraining.prepare_data(pretraining_options(tiny, tmp_path, **changes))
        with pytest.raises(OptionError, match=message):
            fine_tuning.open_checkpoint(fine_tuning_options(tiny, tmp_path, **changes))
    with pytest.raises(OptionError, match="contradicts --init_ckpt_dir=there"):
        pretraining.prepare_data(
            pretraining_options(tiny, tmp_path, init_ckpt_dir="there", **use, **path)
        )
    with pytest.raises(OptionError, match="contradicts --ckpt_dir=there"):
        fine_tuning.open_checkpoint(
            fine_tuning_options(tiny, tmp_path, ckpt_dir="there", **use, **path)
        )
    with pytest.raises(InputError, match="no such file"):
        pretraining.prepare_data(pretraining_options(tiny, tmp_path, **use, **path))
