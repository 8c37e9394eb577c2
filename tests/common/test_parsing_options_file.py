"""Options from a file."""

import json

import pytest

from tests.common.sample_options import Needy, Sample, parse, refusal


@pytest.fixture
def file(tmp_path):
    def write(content):
        path = tmp_path / "run.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return write


def test_a_file_with_options(file):
    values = {"num_epochs": 3, "learning_rate": 1, "files": ["a"], "lower_case": None}
    path = file(values)
    options, given = parse(f"--options_file={path}")
    assert options == Sample(num_epochs=3, learning_rate=1, files=["a"])
    assert given == values.keys()
    options, given = parse("--num_epochs=4", "here", "--options_file", str(path))
    assert options == Sample(num_epochs=4, learning_rate=1, files=["a"], source="here")
    assert given == {*values, "source"}


def test_the_configuration_of_a_run_repeats_it(file):
    options = Sample(num_epochs=3, overwrite=True, source="a")
    path = file({"stage": "pretraining", "options": options.to_dict()})
    assert parse(f"--options_file={path}")[0] == options


def test_a_file_can_give_what_is_needed(file):
    assert parse(f"--options_file={file({'file': 'a'})}", options_class=Needy)[0].file == "a"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"num_epoch": 3}, "--num_epoch: there is no such option; did you mean --num_epochs?"),
        ({"num_epochs": "3"}, "--num_epochs=3: must be a whole number."),
        ({"num_epochs": True}, "--num_epochs=true: must be a whole number."),
        ({"num_epochs": None}, "--num_epochs=: must be a whole number."),
        ({"num_epochs": 0}, "--num_epochs=0: must be at least 1."),
        ({"files": "a,b"}, "--files=a,b: must be a list of texts."),
        ({"files": {"a": "b\n"}}, "must be a list of texts."),
        ({"kind": ["a"]}, "--kind=a: must be a text."),
        ({"options": {"kind": "c"}}, "--kind=c: must be one of a, b."),
        ({"options": 3}, "--options: there is no such option"),
        ({"options_file": "a"}, "--options_file: there is no such option"),
        ([1], "not a JSON object"),
        ('{"a": ', "not JSON"),
        ("[" * 100_000, "not JSON"),
        ('{"num_epochs": ' + "9" * 5000 + "}", "not JSON"),
    ],
)
def test_errors_in_a_file_name_it(file, content, message):
    path = file(content)
    line = refusal(f"--options_file={path}")
    assert line.startswith(f"{path}: ")
    assert message in line


def test_a_file_that_cannot_be_read(tmp_path):
    missing = tmp_path / "missing.json"
    line = refusal(f"--options_file={missing}")
    assert line.startswith(f"{missing}: this file cannot be read: No such file")
    (tmp_path / "binary").write_bytes(b"\xff")
    assert "not UTF-8" in refusal(f"--options_file={tmp_path / 'binary'}")
