"""The arguments of a command line."""

import json
from dataclasses import dataclass

import pytest

from common.errors import OptionError
from common.options import Options, option
from common.parsing import help_text, parse_options
from tests.common.sample_options import Needy, Sample, parse, refusal


def test_no_arguments_give_the_defaults():
    assert parse() == (Sample(), frozenset())


def test_types():
    options, given = parse(
        "--num_epochs=8", "--learning_rate", "3e-4", "--overwrite", "--lower_case=false",
        "--files=a, b", "--out=",
    )  # fmt: skip
    assert options == Sample(
        num_epochs=8,
        learning_rate=3e-4,
        overwrite=True,
        lower_case=False,
        files=["a", "b"],
        out="",
    )
    names = {"num_epochs", "learning_rate", "overwrite", "lower_case", "files", "out"}
    assert given == names
    assert parse("--files=")[0].files == []
    assert parse("--num_epochs=1", "--num_epochs=2")[0].num_epochs == 2


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("--lower_case", True),
        ("--lower_case=true", True),
        ("--lower_case=True", True),
        ("--lower_case=1", True),
        ("--nolower_case", False),
        ("--lower_case=false", False),
        ("--lower_case=0", False),
    ],
)
def test_booleans(argument, value):
    assert parse(argument)[0].lower_case is value


def test_a_path_in_the_home_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", "/home/me")
    options, _ = parse("--source=~/in", "--out=~", "--files=~/a,b~,~nobody_here/c")
    assert (options.source, options.out) == ("/home/me/in", "/home/me")
    assert options.files == ["/home/me/a", "b~", "~nobody_here/c"]
    (tmp_path / "run.json").write_text('{"out": "~/out"}')
    assert parse(f"--options_file={tmp_path / 'run.json'}")[0].out == "/home/me/out"


def test_a_negative_number_is_a_value():
    assert refusal("--learning_rate", "-1") == "--learning_rate=-1.0: must be at least 0."


def test_positions():
    expected = Sample(source="a", out="b", kind="b")
    for arguments in (
        ("a", "b", "--kind=b"),
        ("--kind=b", "a", "b"),
        ("a", "--kind", "b", "--out=b"),
    ):
        options, given = parse(*arguments)
        assert options == expected
        assert given == {"source", "out", "kind"}
    assert parse("-")[0].source == "-"
    assert refusal("a", "b", "c").startswith("'c' is not an option")
    assert refusal("a", "b", "--out=c") == "--out=c: given twice, by name and by position ('b')."
    # A boolean takes no value but after "=".
    assert parse("--overwrite", "a")[0] == Sample(overwrite=True, source="a")


def test_what_is_needed():
    assert parse("a", options_class=Needy)[0] == parse("--file=a", options_class=Needy)[0]
    assert refusal(options_class=Needy) == "FILE is missing: the file that is read."


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("--num_epochs=0", "--num_epochs=0: must be at least 1."),
        ("--num_epochs=1.5", "--num_epochs=1.5: must be a whole number."),
        ("--num_epochs=", "--num_epochs=: must be a whole number."),
        ("--num_epochs", "--num_epochs: its value is missing; write --num_epochs=VALUE."),
        ("--learning_rate=nan", "--learning_rate=nan: must be at least 0."),
        ("--learning_rate=inf", "--learning_rate=inf: must be a finite number."),
        ("--learning_rate=fast", "--learning_rate=fast: must be a number."),
        ("--overwrite=perhaps", "--overwrite=perhaps: must be true or false."),
        ("--kind=c", "--kind=c: must be one of a, b."),
        ("--num_epoch=3", "did you mean --num_epochs?"),
        ("--num-epochs=3", "did you mean --num_epochs?"),
        ("--num_epochs_3", "did you mean --num_epochs?"),
        ("--noKind", "did you mean --kind?"),
        ("--option_file=a", "did you mean --options_file?"),
        ("--v=1", "--v: there is no such option; (--help lists the options)"),
        ("--", "--: there is no such option"),
        ("--nokind", "--nokind: there is no such option"),
    ],
)
def test_what_cannot_be_is_named(argument, message):
    assert message in refusal(argument)


def test_a_missing_value_does_not_take_the_next_option():
    assert "--source: its value is missing" in refusal("--source", "--overwrite")


@dataclass(frozen=True)
class RedOptions(Options):
    """Red"""

    shade: int = option(1, "how dark")


@dataclass(frozen=True)
class ColourOptions(Options):
    """Colours"""

    colours: list[str] = option(["blue"], "which ones", choices=("blue", "red"))

    choosers = ("colours",)

    @classmethod
    def further_groups(cls, values):
        return (RedOptions,) if "red" in values["colours"] else ()


@pytest.mark.parametrize("arguments", [["--colours=blue,red"], ["--colours", "red"]])
def test_an_option_that_brings_further_options(arguments, tmp_path):
    assert parse_options(ColourOptions, [])[0] == ColourOptions()
    assert parse_options(ColourOptions, [*arguments, "--shade=3"])[0].shade == 3
    assert "\nRed:\n  --shade=1\n" in help_text(ColourOptions, "paint", "", arguments)
    assert "--shade" not in help_text(ColourOptions, "paint", "")
    with pytest.raises(OptionError, match="--shade: there is no such option"):
        parse_options(ColourOptions, ["--shade=3"])
    with pytest.raises(OptionError, match="--colours=green: must be one or more of blue, red"):
        parse_options(ColourOptions, ["--colours=green"])


def test_further_options_from_a_file(tmp_path):
    file = tmp_path / "options.json"
    file.write_text(json.dumps({"colours": ["red"], "shade": 5}))
    assert parse_options(ColourOptions, [f"--options_file={file}"])[0].shade == 5
    # The command line takes precedence, and then nothing asks for a shade.
    arguments = [f"--options_file={file}", "--colours=blue"]
    assert parse_options(ColourOptions, arguments) == (ColourOptions(), {"colours"})
    file.write_text(json.dumps({"colours": ["blue"], "shade": 5}))
    with pytest.raises(OptionError, match=r"options\.json: --shade: there is no such option"):
        parse_options(ColourOptions, [f"--options_file={file}"])
