"""Refuses output folders in which a run would write over something that is not its own."""

import os
from pathlib import Path

from common.errors import OptionError
from models.checkpoints.folder import CONFIG, METRICS, WEIGHTS, holds_checkpoint
from training.runs.run_record import RUN, RunRecord

# Not "logs": it only gets further folders, and a run that was killed early leaves it alone.
_WRITTEN = (CONFIG, WEIGHTS, METRICS, "vocab.txt", "tokenizer.json", "labels.txt", RUN, "last")


def check_no_foreign_files(folder: Path, option: str) -> None:
    """Refuses a folder that holds files which a checkpoint would replace, and no checkpoint.

    Args:
        folder: the output folder; it may be missing.
        option: the name of the option that gives it.

    Raises:
        OptionError: it holds such files.
    """
    last = folder / "last"
    if holds_checkpoint(folder) or holds_checkpoint(last) or RunRecord.read(folder) is not None:
        return
    if found := [name for name in _WRITTEN if os.path.lexists(folder / name)]:
        raise OptionError(
            f"--{option}={folder}: this folder holds {', '.join(found)}, but no checkpoint that "
            "was written here; a run would replace that. Give another folder, or --overwrite to "
            "replace it."
        )


def check_not_input(output: Path, source: str, option: str) -> None:
    """Refuses an output folder that is also the input.

    Args:
        output: the output folder; it may be missing.
        source: the folder that is read; empty: none.
        option: the name of the option that gives the output folder.

    Raises:
        OptionError: they are the same folder.
    """
    if source and os.path.realpath(output) == os.path.realpath(source):
        raise OptionError(
            f"--{option}={output}: this is also the folder that is read, which would be replaced. "
            "Give another folder."
        )
