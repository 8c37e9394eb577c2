"""A checkpoint folder: what is in it, and how it is checked when it is read.

A folder holds `config.json`, `model.weights.h5`, `metrics.json`, the caller's text files
(`vocab.txt`, `tokenizer.json`, `labels.txt`), for a run that may be resumed `optimizer.h5` and
`training_state.json`, and `manifest.json` with the size and SHA-256 of each of them.

New files are written into a folder of their own inside the checkpoint folder, which is then
renamed to `.complete`: that rename is the moment when the new checkpoint replaces the old one.
After it the files are moved up one by one; a reader who comes in between, or after a crash,
takes each file from `.complete` while it is still there.
"""

import reprlib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from common.errors import CheckpointError, ConfigError
from common.files import MAX_BYTES, check_regular, is_plain_name, read_json, read_text, sha256
from models.checkpoints.size_limits import WEIGHT_BYTES, max_file_bytes, min_parameters
from models.checkpoints.versions import READABLE_VERSIONS, upgraded
from models.config import BackboneConfig

MANIFEST_VERSION = 1
CONFIG = "config.json"
WEIGHTS = "model.weights.h5"
METRICS = "metrics.json"
OPTIMIZER = "optimizer.h5"
TRAINING_STATE = "training_state.json"
MANIFEST = "manifest.json"
COMPLETE = ".complete"

SettingT = TypeVar("SettingT")


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint folder whose files were found whole.

    Attributes:
        folder: where it is.
        config: what `config.json` says, in the terms of the current version.
        files: the path of each file by its name.
    """

    folder: Path
    config: dict[str, Any]
    files: dict[str, Path]

    def text(self, name: str) -> str:
        """The content of the text file `name`; a `CheckpointError` where there is none."""
        path = self._path(name)
        check_regular(path, CheckpointError)
        return read_text(path, error=CheckpointError)

    def path(self, name: str) -> Path:
        """Where the file `name` is; a `CheckpointError` where there is none."""
        return self._path(name)

    def json(self, name: str) -> dict[str, Any]:
        """The JSON object in the file `name`; a `CheckpointError` where there is none."""
        return _read_json(self._path(name))

    def setting(self, name: str, kind: type[SettingT]) -> SettingT:
        """An entry of `config.json`.

        Raises:
            CheckpointError: it is not there, or not of this kind.
        """
        return _entry(self.config, name, kind, self.folder / CONFIG)

    @property
    def backbone(self) -> BackboneConfig:
        """The architecture of the backbone."""
        try:
            config = BackboneConfig.from_dict(self.setting("backbone", dict))
        except ConfigError as error:
            raise CheckpointError(f"{self.folder / CONFIG}: {error}") from error
        self.check_size()
        return config

    def check_size(self) -> None:
        """Checks, before a model takes memory, that the file of weights can be of its size.

        Raises:
            CheckpointError: the model that `config.json` describes is larger, or cannot be.
        """
        path = self.path(WEIGHTS)
        try:
            needed, held = min_parameters(self.config), path.stat().st_size // WEIGHT_BYTES
        except ConfigError as error:
            raise CheckpointError(f"{self.folder / CONFIG}: {error}") from error
        if needed > held:
            raise CheckpointError(
                f"{path}: these weights are not of the model that {CONFIG} beside them describes "
                f"(it has at least {needed:,} parameters, the file has room for {held:,})."
            )

    def _path(self, name: str) -> Path:
        if name not in self.files:
            raise CheckpointError(
                f"{self.folder}: this checkpoint has no {name}; it holds {sorted(self.files)}."
            )
        return self.files[name]


def read_checkpoint(folder: Path) -> Checkpoint:
    """Reads a checkpoint folder and checks every file in it against the manifest.

    Raises:
        CheckpointError: the folder is missing, empty, cut short, altered or of another version.
    """
    if not folder.is_dir():
        raise CheckpointError(
            f"{folder}: there is no such checkpoint folder; give the folder that an earlier "
            "training run wrote to."
        )
    described = read_manifest(latest(folder, MANIFEST))
    if not {CONFIG, WEIGHTS} <= described.keys():
        raise CheckpointError(f"{folder}: {MANIFEST} names no {CONFIG} or no {WEIGHTS}.")
    for name in described:
        if not is_plain_name(name):
            raise CheckpointError(
                f"{folder}: {MANIFEST} names {reprlib.repr(name)}, which is no file of this folder."
            )
    files = {name: latest(folder, name) for name in described}
    _check_described(files[CONFIG], described[CONFIG])
    config = upgraded(read_versioned(files[CONFIG], READABLE_VERSIONS))
    for name, expected in described.items():
        if name != CONFIG:
            _check_described(files[name], expected, max_file_bytes(name, config))
    return Checkpoint(folder, config, files)


def content_digests(folder: Path) -> dict[str, str]:
    """SHA-256 (hex), from the manifest, of all that a later stage takes over from a checkpoint.

    Raises:
        CheckpointError: there is no such checkpoint.
    """
    described = read_manifest(latest(folder, MANIFEST))
    names = (WEIGHTS, "vocab.txt", "tokenizer.json")
    return {name: described[name]["sha256"] for name in names if name in described}


def check_against_manifest(path: Path) -> None:
    """Checks one file, where it is part of a checkpoint; any other file is the user's own.

    Raises:
        CheckpointError: it was cut short or altered since it was written.
    """
    if not holds_checkpoint(path.parent):
        return
    described = read_manifest(latest(path.parent, MANIFEST))
    if path.name in described:
        _check_described(path, described[path.name])


def holds_checkpoint(folder: Path) -> bool:
    """Whether a checkpoint was ever completed in `folder` (it may be damaged since)."""
    return (folder / MANIFEST).exists() or (folder / COMPLETE / MANIFEST).exists()


def latest(folder: Path, name: str) -> Path:
    """Where the newest complete version of a file of the folder is."""
    complete = folder / COMPLETE
    if not complete.is_symlink() and (complete / name).exists():
        return complete / name
    return folder / name


def read_manifest(path: Path) -> dict[str, Any]:
    """A manifest's "files": what each file of the checkpoint must be, by name.

    Raises:
        CheckpointError: there is no manifest, or it names no files.
    """
    described = read_versioned(path, (MANIFEST_VERSION,)).get("files")
    if not isinstance(described, dict):
        raise CheckpointError(f"{path}: it names no files.")
    return described


def read_versioned(path: Path, versions: Collection[int]) -> dict[str, Any]:
    """The JSON object in a file of a checkpoint, of one of these format versions.

    Raises:
        CheckpointError: it is missing, no JSON object or of another version.
    """
    try:
        content = _read_json(path)
    except FileNotFoundError as error:
        raise CheckpointError(
            f"{path.parent}: this is not a whole checkpoint folder ({path.name} is missing)."
        ) from error
    if content.get("format_version") not in versions:
        known = " or ".join(map(str, versions))
        raise CheckpointError(f"{path}: not of format version {known}.")
    return content


def _read_json(path: Path) -> dict[str, Any]:
    check_regular(path, CheckpointError)  # No link is followed out of the folder.
    return read_json(path, "a file of a checkpoint", CheckpointError)


def _check_described(path: Path, expected: Any, most: int = MAX_BYTES) -> None:
    """Compares a file with what the manifest says of it, its size first; `most` are its bytes."""
    try:
        size = check_regular(path, CheckpointError).st_size
    except FileNotFoundError as error:
        raise CheckpointError(
            f"{path.parent}: {path.name} is missing; the checkpoint is not whole."
        ) from error
    if size > most:
        raise CheckpointError(
            f"{path}: {size:,} bytes, but with the {CONFIG} beside it this file has no more than "
            f"{most:,}; it was not read. Use another checkpoint."
        )
    described = isinstance(expected, dict) and expected.keys() == {"bytes", "sha256"}
    if not described or size != expected["bytes"] or sha256(path) != expected["sha256"]:
        raise CheckpointError(
            f"{path}: cut short or altered (it is not the file that {MANIFEST} describes); "
            "use another checkpoint or train again."
        )


def _entry(content: dict[str, Any], name: str, kind: type[SettingT], path: Path) -> SettingT:
    if name not in content:
        raise CheckpointError(f"{path}: it lacks the key {name}; was it altered by hand?")
    value = content[name]
    if type(value) is not kind:
        raise CheckpointError(f"{path}: {name} must be {_KINDS[kind]}, not {reprlib.repr(value)}.")
    return value


_KINDS: dict[type, str] = {
    bool: "true or false",
    int: "a whole number",
    str: "a string",
    dict: "a table",
    list: "a list",
}
