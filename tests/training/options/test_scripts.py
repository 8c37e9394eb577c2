import dataclasses
import re
import subprocess
import sys
from pathlib import Path

import pytest

from common.errors import OptionError
from common.options import declarations
from common.parsing import help_text, parse_options
from data_util.sample.corpus import SampleOptions
from models.registry import OBJECTIVES
from serving.options import ServingOptions
from tasks.check_file import CheckFileOptions
from training.options.conversion import ExportOptions, ExportReleasedOptions, ImportOptions
from training.options.scripts import (
    FineTuningOptions,
    PredictionOptions,
    PretrainingOptions,
    TransformOptions,
)

CLASSES = (
    PretrainingOptions,
    FineTuningOptions,
    TransformOptions,
    PredictionOptions,
    ExportOptions,
    ImportOptions,
    ExportReleasedOptions,
    ServingOptions,
    CheckFileOptions,
    SampleOptions,
)
classes = pytest.mark.parametrize("options_class", CLASSES)


def needed(options_class):
    """An argument for each option that has no default."""
    return [
        "given"
        for declaration in declarations(options_class.complete()).values()
        if declaration.required
    ]


@classes
def test_the_defaults_can_be(options_class):
    options, given = parse_options(options_class, needed(options_class))
    known = declarations(options_class.complete()).values()
    values = {
        each.name: ["given"] if each.kind is list else "given" for each in known if each.required
    }
    assert options == options_class(**values)
    assert len(given) == len(needed(options_class))


def test_options_of_the_original_are_there():
    names = {field.name for field in dataclasses.fields(PretrainingOptions())}
    assert names >= {
        *("test_mode", "data_path", "mask_lm_source_file", "ckpt_dir", "vocab_size", "d_model"),
        *("num_layer", "num_header", "d_k", "d_v", "sequence_length_lm", "learning_rate"),
        *("batch_size", "num_epochs", "dropout_keep_prob", "tokenize_style", "process_num"),
        "validate_every",
    }
    names = {field.name for field in dataclasses.fields(FineTuningOptions())}
    assert names >= {
        *("training_data_file", "valid_data_file", "test_data_file", "ckpt_dir_save"),
        "sequence_length",
    }


@pytest.mark.parametrize("options_class", [PretrainingOptions, FineTuningOptions])
def test_a_number_of_epochs_that_no_run_ends(options_class):
    # The steps of each epoch are counted before the first one.
    with pytest.raises(OptionError, match=r"--num_epochs=1000000000: must be from . to 100000"):
        options_class(num_epochs=10**9)


@classes
def test_help_shows_every_option_once_and_no_other(options_class):
    text = help_text(options_class, "python program.py", "What it is for.")
    shown = re.findall(r"^  --(\w+)=", text, flags=re.MULTILINE)
    assert sorted(shown) == sorted([*declarations(options_class.complete()), "options_file"])
    # Each is below the title of a group, and has a text.
    groups = text.split("\n\n")[2:]
    in_groups = [len(re.findall(r"^  --", group, flags=re.MULTILINE)) for group in groups]
    assert sum(in_groups) == len(shown)
    assert min(in_groups) > 0
    titles = [group.splitlines()[0] for group in groups]
    assert all(re.fullmatch(r"[A-Z].*:", title) for title in titles)
    assert len(set(titles)) == len(titles)
    for line in re.findall(r"^  --.*\n(.*)", text, flags=re.MULTILINE):
        assert re.match(r"      \S", line)


@classes
def test_help_shows_the_defaults(options_class):
    text = help_text(options_class, "python program.py", "")
    for name, declaration in declarations(options_class.complete()).items():
        shown = re.search(rf"^  --{name}=(.*)$", text, flags=re.MULTILINE).group(1)
        if declaration.required or declaration.default in (None, ""):
            assert shown == ""
        else:
            # What is shown can be given.
            arguments = [*needed(options_class), f"--{name}={shown}"]
            options, _ = parse_options(options_class, arguments)
            assert getattr(options, name) == declaration.default


def test_options_load_neither_keras_nor_numpy():
    # They take seconds, and neither --help nor a mistake in the options needs it.
    code = (
        "import sys; from common.parsing import *; from serving.options import *;"
        "from training.options.scripts import *; from training.command_line import *;"
        "help_text(FineTuningOptions, 'program', '');"
        "parse_options(FineTuningOptions, []);"
        "sys.exit(bool({'keras', 'tensorflow', 'numpy'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[3])


def test_a_transformer_from_random_weights():
    options = TransformOptions()
    assert (options.backbone, options.ckpt_dir) == ("transformer", "")
    assert options.ckpt_dir_save != FineTuningOptions().ckpt_dir_save


def test_objectives():
    options, _ = parse_options(PretrainingOptions, ["--objectives=next_sentence,masked_lm"])
    assert options.objectives == ["next_sentence", "masked_lm"]
    assert set(PretrainingOptions().objectives) <= set(OBJECTIVES)
