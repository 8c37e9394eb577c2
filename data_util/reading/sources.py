"""The files that options name: paths, folders and patterns, checked before any work is done."""

import glob
import os
import re
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from common.errors import InputError
from common.files import digests, open_at_once

AnyPath = str | os.PathLike[str]

_PATTERN = re.compile(r"[*?\[]")
_PARQUET = ".parquet"
_SPLIT_NAME = re.compile(r"^(train|valid|validation|dev|test)\b|(?<=[._-])(train|valid|test)\b")


@dataclass(frozen=True, slots=True)
class Source:
    """A data file.

    Attributes:
        path: the file.
        one_of_many: whether a folder or a pattern named it, rather than its own name.
    """

    path: Path
    one_of_many: bool = False


def data_files(paths: Iterable[AnyPath]) -> list[Path]:
    """The files that `paths` name, see `sources`."""
    return [source.path for source in sources(paths)]


def sources(paths: Iterable[AnyPath]) -> list[Source]:
    """The files that paths, folders and patterns name, in a fixed order.

    A folder stands for all files in it and in its folders but hidden ones, or for its Parquet files
    if there are any (as in a data set of Hugging Face). A pattern has `*`, `?` or `[...]`; `**`
    stands for any folders. Both are sorted by name.

    Raises:
        InputError: a file cannot be read, is no regular file or is empty, or nothing is there; the
            message names it and says what to do.
    """
    if isinstance(paths, str | os.PathLike):
        paths = [paths]
    found: list[Source] = []
    for path in paths:
        name = os.fspath(path)
        if os.path.isdir(name):
            many = _files_in(Path(name))
        elif _PATTERN.search(name) and not os.path.lexists(name):
            many = sorted(Path(each) for each in glob.glob(name, recursive=True))
            many = [each for each in many if not each.is_dir()]
            if not many:
                raise InputError(
                    f"no file matches this pattern (looked for from {Path.cwd()}): check it", name
                )
        else:
            found.append(Source(checked_file(path)))
            continue
        found += [Source(checked_file(each), one_of_many=True) for each in many]
    if not found:
        raise InputError("no data file was named: name at least one")
    return found


def check_one_split(paths: Sequence[AnyPath]) -> None:
    """Refuses a folder whose files are named as several splits, such as train and test.

    Raises:
        InputError: naming the folder, and a pattern that is right.
    """
    for path in paths:
        if os.path.isdir(path):
            splits: dict[str, Path] = {}
            for file in _files_in(Path(path)):
                if match := _SPLIT_NAME.search(file.stem):
                    splits.setdefault(match.group(), file)
            if len(splits) > 1:
                first = next(iter(splits.values()))
                pattern = first.parent / f"{next(iter(splits))}*{first.suffix}"
                raise InputError(
                    f"this folder has files of {' and of '.join(sorted(splits))}: name those of "
                    f"one split with a pattern, such as {pattern}",
                    path,
                )


def check_paths(paths: Iterable[AnyPath]) -> list[Path]:
    """Checks that files can be read and are not empty, before any work is done.

    Raises:
        InputError: one cannot be read; the message names it and says what to do.
    """
    if isinstance(paths, str | os.PathLike):
        paths = [paths]
    checked = [checked_file(path) for path in paths]
    if not checked:
        raise InputError("no data file was named: name at least one")
    return checked


def check_unchanged(paths: Sequence[AnyPath], before: Sequence[str]) -> None:
    """Checks, after files were read, that they are still those that were hashed.

    Otherwise a cache that is keyed by the old content would hold the new one.

    Args:
        paths: the files.
        before: their `digests` before they were read.

    Raises:
        InputError: one has changed.
    """
    for path, old, new in zip(paths, before, digests(paths), strict=True):
        if old != new:
            raise InputError(
                "this file has changed while it was read: repeat the command when it is complete",
                path,
            )


def checked_file(path: AnyPath) -> Path:
    """A file that can be read and is not empty.

    Raises:
        InputError: it cannot be read; the message says what to do.
    """
    if not os.fspath(path):
        raise InputError("the name of a data file is empty: name a file")
    try:
        with open(path, "rb", opener=open_at_once) as file:
            status = os.fstat(file.fileno())
    except FileNotFoundError:
        raise InputError(
            f"there is no such file (looked for from {Path.cwd()}): check the name", path
        ) from None
    except IsADirectoryError:
        raise InputError("this is a folder: name a file in it", path) from None
    except PermissionError:
        raise InputError(
            "no permission to read this file: change it, or name another", path
        ) from None
    except (OSError, ValueError) as error:
        raise InputError(f"this file cannot be opened: {error}", path) from None
    if not stat.S_ISREG(status.st_mode):
        raise InputError("not a regular file, which can be read again: write a file first", path)
    if not status.st_size:
        raise InputError("the file is empty: was it written, or downloaded, whole?", path)
    return Path(path)


def _files_in(folder: Path) -> list[Path]:
    inside = sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and not any(part[0] == "." for part in path.relative_to(folder).parts)
    )
    files = [path for path in inside if path.suffix == _PARQUET] or inside
    if not files:
        raise InputError("there is no file in this folder: name another", folder)
    return files
