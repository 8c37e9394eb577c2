"""What a peer needs to read the same batches as this project's fine-tuning."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.lib.runs import split_options
from training.options.scripts import FineTuningOptions


def peer_options(files: Mapping[str, Path], folder: Path, **options: Any) -> FineTuningOptions:
    """The options of a fine-tuning from random weights.

    Args:
        files: of the splits train, valid and test.
        folder: its folder "data" has the cache.
        options: further ones: the task, the tokens, the lengths.
    """
    named: dict[str, Any] = {name: [str(path)] for name, path in split_options(files).items()}
    return FineTuningOptions(ckpt_dir="", data_path=str(folder / "data"), **named, **options)
