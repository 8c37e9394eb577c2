"""The contents of a checkpoint folder, and how they are verified when it is read.

A folder holds `config.json`, `model.weights.h5`, `metrics.json`, the caller's text files
(`vocab.txt`, `tokenizer.json`, `labels.txt`), and `manifest.json` with the size and SHA-256 of
each file. A run that can be resumed adds `optimizer.h5` and `training_state.json`.

New files are written into a temporary folder inside the checkpoint folder, which is then renamed
to `.complete`: at that moment the new checkpoint replaces the old one. Afterwards the files are
moved up one by one; a process that reads in between, or after a crash, takes each file from
`.complete` as long as it is there.
"""

import reprlib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from common.errors import CheckpointError, ConfigError
from common.files import MAX_BYTES, check_regular, is_plain_name, read_json, read_text, sha256
from models.checkpoints.publication import (
    COMPLETE,
    MANIFEST,
    latest,
    manifest_digest,
    read_published,
    replaced,
)
from models.checkpoints.size_limits import WEIGHT_BYTES, max_file_bytes, min_parameters
from models.checkpoints.versions import READABLE_VERSIONS, upgraded
from models.config import BackboneConfig

MANIFEST_VERSION = 1
CONFIG = "config.json"
WEIGHTS = "model.weights.h5"
PART = "tuned.weights.h5"  # in its place, where another checkpoint has the rest: see part.py
METRICS = "metrics.json"
OPTIMIZER = "optimizer.h5"
TRAINING_STATE = "training_state.json"
MENTION_LABELS = "mention_labels.txt"  # of the objective that learned which labels a text names

SettingT = TypeVar("SettingT")


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint folder whose files were verified; made by `read_checkpoint`.

        >>> checkpoint = read_checkpoint(Path("checkpoint_lm"))
        >>> checkpoint.config["stage"]
        'pretraining'

    Attributes:
        folder: its path.
        config: the content of `config.json`, upgraded to the current format version.
        files: the path of each file by its name.
        manifest: identifies it (see `manifest_digest`); None: it is not compared.
    """

    folder: Path
    config: dict[str, Any]
    files: dict[str, Path]
    manifest: str | None = None

    def check_current(self) -> None:
        """Checks that no other checkpoint has replaced this one, so that what was read is of it.

        Raises:
            CheckpointError: another one has.
        """
        if self.manifest is not None and manifest_digest(self.folder) != self.manifest:
            raise replaced(self.folder)

    def text(self, name: str) -> str:
        """The content of the text file `name`.

        Raises:
            CheckpointError: the checkpoint has no such file.
        """
        path = self._path(name)
        check_regular(path, CheckpointError)
        return read_text(path, error=CheckpointError)

    def path(self, name: str) -> Path:
        """The path of the file `name`.

        Raises:
            CheckpointError: the checkpoint has no such file.
        """
        return self._path(name)

    def json(self, name: str) -> dict[str, Any]:
        """The JSON object in the file `name`.

        Raises:
            CheckpointError: the checkpoint has no such file, or it is not a JSON object.
        """
        return _read_json(self._path(name))

    def setting(self, name: str, kind: type[SettingT]) -> SettingT:
        """An entry of `config.json`.

        Args:
            name: the key.
            kind: the required type: bool, int, float, str, dict or list.

        Raises:
            CheckpointError: the key is missing or its value has another type.
        """
        return _entry(self.config, name, kind, self.folder / CONFIG)

    @property
    def backbone(self) -> BackboneConfig:
        """The architecture of the backbone.

        Raises:
            CheckpointError: it is invalid, or does not match the weights file.
        """
        try:
            config = BackboneConfig.from_dict(self.setting("backbone", dict))
        except ConfigError as error:
            raise CheckpointError(f"{self.folder / CONFIG}: {error}") from error
        self.check_size()
        return config

    def check_size(self) -> None:
        """Checks that the weights file is large enough for the model, before the model is built.

        Raises:
            CheckpointError: the model that `config.json` describes is larger or invalid.
        """
        path = self.path(PART if PART in self.files else WEIGHTS)
        try:  # A part has no backbone.
            needed = min_parameters(self.config, backbone=PART not in self.files)
            held = path.stat().st_size // WEIGHT_BYTES
        except ConfigError as error:
            raise CheckpointError(f"{self.folder / CONFIG}: {error}") from error
        if needed > held:
            raise CheckpointError(
                f"{path}: these weights do not belong to the model that {CONFIG} describes (the "
                f"model has at least {needed:,} parameters, the file holds at most {held:,})."
            )

    def _path(self, name: str) -> Path:
        if name not in self.files:
            raise CheckpointError(
                f"{self.folder}: this checkpoint has no {name}; it contains {sorted(self.files)}."
            )
        path = self.files[name]
        moved = path.parent.name == COMPLETE and not path.exists()
        return self.folder / name if moved else path


def read_checkpoint(folder: Path) -> Checkpoint:
    """Reads a checkpoint folder and verifies every file in it against the manifest.

    A run may publish other checkpoints meanwhile: the result is one of them.

    Raises:
        CheckpointError: the folder is missing or incomplete, a file was truncated or altered, or
            the format version is not supported.
    """
    if not folder.is_dir():
        raise CheckpointError(
            f"{folder}: there is no such checkpoint folder; name the output folder of an earlier "
            "training run."
        )
    return read_published(folder, lambda: _read(folder))


def _read(folder: Path) -> Checkpoint:
    manifest = manifest_digest(folder)
    described = read_manifest(latest(folder, MANIFEST))
    if CONFIG not in described or not {WEIGHTS, PART} & described.keys():
        raise CheckpointError(f"{folder}: {MANIFEST} does not list {CONFIG} and {WEIGHTS}.")
    for name in described:
        if not is_plain_name(name):
            raise CheckpointError(
                f"{folder}: {MANIFEST} lists {reprlib.repr(name)}, which is not a file name."
            )
    files = {name: latest(folder, name) for name in described}
    _check_described(files[CONFIG], described[CONFIG])
    config = upgraded(read_versioned(files[CONFIG], READABLE_VERSIONS))
    for name, expected in described.items():
        if name != CONFIG:
            _check_described(files[name], expected, max_file_bytes(name, config))
    return Checkpoint(folder, config, files, manifest)


def content_digests(folder: Path) -> dict[str, str]:
    """SHA-256 (hex) by file name of the files that a later stage uses, read from the manifest.

    Raises:
        CheckpointError: the folder holds no checkpoint.
    """
    described = read_manifest(latest(folder, MANIFEST))
    names = (WEIGHTS, PART, "vocab.txt", "tokenizer.json", "labels.txt", MENTION_LABELS)
    return {name: described[name]["sha256"] for name in names if name in described}


def check_against_manifest(path: Path) -> None:
    """Verifies one file if it is part of a checkpoint; accepts any other file.

    Raises:
        CheckpointError: the file was truncated or altered since it was written.
    """
    if not holds_checkpoint(path.parent):
        return
    described = read_manifest(latest(path.parent, MANIFEST))
    if path.name in described:
        _check_described(path, described[path.name])


def holds_checkpoint(folder: Path) -> bool:
    """Whether a checkpoint was ever completed in `folder`; it may have been damaged since."""
    return (folder / MANIFEST).exists() or (folder / COMPLETE / MANIFEST).exists()


def read_manifest(path: Path) -> dict[str, Any]:
    """The "files" of a manifest: the expected size and SHA-256 of each file by name.

    Raises:
        CheckpointError: there is no manifest, or it lists no files.
    """
    described = read_versioned(path, (MANIFEST_VERSION,)).get("files")
    if not isinstance(described, dict):
        raise CheckpointError(f"{path}: it lists no files.")
    return described


def read_versioned(path: Path, versions: Collection[int]) -> dict[str, Any]:
    """Reads the JSON object in a file that has a "format_version".

    Args:
        path: the file.
        versions: the versions that are accepted.

    Raises:
        CheckpointError: the file is missing, not a JSON object, or has another version.
    """
    try:
        content = _read_json(path)
    except FileNotFoundError as error:
        raise CheckpointError(
            f"{path.parent}: this is not a complete checkpoint folder ({path.name} is missing)."
        ) from error
    if content.get("format_version") not in versions:
        known = " or ".join(map(str, versions))
        raise CheckpointError(f"{path}: its format version is not {known}.")
    return content


def _read_json(path: Path) -> dict[str, Any]:
    check_regular(path, CheckpointError)  # Links out of the folder are not followed.
    return read_json(path, "a file of a checkpoint", CheckpointError)


def _check_described(path: Path, expected: Any, max_bytes: int = MAX_BYTES) -> None:
    """Compares a file with its manifest entry; checks its size before it is read."""
    try:
        size = check_regular(path, CheckpointError).st_size
    except FileNotFoundError as error:
        raise CheckpointError(
            f"{path.parent}: {path.name} is missing; the checkpoint is incomplete."
        ) from error
    if size > max_bytes:
        raise CheckpointError(
            f"{path}: {size:,} bytes, but for the model that {CONFIG} describes this file has at "
            f"most {max_bytes:,}; it was not read. Use another checkpoint."
        )
    described = isinstance(expected, dict) and expected.keys() == {"bytes", "sha256"}
    if not described or size != expected["bytes"] or sha256(path) != expected["sha256"]:
        raise CheckpointError(
            f"{path}: truncated or altered (it does not match {MANIFEST}); use another checkpoint "
            "or train again."
        )


def _entry(content: dict[str, Any], name: str, kind: type[SettingT], path: Path) -> SettingT:
    if name not in content:
        raise CheckpointError(f"{path}: the key {name} is missing; was the file edited by hand?")
    value = content[name]
    if type(value) is not kind:
        raise CheckpointError(f"{path}: {name} must be {_KINDS[kind]}, not {reprlib.repr(value)}.")
    return value


_KINDS: dict[type, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number with a decimal point",
    str: "a string",
    dict: "a table",
    list: "a list",
}
