"""A released BERT through the commands: in, on with step 1, on with step 2, and out again."""

import json
import shutil

import numpy as np
import pytest

from common.errors import CheckpointError, InputError, OptionError
from conversion.released.checkpoint import export_bert, import_bert
from conversion.released.weights import model_variables
from data_util.tokens.vocabulary import Vocabulary
from models.checkpoints.folder import read_checkpoint
from models.checkpoints.weights import load_model
from models.checkpoints.writing import write_checkpoint
from tests.bert_release import TOKENS, random_bert, save_release
from train_bert_fine_tuning import fine_tune
from train_bert_lm import pretrain
from training import pretraining
from training.options.scripts import FineTuningOptions, ImportOptions, PretrainingOptions
from training.smoke_run import in_test_mode


@pytest.fixture(scope="module")
def release(tiny, tmp_path_factory):
    """A release whose vocabulary has the characters of the tiny files: (folder, its model)."""
    folder = tmp_path_factory.mktemp("release")
    text = "".join(tiny.file(name).read_text(encoding="utf-8") for name in ("free", "train"))
    tokens = [*TOKENS, *sorted({character for character in text if not character.isspace()})]
    # As some releases do, this one has more rows than tokens.
    sizes = {"max_position_embeddings": 64, "num_hidden_layers": 1}
    model = random_bert(vocab_size=len(tokens) + 3, **sizes)
    save_release(model, folder)
    Vocabulary(tokens).save(folder / "vocab.txt")
    return folder, model


@pytest.fixture(scope="module")
def imported(release, tmp_path_factory):
    folder = tmp_path_factory.mktemp("imported")
    import_bert(ImportOptions(str(release[0]), str(folder)))
    return folder


def step_1(tiny, tmp_path, imported, **changes):
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


def values_of(folder):
    model = load_model(read_checkpoint(folder))
    return {name: np.array(variable) for name, variable in model_variables(model).items()}


def test_what_is_in_the_checkpoint(release, imported):
    checkpoint = read_checkpoint(imported)
    assert checkpoint.config["stage"] == "pretraining"
    assert checkpoint.config["objectives"] == ["masked_lm", "next_sentence"]
    assert checkpoint.config["sequence_length"] == 64
    assert checkpoint.config["test_mode"] is False
    assert checkpoint.backbone.attention_dropout == 0.1
    assert checkpoint.text("vocab.txt") == (release[0] / "vocab.txt").read_text(encoding="utf-8")
    told = checkpoint.json("tokenizer.json")
    assert (told["style"], told["lower_case"]) == ("wordpiece", True)
    told = checkpoint.json("metrics.json")
    assert (told["history"], told["imported"]) == ([], {"fresh": [], "unused": []})
    tokens = Vocabulary.load(imported / "vocab.txt")
    assert (tokens.unk_id, tokens.cls_id, checkpoint.backbone.vocab_size) == (3, 4, len(tokens) + 3)


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
    # What is exported can be brought in again.
    assert script("conversion.import_released", tmp_path / "out", tmp_path / "again")[0] == 0
    first, second = values_of(tmp_path / "ours"), values_of(tmp_path / "again")
    for name, value in first.items():
        np.testing.assert_array_equal(value, second[name])


def test_lower_case_and_gelu_can_be_told(release, tmp_path, script):
    options = ("--lower_case=false", "--gelu=tanh")
    assert script("conversion.import_released", release[0], tmp_path / "a", *options)[0] == 0
    checkpoint = read_checkpoint(tmp_path / "a")
    assert checkpoint.json("tokenizer.json")["lower_case"] is False
    assert checkpoint.backbone.gelu_approximate


def test_what_is_lacking_and_unused_is_named(tmp_path, caplog):
    caplog.set_level("INFO")
    folder = save_release(random_bert("BertForSequenceClassification"), tmp_path / "release")
    import_bert(ImportOptions(str(folder), str(tmp_path / "a"), seed=1))
    assert "starts from random weights: masked_lm/transform/kernel" in caplog.text
    assert "in the release, not used: classifier.weight" in caplog.text
    told = read_checkpoint(tmp_path / "a").json("metrics.json")["imported"]
    assert "next_sentence/dense/kernel" in told["fresh"]
    assert told["unused"] == ["classifier.bias", "classifier.weight"]
    # What starts at random comes from the seed.
    for seed, same in ((1, True), (2, False)):
        import_bert(ImportOptions(str(folder), str(tmp_path / f"b{seed}"), seed=seed))
        first, second = values_of(tmp_path / "a"), values_of(tmp_path / f"b{seed}")
        name = "masked_lm/transform/kernel"
        assert np.array_equal(first[name], second[name]) == same
        name = "backbone/layer_0/attention/multi_head_attention/query/kernel"
        np.testing.assert_array_equal(first[name], second[name])


def test_a_mistake_is_one_line(tmp_path, release, refused):
    assert "no BERT here" in refused("conversion.import_released", tmp_path, tmp_path / "a")
    assert "no name" in refused("conversion.import_released", release[0], "")
    assert refused("conversion.import_released", release[0]).startswith("CKPT_DIR is missing")
    assert not (tmp_path / "a").exists()


def test_a_vocabulary_of_another_model(release, tmp_path):
    folder = shutil.copytree(release[0], tmp_path / "release")
    with (folder / "vocab.txt").open("a", encoding="utf-8") as file:
        file.write("".join(f"more{index}\n" for index in range(4)))
    with pytest.raises(InputError, match="they are not of one model"):
        import_bert(ImportOptions(str(folder), str(tmp_path / "a")))
    assert not (tmp_path / "a").exists()


def test_a_folder_that_is_taken(release, imported):
    with pytest.raises(OptionError, match="already holds a checkpoint"):
        import_bert(ImportOptions(str(release[0]), str(imported)))
    with pytest.raises(OptionError, match="this is there already"):
        export_bert(imported, release[0])


def test_a_checkpoint_that_is_no_bert(run_of, imported, tmp_path):
    with pytest.raises(CheckpointError, match="normalization is 'pre'"):
        export_bert(run_of("transformer").pretrained, tmp_path / "out")
    checkpoint = read_checkpoint(imported)
    told = json.dumps({**checkpoint.json("tokenizer.json"), "style": "char"})
    write_checkpoint(
        tmp_path / "char",
        config=checkpoint.config,
        model=load_model(checkpoint),
        texts={"vocab.txt": checkpoint.text("vocab.txt"), "tokenizer.json": told},
        metrics={},
    )
    with pytest.raises(CheckpointError, match="tokenize_style is 'char'"):
        export_bert(tmp_path / "char", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.glob(".out*"))


def test_step_1_starts_from_every_weight(tiny, imported, tmp_path, eagerly):
    # At a learning rate of 0 what training writes is what it began with, the heads' weights too.
    pretrain(step_1(tiny, tmp_path, imported, learning_rate=0.0))
    before, after = values_of(imported), values_of(tmp_path / "lm")
    assert before.keys() == after.keys()
    for name, value in before.items():
        np.testing.assert_array_equal(value, after[name], err_msg=name)
    checkpoint = read_checkpoint(tmp_path / "lm")
    assert checkpoint.backbone == read_checkpoint(imported).backbone
    for name in ("vocab.txt", "tokenizer.json"):
        assert checkpoint.text(name) == read_checkpoint(imported).text(name)


def test_step_1_learns(tiny, imported, tmp_path, eagerly):
    metrics = pretrain(step_1(tiny, tmp_path, imported, learning_rate=1e-2, num_epochs=2))
    first, last = (entry["train"]["loss"] for entry in metrics["history"])
    assert last < first
    before, after = values_of(imported), values_of(tmp_path / "lm")
    assert all(not np.array_equal(value, after[name]) for name, value in before.items())


def test_all_word_pieces_are_candidates(tiny, imported, tmp_path):
    # Their ids do not go by frequency, as a sampled softmax needs it.
    options = step_1(tiny, tmp_path, imported, num_sampled=6)
    data = pretraining.prepare_data(options)
    model = pretraining.build_model(options, data)
    batch = next(data.valid.batches(0))
    assert model(batch, training=True)["masked_lm"].shape[-1] == len(data.vocabulary) + 3


def test_an_objective_that_the_checkpoint_lacks(tiny, imported, tmp_path, caplog, eagerly):
    options = step_1(tiny, tmp_path, imported, learning_rate=0.0, objectives=["masked_lm"])
    pretrain(options)
    assert not any(name.startswith("next_sentence") for name in values_of(tmp_path / "lm"))
    second = step_1(tiny, tmp_path, tmp_path / "lm", ckpt_dir=str(tmp_path / "b"))
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
        ({"sequence_length_lm": 65}, "--sequence_length_lm=65 is longer than"),
    ],
)
def test_options_that_contradict_the_start(tiny, imported, tmp_path, changes, message):
    options = step_1(tiny, tmp_path, imported, **changes)
    with pytest.raises(OptionError, match=message):
        pretraining.build_model(options, pretraining.prepare_data(options))


def test_starts_that_cannot_be(tiny, run_of, tmp_path):
    with pytest.raises(OptionError, match=r"--init_ckpt_dir=.*one of fine-tuning"):
        pretraining.open_start(step_1(tiny, tmp_path, run_of().fine_tuned))
    with pytest.raises(CheckpointError, match="no such checkpoint folder"):
        pretraining.open_start(step_1(tiny, tmp_path, tmp_path / "none"))
    checkpoint = read_checkpoint(run_of().pretrained)
    write_checkpoint(
        tmp_path / "small",
        config={**checkpoint.config, "test_mode": True},
        model=load_model(checkpoint),
        texts={},
        metrics={},
    )
    with pytest.raises(OptionError, match="was made in --test_mode"):
        pretraining.open_start(step_1(tiny, tmp_path, tmp_path / "small"))


def test_test_mode_leaves_the_architecture_to_the_checkpoint(imported):
    options = PretrainingOptions(init_ckpt_dir=str(imported))
    assert in_test_mode(options, {"init_ckpt_dir"}).preset is None
    assert in_test_mode(PretrainingOptions(), set()).preset == "tiny"


def test_step_2(tiny, imported, tmp_path, eagerly):
    values = tiny.fine_tuning(num_epochs=1, head="pooled", learning_rate=1e-3, batch_size=64)
    folders = {"ckpt_dir": str(imported), "ckpt_dir_save": str(tmp_path / "save")}
    metrics = fine_tune(FineTuningOptions(**values, **folders))
    assert metrics["restored"]["variables"] == metrics["restored"]["of"] == 23
    checkpoint = read_checkpoint(tmp_path / "save")
    assert checkpoint.text("vocab.txt") == read_checkpoint(imported).text("vocab.txt")
    # Out again, without the classification head.
    transformers = pytest.importorskip("transformers")
    export_bert(tmp_path / "save", tmp_path / "out")
    _, report = transformers.BertModel.from_pretrained(tmp_path / "out", output_loading_info=True)
    assert not report["missing_keys"] and not report["unexpected_keys"]
