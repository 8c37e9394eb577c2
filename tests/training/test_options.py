import dataclasses
import re
import subprocess
import sys
from pathlib import Path

import pytest

from common.errors import OptionError
from training.options import (
    ExportOptions,
    FineTuningOptions,
    PredictionOptions,
    PretrainingOptions,
    ServingOptions,
    TransformOptions,
    help_text,
    parse_options,
)

CLASSES = (
    PretrainingOptions,
    FineTuningOptions,
    TransformOptions,
    PredictionOptions,
    ExportOptions,
    ServingOptions,
)
classes = pytest.mark.parametrize("options_class", CLASSES)


def parse(options_class, *arguments):
    return parse_options(options_class, ["program", *arguments])


@classes
def test_no_arguments_give_the_defaults(options_class):
    options, given = parse(options_class)
    assert options == options_class()
    assert given == frozenset()


def test_types():
    options, given = parse(
        FineTuningOptions,
        "--batch_size=8",
        "--learning_rate=3e-4",
        "--test_mode",
        "--lower_case=false",
        "--training_data_file=a.txt,b.txt",
        "--ckpt_dir=",
        "--d_model",
        "32",
    )
    assert (options.batch_size, options.learning_rate, options.d_model) == (8, 3e-4, 32)
    assert (options.test_mode, options.lower_case) == (True, False)
    assert options.training_data_file == ["a.txt", "b.txt"]
    assert options.ckpt_dir == ""
    assert given == {
        "batch_size",
        "learning_rate",
        "test_mode",
        "lower_case",
        "training_data_file",
        "ckpt_dir",
        "d_model",
    }


def test_booleans_can_be_switched_off():
    assert not parse(PretrainingOptions, "--nomasked_lm")[0].masked_lm
    assert not parse(PretrainingOptions, "--masked_lm=false")[0].masked_lm
    assert parse(PretrainingOptions, "--lower_case")[0].lower_case is True
    assert parse(PretrainingOptions)[0].lower_case is None


def test_lists():
    assert parse(FineTuningOptions, "--test_data_file=")[0].test_data_file == []
    first, second = FineTuningOptions(), FineTuningOptions()
    assert first.training_data_file is not second.training_data_file


def test_some_may_be_given_by_their_place():
    expected = ExportOptions(ckpt_dir="a", out="b", format="onnx")
    for arguments in (
        ("a", "b", "--format=onnx"),
        ("--format=onnx", "a", "b"),
        ("a", "--format=onnx", "--out=b"),
    ):
        options, given = parse(ExportOptions, *arguments)
        assert options == expected
        assert given == {"ckpt_dir", "out", "format"}
    with pytest.raises(OptionError, match="'c' is not an option"):
        parse(ExportOptions, "a", "b", "c")
    with pytest.raises(OptionError, match="--out is given twice"):
        parse(ExportOptions, "a", "b", "--out=c")
    text = help_text(ExportOptions, "models.export", "")
    assert "usage: python -m models.export CKPT_DIR OUT [--option=value ...]" in text


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ("--batch_size=0", ["--batch_size=0", "at least 1"]),
        ("--batch_size=1.5", ["batch_size", "1.5"]),
        ("--batch_size=", ["batch_size"]),
        ("--dropout_keep_prob=0", ["--dropout_keep_prob=0", "from 0.01 to 1"]),
        ("--dropout_keep_prob=1.1", ["--dropout_keep_prob=1.1", "from 0.01 to 1"]),
        ("--learning_rate=-1", ["--learning_rate=-1", "at least 0"]),
        ("--learning_rate=nan", ["--learning_rate=nan", "at least 0"]),
        ("--learning_rate=fast", ["learning_rate", "fast"]),
        ("--threshold=2", ["--threshold=2", "from 0 to 1"]),
        ("--backbone=rnn", ["--backbone=rnn", "text_cnn, transformer"]),
        ("--precision=float16", ["--precision=float16", "mixed_bfloat16"]),
        ("--task=", ["--task=", "multi_label, multi_class"]),
        ("--test_mode=perhaps", ["test_mode", "perhaps"]),
        ("--batchsize=4", ["batchsize", "--help"]),
        ("--v=1", ["v", "--help"]),
        ("text.txt", ["'text.txt' is not an option"]),
        ("--seed", ["seed"]),
        ("--distribute=both", ["--distribute=both", "none, mirrored, data_parallel"]),
        ("--num_processes=2", ["--num_processes=2", "data_parallel"]),
        ("--process_id=1", ["--process_id=1", "--num_processes=1"]),
    ],
)
def test_what_cannot_be_is_named(argument, words):
    with pytest.raises(OptionError) as caught:
        parse(FineTuningOptions, argument)
    assert [word for word in words if word not in str(caught.value)] == []
    assert "\n" not in str(caught.value)


def test_processes_need_a_place_to_meet():
    with pytest.raises(OptionError, match="--coordinator=HOST:PORT"):
        PretrainingOptions(distribute="data_parallel", num_processes=2)


def test_several_devices_and_a_scaled_loss_do_not_go_together():
    with pytest.raises(OptionError, match=r"mixed_float16 .* mixed_bfloat16"):
        PretrainingOptions(distribute="mirrored", precision="mixed_float16")


def test_bounds_hold_without_a_command_line():
    with pytest.raises(OptionError, match="--num_epochs=0: must be at least 1"):
        FineTuningOptions(num_epochs=0)
    with pytest.raises(OptionError, match="--threshold=-1"):
        FineTuningOptions().replace(threshold=-1)
    assert FineTuningOptions().replace(seed=7) == FineTuningOptions(seed=7)


def test_options_of_the_original_are_there():
    names = {field.name for field in dataclasses.fields(PretrainingOptions)}
    assert names >= {
        *("test_mode", "data_path", "mask_lm_source_file", "ckpt_dir", "vocab_size", "d_model"),
        *("num_layer", "num_header", "d_k", "d_v", "sequence_length_lm", "learning_rate"),
        *("batch_size", "num_epochs", "dropout_keep_prob", "tokenize_style", "process_num"),
        "validate_every",
    }
    names = {field.name for field in dataclasses.fields(FineTuningOptions)}
    assert names >= {
        *("training_data_file", "valid_data_file", "test_data_file", "ckpt_dir_save"),
        "sequence_length",
    }


@classes
def test_help_shows_every_option_once_and_no_other(options_class):
    text = help_text(options_class, "program.py", "what it is for")
    assert text.startswith("program.py: what it is for\n")
    shown = re.findall(r"^  --(\w+)=", text, flags=re.MULTILINE)
    names = [field.name for field in dataclasses.fields(options_class)]
    assert sorted(shown) == sorted(names)
    assert len(set(shown)) == len(shown)
    # Each stands under the title of a group, and has a text.
    groups = re.split(r"\n\n", text)[2:]
    assert sum(len(re.findall(r"^  --", group, flags=re.MULTILINE)) for group in groups) == len(
        names
    )
    titles = [group.splitlines()[0] for group in groups]
    assert all(re.fullmatch(r"[A-Z].*:", title) for title in titles)
    assert len(set(titles)) == len(titles)
    for line in re.findall(r"^  --.*\n(.*)", text, flags=re.MULTILINE):
        assert re.match(r"      \S", line)


@classes
def test_help_shows_the_defaults(options_class):
    text = help_text(options_class, "program.py", "")
    for field in dataclasses.fields(options_class):
        default = getattr(options_class(), field.name)
        shown = re.search(rf"^  --{field.name}=(.*)$", text, flags=re.MULTILINE).group(1)
        if default is None or default == "":
            assert shown == ""
        else:
            # What is shown can be given.
            again = parse(options_class, f"--{field.name}={shown}")[0]
            assert getattr(again, field.name) == default


def test_help_shows_the_choices():
    text = help_text(PretrainingOptions, "program.py", "")
    assert "[text_cnn | transformer]" in text
    assert "[word | char | space | wordpiece]" in text


def test_options_do_not_load_keras():
    # It takes seconds, and neither --help nor a mistake in the options needs it.
    code = (
        "import sys; from training.options import *;"
        "help_text(FineTuningOptions, 'program', '');"
        "parse_options(FineTuningOptions, ['program']);"
        "sys.exit(bool({'keras', 'tensorflow'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])


def test_a_transformer_from_random_weights():
    options = TransformOptions()
    assert (options.backbone, options.ckpt_dir) == ("transformer", "")
    assert options.ckpt_dir_save != FineTuningOptions().ckpt_dir_save
