"""A checkpoint folder: written whole or not at all, checked when read, its backbone taken over.

A folder holds `config.json`, `model.weights.h5`, `metrics.json`, the caller's text files
(`vocab.txt`, `tokenizer.json`, `labels.txt`), for a run that may go on `optimizer.h5` and
`training_state.json`, and `manifest.json` with the size and SHA-256 of each of them.

New files are written into a folder of their own inside the checkpoint folder, which is then
renamed to `.complete`: that rename is the moment when the new checkpoint replaces the old one.
After it the files are moved up one by one; a reader who comes in between, or after a crash,
takes each file from `.complete` while it is still there.
"""

import json
import math
import os
import reprlib
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import h5py
import keras

from common.errors import CheckpointError, ConfigError
from models.backbone_model import BackboneModel
from models.backbones import make_backbone
from models.build import build
from models.checkpoint_files import (
    MAX_JSON_BYTES,
    array_shapes,
    check_regular,
    is_plain_name,
    read_json,
    read_text,
    sha256,
)
from models.config import BackboneConfig
from models.model_size import WEIGHT_BYTES, least_parameters, most_bytes
from models.pretraining import PretrainingModel

FORMAT_VERSION = 1
CONFIG = "config.json"
WEIGHTS = "model.weights.h5"
METRICS = "metrics.json"
OPTIMIZER = "optimizer.h5"
TRAINING_STATE = "training_state.json"
MANIFEST = "manifest.json"
_COMPLETE = ".complete"
_INCOMING = ".incoming-"
_SLACK = 10_000  # numbers in a file of weights that are no parameters: seeds, counters

SettingT = TypeVar("SettingT")

__all__ = [
    "CONFIG",
    "FORMAT_VERSION",
    "MANIFEST",
    "METRICS",
    "OPTIMIZER",
    "TRAINING_STATE",
    "WEIGHTS",
    "Checkpoint",
    "build_model",
    "check_against_manifest",
    "holds_checkpoint",
    "load_model",
    "load_optimizer",
    "load_weights",
    "read_checkpoint",
    "write_checkpoint",
]


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint folder whose files were found whole.

    Attributes:
        folder: where it is.
        config: what `config.json` says.
        files: the path of each file by its name.
    """

    folder: Path
    config: dict[str, Any]
    files: dict[str, Path]

    def text(self, name: str) -> str:
        """The content of the text file `name`; a `CheckpointError` where there is none."""
        return read_text(self._path(name))

    def path(self, name: str) -> Path:
        """Where the file `name` is; a `CheckpointError` where there is none."""
        return self._path(name)

    def json(self, name: str) -> dict[str, Any]:
        """The JSON object in the file `name`; a `CheckpointError` where there is none."""
        return read_json(self._path(name))

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
            needed, held = least_parameters(self.config), path.stat().st_size // WEIGHT_BYTES
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


def write_checkpoint(
    folder: Path,
    *,
    config: Mapping[str, Any],
    model: keras.Model,
    texts: Mapping[str, str],
    metrics: Mapping[str, Any],
    optimizer: keras.optimizers.Optimizer | None = None,
    training_state: Mapping[str, Any] | None = None,
) -> None:
    """Writes a checkpoint; whoever reads `folder` finds the old one or the new one, whole.

    Args:
        folder: the checkpoint folder; made where it is missing. Other files in it stay.
        config: what `config.json` is to say: "stage", "backbone" and the stage's own entries.
        model: its weights are saved in Keras' own layout.
        texts: content of further text files by name.
        metrics: content of `metrics.json`.
        optimizer: saved beside the model where given.
        training_state: content of `training_state.json`, where given.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _finish_publishing(folder)
    incoming = folder / f"{_INCOMING}{os.getpid()}"
    if incoming.is_symlink():
        incoming.unlink()
    shutil.rmtree(incoming, ignore_errors=True)
    incoming.mkdir()
    try:
        contents = {name: text.encode() for name, text in texts.items()}
        contents[CONFIG] = _to_json({"format_version": FORMAT_VERSION, **config})
        contents[METRICS] = _to_json(metrics)
        if training_state is not None:
            contents[TRAINING_STATE] = _to_json(training_state)
        for name, content in contents.items():
            (incoming / name).write_bytes(content)
        keras.saving.save_weights(model, incoming / WEIGHTS, objects_to_skip=_optimizer_of(model))
        if optimizer is not None:
            _write_optimizer(optimizer, incoming / OPTIMIZER)
        files = {
            path.name: {"bytes": path.stat().st_size, "sha256": sha256(path)}
            for path in sorted(incoming.iterdir())
        }
        (incoming / MANIFEST).write_bytes(
            _to_json({"format_version": FORMAT_VERSION, "files": files})
        )
        for path in [*incoming.iterdir(), incoming]:
            _flush_to_disk(path)
        incoming.rename(folder / _COMPLETE)
    except BaseException:
        shutil.rmtree(incoming, ignore_errors=True)
        raise
    _finish_publishing(folder)


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
    described = _read_json(_latest(folder, MANIFEST)).get("files")
    if not isinstance(described, dict) or not {CONFIG, WEIGHTS} <= described.keys():
        raise CheckpointError(f"{folder}: {MANIFEST} names no {CONFIG} or no {WEIGHTS}.")
    for name in described:
        if not is_plain_name(name):
            raise CheckpointError(
                f"{folder}: {MANIFEST} names {reprlib.repr(name)}, which is no file of this folder."
            )
    files = {name: _latest(folder, name) for name in described}
    _check_described(files[CONFIG], described[CONFIG])
    config = _read_json(files[CONFIG])
    for name, expected in described.items():
        if name != CONFIG:
            _check_described(files[name], expected, most_bytes(name, config))
    return Checkpoint(folder, config, files)


def remove_leftovers(folder: Path) -> None:
    """Removes what a process that was killed while it wrote left in a checkpoint folder.

    To be called only by whoever is sure to be the only one that writes there.
    """
    for path in folder.glob(f"{_INCOMING}*"):
        shutil.rmtree(path, ignore_errors=True)


def content_digests(folder: Path) -> dict[str, str]:
    """SHA-256 (hex), from the manifest, of all that a later stage takes over from a checkpoint.

    Raises:
        CheckpointError: there is no such checkpoint.
    """
    described = _read_json(_latest(folder, MANIFEST)).get("files")
    if not isinstance(described, dict):
        raise CheckpointError(f"{folder}: {MANIFEST} names no files.")
    names = (WEIGHTS, "vocab.txt", "tokenizer.json")
    return {name: described[name]["sha256"] for name in names if name in described}


def check_against_manifest(path: Path) -> None:
    """Checks one file, where it is part of a checkpoint; any other file is the user's own.

    Raises:
        CheckpointError: it was cut short or altered since it was written.
    """
    if not holds_checkpoint(path.parent):
        return
    described = _read_json(_latest(path.parent, MANIFEST)).get("files")
    if isinstance(described, dict) and path.name in described:
        _check_described(path, described[path.name])


def holds_checkpoint(folder: Path) -> bool:
    """Whether a checkpoint was ever completed in `folder` (it may be damaged since)."""
    return (folder / MANIFEST).exists() or (folder / _COMPLETE / MANIFEST).exists()


def build_model(config: Mapping[str, Any]) -> keras.Model:
    """The model that a checkpoint's `config.json` describes, with fresh weights.

    Returns:
        A `PretrainingModel` where the checkpoint has objectives, or else a `BackboneModel`: what a
        task has put on the backbone is known to the task (see `tasks.loading`).

    Raises:
        CheckpointError: the configuration is not one that this version writes.
    """
    model: keras.Model
    try:
        backbone = make_backbone(BackboneConfig.from_dict(config["backbone"]))
        if "objectives" in config:
            model = PretrainingModel(backbone, objectives=tuple(config["objectives"]))
        else:
            model = BackboneModel(backbone)
    except KeyError as error:
        raise CheckpointError(f"{CONFIG} lacks the key {error}.") from error
    except TypeError as error:
        raise CheckpointError(f"{CONFIG}: a value is of the wrong kind ({error}).") from error
    except ConfigError as error:
        raise CheckpointError(f"{CONFIG}: {error}") from error
    return build(model)


def load_model(checkpoint: Checkpoint) -> keras.Model:
    """The checkpoint's model, as `build_model` makes it, with its weights.

    Raises:
        CheckpointError: the weights are not those of the model that `config.json` describes.
    """
    checkpoint.check_size()
    try:
        model = build_model(checkpoint.config)
    except CheckpointError as error:
        raise CheckpointError(f"{checkpoint.folder}: {error}") from error
    load_weights(model, checkpoint)
    return model


def load_weights(model: keras.Model, checkpoint: Checkpoint) -> None:
    """Gives `model`, built as `config.json` describes, the checkpoint's weights."""
    path = checkpoint.path(WEIGHTS)
    if isinstance(model, BackboneModel):
        max_elements = most_bytes(WEIGHTS, checkpoint.config) // WEIGHT_BYTES
    else:
        max_elements = model.count_params() + _SLACK
    array_shapes(path, max_elements=max_elements)
    try:
        model.load_weights(path, objects_to_skip=_optimizer_of(model))
    except (ValueError, KeyError, OSError) as error:
        raise CheckpointError(
            f"{path}: these weights are not of the {checkpoint.config['backbone']['backbone']} "
            f"model that {CONFIG} beside them describes ({str(error).splitlines()[0]})."
        ) from error


def load_optimizer(optimizer: keras.optimizers.Optimizer, checkpoint: Checkpoint) -> None:
    """Gives a built optimizer the state that the checkpoint holds.

    Raises:
        CheckpointError: it holds none, or another optimizer's.
    """
    path = checkpoint.path(OPTIMIZER)
    expected = {
        str(index): tuple(variable.shape) for index, variable in enumerate(optimizer.variables)
    }
    elements = sum(math.prod(shape) for shape in expected.values())
    if array_shapes(path, max_elements=elements + _SLACK) != expected:
        raise CheckpointError(f"{path}: of another optimizer or model.")
    with h5py.File(path, "r") as file:
        for index, variable in enumerate(optimizer.variables):
            variable.assign(file[str(index)][()])


def _optimizer_of(model: keras.Model) -> list[keras.optimizers.Optimizer]:
    """What Keras would put among the weights of a compiled model, and want there again."""
    return [model.optimizer] if getattr(model, "optimizer", None) is not None else []


def _write_optimizer(optimizer: keras.optimizers.Optimizer, path: Path) -> None:
    with h5py.File(path, "w") as file:
        for index, variable in enumerate(optimizer.variables):
            dataset = file.create_dataset(
                str(index), data=keras.ops.convert_to_numpy(keras.ops.convert_to_tensor(variable))
            )
            dataset.attrs["variable"] = variable.path


def _finish_publishing(folder: Path) -> None:
    complete = folder / _COMPLETE
    if complete.is_symlink():
        raise CheckpointError(
            f"{complete}: a symbolic link, which no run made; files would be moved out of another "
            "folder. Remove it."
        )
    if not complete.is_dir():
        return
    _remove_outdated(folder, complete)
    # The manifest moves last: until then it says, in `.complete`, what belongs together.
    for path in sorted(complete.iterdir(), key=lambda path: path.name == MANIFEST):
        path.replace(folder / path.name)
    complete.rmdir()
    _flush_to_disk(folder)


def _remove_outdated(folder: Path, complete: Path) -> None:
    """Removes what the old checkpoint had and the new one, in `complete`, has not."""
    old, new = folder / MANIFEST, complete / MANIFEST
    if not old.exists() or not new.exists():
        return
    try:
        gone = _read_json(old)["files"].keys() - _read_json(new)["files"].keys()
    except (CheckpointError, KeyError, AttributeError):
        return
    for name in gone:
        if is_plain_name(name) and (folder / name).is_file():
            (folder / name).unlink()


def _latest(folder: Path, name: str) -> Path:
    complete = folder / _COMPLETE
    if not complete.is_symlink() and (complete / name).exists():
        return complete / name
    return folder / name


def _check_described(path: Path, expected: Any, most: int = MAX_JSON_BYTES) -> None:
    """Compares a file with what the manifest says of it, its size first; `most` are its bytes."""
    try:
        size = check_regular(path).st_size
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


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = read_json(path)
    except FileNotFoundError as error:
        raise CheckpointError(
            f"{path.parent}: this is not a whole checkpoint folder ({path.name} is missing)."
        ) from error
    if content.get("format_version") != FORMAT_VERSION:
        raise CheckpointError(f"{path}: not of format version {FORMAT_VERSION}.")
    return content


def _to_json(content: Mapping[str, Any]) -> bytes:
    return (json.dumps(content, ensure_ascii=False, indent=2) + "\n").encode()


def _flush_to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
