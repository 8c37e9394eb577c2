"""Refuses outputs with which a command would write over something that is not its own."""

import os
from pathlib import Path

from common.errors import OptionError
from models.checkpoints.folder import CONFIG, METRICS, PART, WEIGHTS, holds_checkpoint
from training.runs.run_record import RUN, RunRecord

# Not "logs": it only gets further folders, and a run that was killed early leaves it alone.
_TEXTS = ("vocab.txt", "tokenizer.json", "labels.txt")
_WRITTEN = (CONFIG, WEIGHTS, PART, METRICS, *_TEXTS, RUN, "last")


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


def check_output_file(option: str, path: str, *sources: str, allow_streams: bool = False) -> None:
    """Refuses an output file that cannot be written, before there is anything to write.

    Args:
        option: the name of the option that gives it.
        path: the output file.
        sources: the input files; an empty one is none.
        allow_streams: whether it may be a pipe or a device.

    Raises:
        OptionError: it is an input file, a folder, or in no folder.
    """
    given = f"--{option}={path}"
    real = os.path.realpath(path)
    if any(source and os.path.realpath(source) == real for source in sources):
        raise OptionError(f"{given}: this is the input file; name another file.")
    if os.path.isdir(path):
        raise OptionError(f"{given}: this is a folder; name a file in it.")
    if os.path.exists(path) and not os.path.isfile(path) and not allow_streams:
        raise OptionError(f"{given}: this is no file, but a pipe or a device; name a file.")
    parent = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(parent):
        raise OptionError(f"{given}: there is no folder {parent}; create it first.")
