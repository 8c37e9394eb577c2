"""A released BERT is imported, pre-trained further and fine-tuned."""

import shutil

import numpy as np
import pytest

from common.errors import CheckpointError, InputError, OptionError
from conversion.released.importing import import_release
from conversion.released.weights import model_variables
from data_util.tokens.vocabulary import Vocabulary
from models.checkpoints.folder import read_checkpoint
from models.checkpoints.weights import load_model
from models.checkpoints.writing import write_checkpoint
from tests.bert_release import random_bert, save_release, values_of
from train_bert_fine_tuning import fine_tune
from train_bert_lm import pretrain
from training import pretraining
from training.options.conversion import ImportOptions
from training.options.scripts import FineTuningOptions, PretrainingOptions
from training.smoke_run import in_test_mode


def pretraining_options(tiny, tmp_path, imported, **changes):
    return PretrainingOptions(
        **{
            "mask_lm_source_file": [str(tiny.file("free"))],
            "data_path": str(tiny.folder / "data"),
            "process_num": 1,
            "sequence_length_lm": 32,
            "batch_size": 32,
            "num_epochs": 1,
            "valid_ratio": 0.1,
            "ckpt_dir": str(tmp_path / "lm"),
            "init_ckpt_dir": str(imported),
            **changes,
        }
    )


def test_what_is_in_the_checkpoint(release, imported):
    checkpoint = read_checkpoint(imported)
    assert checkpoint.config["stage"] == "pretraining"
    assert checkpoint.config["objectives"] == ["masked_lm", "next_sentence"]
    assert checkpoint.config["sequence_length"] == 64
    assert checkpoint.config["test_mode"] is False
    assert checkpoint.backbone.attention_dropout == 0.1
    assert checkpoint.text("vocab.txt") == (release[0] / "vocab.txt").read_text(encoding="utf-8")
    stored = checkpoint.json("tokenizer.json")
    assert (stored["style"], stored["lower_case"]) == ("wordpiece", True)
    stored = checkpoint.json("metrics.json")
    assert (stored["history"], stored["imported"]) == ([], {"fresh": [], "unused": []})
    tokens = Vocabulary.load(imported / "vocab.txt")
    assert (tokens.unk_id, tokens.cls_id, checkpoint.backbone.vocab_size) == (3, 4, len(tokens) + 3)


def test_lower_case_and_gelu_can_be_stored(release, tmp_path, script):
    options = ("--lower_case=false", "--gelu=tanh")
    assert script("conversion.import_released", release[0], tmp_path / "a", *options)[0] == 0
    checkpoint = read_checkpoint(tmp_path / "a")
    assert checkpoint.json("tokenizer.json")["lower_case"] is False
    assert checkpoint.backbone.gelu_approximate


def test_what_is_lacking_and_unused_is_named(tmp_path, caplog):
    caplog.set_level("INFO")
    folder = save_release(random_bert("BertForSequenceClassification"), tmp_path / "release")
    import_release(ImportOptions(str(folder), str(tmp_path / "a"), seed=1))
    assert "keeps its random weights: masked_lm/transform/kernel" in caplog.text
    assert "in the release, unused: classifier.weight" in caplog.text
    stored = read_checkpoint(tmp_path / "a").json("metrics.json")["imported"]
    assert "next_sentence/dense/kernel" in stored["fresh"]
    assert stored["unused"] == ["classifier.bias", "classifier.weight"]
    # What starts at random comes from the seed.
    for seed, same in ((1, True), (2, False)):
        import_release(ImportOptions(str(folder), str(tmp_path / f"b{seed}"), seed=seed))
        first, second = values_of(tmp_path / "a"), values_of(tmp_path / f"b{seed}")
        name = "masked_lm/transform/kernel"
        assert np.array_equal(first[name], second[name]) == same
        name = "backbone/layer_0/attention/multi_head_attention/query/kernel"
        np.testing.assert_array_equal(first[name], second[name])


def test_a_mistake_is_one_line(tmp_path, release, refused):
    assert "no released model here" in refused(
        "conversion.import_released", tmp_path, tmp_path / "a"
    )
    assert "no name" in refused("conversion.import_released", release[0], "")
    assert refused("conversion.import_released", release[0]).startswith("CKPT_DIR is missing")
    assert not (tmp_path / "a").exists()


def test_a_vocabulary_of_another_model(release, tmp_path):
    folder = shutil.copytree(release[0], tmp_path / "release")
    with (folder / "vocab.txt").open("a", encoding="utf-8") as file:
        file.write("".join(f"more{index}\n" for index in range(4)))
    with pytest.raises(InputError, match="they belong to different models"):
        import_release(ImportOptions(str(folder), str(tmp_path / "a")))
    assert not (tmp_path / "a").exists()


def test_a_folder_that_is_taken(release, imported):
    with pytest.raises(OptionError, match="already holds a checkpoint"):
        import_release(ImportOptions(str(release[0]), str(imported)))
    # The release itself has names that a checkpoint has.
    for overwrite in (False, True):
        with pytest.raises(OptionError, match="also the folder that is read"):
            import_release(ImportOptions(str(release[0]), str(release[0]), overwrite=overwrite))


def test_pretraining_starts_from_every_weight(tiny, imported, tmp_path, eagerly):
    # At a learning rate of 0 what training writes is what it began with, the heads' weights too.
    pretrain(pretraining_options(tiny, tmp_path, imported, learning_rate=0.0))
    before, after = values_of(imported), values_of(tmp_path / "lm")
    assert before.keys() == after.keys()
    for name, value in before.items():
        np.testing.assert_array_equal(value, after[name], err_msg=name)
    checkpoint = read_checkpoint(tmp_path / "lm")
    assert checkpoint.backbone == read_checkpoint(imported).backbone
    for name in ("vocab.txt", "tokenizer.json"):
        assert checkpoint.text(name) == read_checkpoint(imported).text(name)


def test_pretraining_learns(tiny, imported, tmp_path, eagerly):
    metrics = pretrain(
        pretraining_options(tiny, tmp_path, imported, learning_rate=1e-2, num_epochs=2)
    )
    first, last = (entry["train"]["loss"] for entry in metrics["history"])
    assert last < first
    before, after = values_of(imported), values_of(tmp_path / "lm")
    assert all(not np.array_equal(value, after[name]) for name, value in before.items())


def test_all_word_pieces_are_candidates(tiny, imported, tmp_path):
    # Their ids are not in the order of frequency, which a sampled softmax needs.
    options = pretraining_options(tiny, tmp_path, imported, num_sampled=6)
    model = pretraining.build_model(options, pretraining.prepare_data(options))
    (masked_lm,) = (head for head in model.heads if head.name == "masked_lm")
    assert masked_lm.num_sampled == 0


def test_an_objective_that_the_checkpoint_lacks(tiny, imported, tmp_path, caplog, eagerly):
    options = pretraining_options(
        tiny, tmp_path, imported, learning_rate=0.0, objectives=["masked_lm"]
    )
    pretrain(options)
    assert not any(name.startswith("next_sentence") for name in values_of(tmp_path / "lm"))
    second = pretraining_options(tiny, tmp_path, tmp_path / "lm", ckpt_dir=str(tmp_path / "b"))
    model = pretraining.build_model(second, pretraining.prepare_data(second))
    assert "no head for next_sentence" in caplog.text
    kept = values_of(imported)
    for name, variable in model_variables(model).items():
        if not name.startswith("next_sentence"):
            np.testing.assert_array_equal(variable, kept[name], err_msg=name)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"d_model": 32}, "--d_model=32 .*contradicts the checkpoint"),
        ({"backbone": "text_cnn"}, "--backbone=text_cnn .*contradicts"),
        ({"tokenize_style": "char"}, "--tokenize_style=char contradicts"),
        ({"min_count": 2}, "--min_count=2 applies only to a new vocabulary"),
        (
            {"sequence_length_lm": 65},
            r"=65 exceeds the backbone's max_position \(64\)",
        ),
    ],
)
def test_options_that_contradict_the_start(tiny, imported, tmp_path, changes, message):
    options = pretraining_options(tiny, tmp_path, imported, **changes)
    with pytest.raises(OptionError, match=message):
        pretraining.build_model(options, pretraining.prepare_data(options))


def test_starts_that_cannot_be(tiny, run_of, tmp_path):
    with pytest.raises(OptionError, match=r"--init_ckpt_dir=.*this checkpoint was fine-tuned"):
        pretraining.open_start(pretraining_options(tiny, tmp_path, run_of().fine_tuned))
    with pytest.raises(CheckpointError, match="no such checkpoint folder"):
        pretraining.open_start(pretraining_options(tiny, tmp_path, tmp_path / "none"))
    checkpoint = read_checkpoint(run_of().pretrained)
    write_checkpoint(
        tmp_path / "small",
        config={**checkpoint.config, "test_mode": True},
        model=load_model(checkpoint),
        texts={},
        metrics={},
    )
    with pytest.raises(OptionError, match="was made in --test_mode"):
        pretraining.open_start(pretraining_options(tiny, tmp_path, tmp_path / "small"))


def test_test_mode_leaves_the_architecture_to_the_checkpoint(imported):
    options = PretrainingOptions(init_ckpt_dir=str(imported))
    assert in_test_mode(options, {"init_ckpt_dir"}).preset is None
    assert in_test_mode(PretrainingOptions(), set()).preset == "tiny"


def test_fine_tuning(tiny, imported, tmp_path, eagerly):
    values = tiny.fine_tuning(num_epochs=1, head="pooled", learning_rate=1e-3, batch_size=64)
    folders = {"ckpt_dir": str(imported), "ckpt_dir_save": str(tmp_path / "save")}
    metrics = fine_tune(FineTuningOptions(**values, **folders))
    assert metrics["restored"]["variables"] == metrics["restored"]["of"] == 23
    checkpoint = read_checkpoint(tmp_path / "save")
    assert checkpoint.text("vocab.txt") == read_checkpoint(imported).text("vocab.txt")
