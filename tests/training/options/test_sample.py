from pathlib import Path

import pytest

from common.errors import OptionError
from common.parsing import parse_options
from tasks.registry import SAMPLES, TASKS
from training.options.sample import sample_files
from training.options.scripts import FineTuningOptions

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("task", SAMPLES)
@pytest.mark.parametrize("split", ["train", "valid", "test"])
def test_the_files_are_there(task, split):
    assert task in TASKS
    assert all((ROOT / path).is_file() for path in sample_files(task, split))


def test_each_task_learns_from_examples_of_its_own():
    options, _ = parse_options(FineTuningOptions, ["--task=token_classification"])
    assert options.training_data_file == ["data/sample_entities_train.jsonl"]
    assert options.test_data_file == ["data/sample_entities_test.jsonl"]
    options, _ = parse_options(FineTuningOptions, ["--task=regression"])
    assert options.valid_data_file == ["data/sample_pairs_valid.txt"]
    with pytest.raises(OptionError, match=r"--task=another: .* --training_data_file"):
        sample_files("another", "train")
