"""From text to an encoder and a decoder, which fine-tuning takes over."""

import json
import logging

import numpy as np
import pytest

from common.errors import CheckpointError, OptionError
from data_util.pretraining.noise.denoising import CombinedCorruptions
from models.checkpoints.folder import read_checkpoint
from models.checkpoints.weights import build_model, load_model
from tests.conftest import functions_run
from train_bert_lm import pretrain
from training import fine_tuning, pretraining
from training.options.scripts import FineTuningOptions, PretrainingOptions
from training.preparation.objectives import objectives


def options_of(tiny, folder, **changes):
    values = {"ckpt_dir": str(folder / "lm"), "objectives": ["denoising"], "num_epochs": 1}
    return PretrainingOptions(**tiny.pretraining(**values, **changes))


@pytest.fixture(scope="module")
def pretrained(tiny, tmp_path_factory):
    folder = tmp_path_factory.mktemp("denoising")
    with functions_run(eagerly=True):
        pretrain(options_of(tiny, folder, decoder_layers=1, learning_rate=0.01))
    return folder / "lm"


@pytest.fixture
def build(tiny, tmp_path):
    """The fine-tuning model that a checkpoint gives."""

    def build(folder, **changes):
        for split in ("train", "valid", "test"):
            # The first label is written for the text.
            lines = tiny.file(split).read_text(encoding="utf-8").splitlines()
            pairs = ["\t".join(line.split(" __label__")[:2]) + "\n" for line in lines]
            (tmp_path / f"{split}.tsv").write_text("".join(pairs), encoding="utf-8")
        files = {
            f"{name}_data_file": [str(tmp_path / f"{split}.tsv")]
            for name, split in (("training", "train"), ("valid", "valid"), ("test", "test"))
        }
        values = {"task": "sequence_to_sequence", "ckpt_dir": str(folder), **files, **changes}
        options = FineTuningOptions(**tiny.fine_tuning(**values))
        checkpoint = fine_tuning.open_checkpoint(options)
        data = fine_tuning.prepare_data(options, checkpoint)
        return fine_tuning.build_model(options, data, checkpoint)[0]

    return build


def test_fine_tuning_takes_the_decoder_over(build, pretrained, caplog):
    caplog.set_level(logging.INFO)
    # A target may be of another length than a text of pre-training.
    model = build(pretrained, decoder_layers=1, max_target_length=100)
    assert "the head starts from that of denoising" in caplog.text
    (learned,) = load_model(read_checkpoint(pretrained)).heads
    for ours, theirs in zip(model.head.get_weights(), learned.head.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert np.abs(learned.head.bias).max() > 0
    caplog.clear()
    build(pretrained, decoder_layers=2)
    assert "its denoising head has other sizes: the head starts from random weights" in caplog.text


def test_what_the_options_say(tiny, tmp_path):
    data = pretraining.prepare_data(options_of(tiny, tmp_path))
    noise = data.train._noise
    assert isinstance(noise, CombinedCorruptions)
    kinds = [(each.stream, each.mask_probability) for each in noise.corruptions]
    assert kinds == [("sentence permutations", 0.15), ("infilling", 0.3)]
    # The order is not that of the option.
    some = {"noise": ["mask", "delete", "permute"], "mask_probability": 0.2}
    noise = pretraining.prepare_data(options_of(tiny, tmp_path, **some)).train._noise
    assert [each.stream for each in noise.corruptions] == [
        "sentence permutations",
        "deletions",
        "masked tokens",
    ]
    assert noise.corruptions[1].mask_probability == 0.2


def test_sentinels_are_added_to_the_vocabulary(tiny, tmp_path):
    known = pretraining.prepare_data(options_of(tiny, tmp_path)).vocabulary
    options = options_of(tiny, tmp_path, noise=["sentinels"])
    data = pretraining.prepare_data(options)
    assert data.vocabulary.tokens[: len(known)] == known.tokens
    assert len(data.vocabulary) == len(known) + 100
    batch = next(data.train.batches(0))
    assert np.isin(data.vocabulary.spare_ids[0], batch["decoded_ids"])
    assert pretraining.build_model(options, data).backbone.config.vocab_size == len(known) + 100


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"masking": "span"}, "support the noise span .denoising: permute, "),
        ({"noise": ["mass", "infill"]}, "the noise mass cannot be combined with others"),
        ({"objectives": ["denoising", "masked_lm"]}, "no supported noise in common"),
        ({"objectives": ["denoising", "next_sentence"]}, "need different rows"),
    ],
    ids=str,
)
def test_what_cannot_be(tiny, tmp_path, changes, message):
    changes = {"objectives": ["denoising"], **changes}
    options = PretrainingOptions(**tiny.pretraining(ckpt_dir=str(tmp_path), **changes))
    with pytest.raises(OptionError, match=message):
        objectives(options)


def test_a_checkpoint_of_no_decoder(pretrained):
    config = json.loads((pretrained / "config.json").read_text(encoding="utf-8"))
    assert config["objective_settings"] == {"decoder_layers": 1}
    for layers in (0, 10**6, "many", True):
        config["objective_settings"]["decoder_layers"] = layers
        with pytest.raises(
            CheckpointError, match="decoder_layers must be a whole number from 1 to"
        ):
            build_model(config)
