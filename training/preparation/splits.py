"""The files of each split: those that the options name, or parts of the training files."""

from typing import Any

from data_util.labelled import splitting
from tasks.registry import TASKS
from training.options.scripts import FineTuningOptions
from training.preparation.tokenizer import cache_folder
from training.smoke_run import document_limit

SPLITS = {"train": "training_data_file", "valid": "valid_data_file", "test": "test_data_file"}
DEFAULT_VALID_RATIO = 0.1


def split_files(options: FineTuningOptions) -> dict[str, list[str]]:
    """The files of each split ("train", "valid" and, where there is one, "test").

    Splits for which no file is named are held out from the training files.

    Raises:
        InputError: the training files cannot be read, or have too few documents.
    """
    named = {split: getattr(options, option) for split, option in SPLITS.items()}
    ratios = {}
    if not named["valid"]:
        ratios["valid"] = options.valid_ratio or DEFAULT_VALID_RATIO
    if options.test_ratio:
        ratios["test"] = options.test_ratio
    if ratios:
        held_out = splitting.split_files(named["train"], ratios, **_settings(options))
        named |= {split: [file] for split, file in held_out.items()}
    return {split: files for split, files in named.items() if files}


def fold_files(options: FineTuningOptions, count: int) -> list[str]:
    """The file of each fold of the training documents, for cross-validation.

    Raises:
        InputError: the training files cannot be read, or have too few documents.
    """
    return splitting.fold_files(options.training_data_file or [], count, **_settings(options))


def _settings(options: FineTuningOptions) -> dict[str, Any]:
    return {
        "seed": options.seed,
        "folder": cache_folder(options),
        "reading": options.reading(),
        "max_documents": document_limit(options),
        "read": TASKS[options.task].split_examples,
    }
