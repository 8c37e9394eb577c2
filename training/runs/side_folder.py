"""The folder of the further runs that a run makes: beside its own folder."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from common.errors import OptionError
from training.options.groups import RunOptions
from training.runs.locked_folder import LockedFolder
from training.runs.run_identity import differences, run_identity
from training.runs.run_record import RUN, RunRecord


@contextmanager
def side_folder(
    options: RunOptions, option: str, name: str, content: Sequence[str]
) -> Iterator[Path]:
    """Creates the folder `<output folder>_<name>` and locks it.

    `run.json` in it says to which run it belongs. What that run has left in it is kept, so that
    the same command can resume; with `--overwrite` it is removed.

        with side_folder(options, "ckpt_dir_save", "autotune", ["trials.jsonl"]) as folder:
            ...

    Args:
        options: the options of the run.
        option: the name of the option that gives the output folder.
        name: what is added to the name of the output folder.
        content: the patterns of what is written to it.

    Yields:
        The folder.

    Raises:
        OptionError: the folder cannot be used, or belongs to another run.
        InputError, CheckpointError: see `run_identity`.
    """
    output = getattr(options, option)
    if not output:
        raise OptionError(f"--{option}= is empty: name the output folder.")
    folder = Path(f"{output.rstrip('/')}_{name}")
    record = RunRecord(run_identity(options, option), logs="")
    with LockedFolder(folder, option):
        before = RunRecord.read(folder)
        found = [path for pattern in content for path in folder.glob(pattern)]
        if options.overwrite:
            # The record comes last: a kill before it leaves a folder of the earlier run.
            for path in found:
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        elif before is None and found:
            raise OptionError(
                f"{found[0]}: there is no {RUN} beside it, so it may be something else. Give "
                f"another --{option}, or --overwrite to replace it."
            )
        elif before is not None and (other := differences(before.identity, record.identity)):
            raise OptionError(
                f"{folder}: this folder belongs to another run: {'; '.join(other)}. Give another "
                f"--{option}, or start over with --overwrite."
            )
        record.write(folder)
        yield folder
        record.as_finished().write(folder)
