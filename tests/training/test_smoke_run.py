import pytest

from common.parsing import parse_options
from training.options.scripts import FineTuningOptions, PretrainingOptions, TransformOptions
from training.smoke_run import document_limit, in_test_mode


def options_of(options_class, *arguments):
    options, given = parse_options(options_class, ["--test_mode", *arguments])
    return in_test_mode(options, given)


@pytest.mark.parametrize(
    ("options_class", "folders"),
    [
        (PretrainingOptions, {"ckpt_dir": "checkpoint_lm_test"}),
        (
            FineTuningOptions,
            {"ckpt_dir": "checkpoint_lm_test", "ckpt_dir_save": "checkpoint_lm_save_test"},
        ),
        (TransformOptions, {"ckpt_dir": "", "ckpt_dir_save": "checkpoint_transformer_test"}),
    ],
)
def test_small_values_and_other_folders(options_class, folders):
    options = options_of(options_class)
    assert options.num_epochs == 1
    assert options.batch_size < options_class().batch_size
    assert options.overwrite
    assert {name: getattr(options, name) for name in folders} == folders


def test_the_preset_is_that_of_the_checkpoint_where_there_is_one():
    assert options_of(PretrainingOptions).preset == "tiny"
    assert options_of(TransformOptions).preset == "tiny"
    assert options_of(FineTuningOptions, "--ckpt_dir=").preset == "tiny"
    assert options_of(FineTuningOptions).preset is None


def test_what_is_given_is_used():
    options = options_of(
        FineTuningOptions,
        "--num_epochs=3",
        "--batch_size=7",
        "--sequence_length=50",
        "--ckpt_dir=mine",
        "--seed=1",
    )
    assert (options.num_epochs, options.batch_size, options.sequence_length) == (3, 7, 50)
    assert (options.ckpt_dir, options.ckpt_dir_save) == ("mine", "checkpoint_lm_save_test")
    assert options.seed == 1


def test_what_a_file_gives_is_used(tmp_path):
    path = tmp_path / "run.json"
    path.write_text('{"num_epochs": 3, "ckpt_dir": "mine"}')
    options = options_of(PretrainingOptions, f"--options_file={path}")
    assert (options.num_epochs, options.ckpt_dir, options.overwrite) == (3, "mine", False)


@pytest.mark.parametrize(
    ("options_class", "name"),
    [(PretrainingOptions, "ckpt_dir"), (FineTuningOptions, "ckpt_dir_save")],
)
def test_a_given_folder_is_not_overwritten_unasked(options_class, name):
    options = options_of(options_class, f"--{name}=mine")
    assert getattr(options, name) == "mine"
    assert not options.overwrite
    assert options_of(options_class, f"--{name}=mine", "--overwrite").overwrite
    assert options_of(FineTuningOptions, "--ckpt_dir=mine").overwrite


def test_document_limit():
    assert document_limit(PretrainingOptions()) is None
    assert document_limit(PretrainingOptions(test_mode=True)) == 300
