"""Writes a checkpoint folder atomically."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import h5py
import keras

from common.errors import CheckpointError
from common.files import is_plain_name, sha256, to_json
from common.hdf5 import InMemory
from common.whole_files import flush_to_disk, remove_unfinished, whole_folder
from models.checkpoints.folder import (
    COMPLETE,
    CONFIG,
    MANIFEST,
    MANIFEST_VERSION,
    METRICS,
    OPTIMIZER,
    PART,
    TRAINING_STATE,
    WEIGHTS,
    read_manifest,
)
from models.checkpoints.part import write_part
from models.checkpoints.versions import FORMAT_VERSION
from models.checkpoints.weights import optimizer_of


def write_checkpoint(
    folder: Path,
    *,
    config: Mapping[str, Any],
    model: keras.Model,
    texts: Mapping[str, str],
    metrics: Mapping[str, Any],
    optimizer: keras.optimizers.Optimizer | None = None,
    training_state: Mapping[str, Any] | None = None,
    shared: Collection[str] | None = None,
) -> None:
    """Writes a checkpoint; a reader of `folder` always finds a complete one, the old or the new.

    Args:
        folder: the checkpoint folder; created if it is missing. Other files in it are kept.
        config: content of `config.json`: "stage", "backbone" and the stage's own entries.
        model: its weights are saved in Keras' own layout.
        texts: content of further text files by name.
        metrics: content of `metrics.json`.
        optimizer: its state is saved if given.
        training_state: content of `training_state.json`, if given.
        shared: the names of the weights that are left to the checkpoint that `config` names as its
            "base", see `models.checkpoints.part`; None: all weights are saved.

    Raises:
        OSError: the folder cannot be written.
        CheckpointError: `.complete` in the folder is a symbolic link.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _finish_publishing(folder)
    contents = {name: text.encode() for name, text in texts.items()}
    contents[CONFIG] = to_json({"format_version": FORMAT_VERSION, **config})
    contents[METRICS] = to_json(metrics)
    if training_state is not None:
        contents[TRAINING_STATE] = to_json(training_state)
    with whole_folder(folder / COMPLETE) as incoming:
        for name, content in contents.items():
            (incoming / name).write_bytes(content)
        if shared is None:
            _write_weights(model, incoming / WEIGHTS)
        else:
            write_part(model, incoming / PART, shared)
        if optimizer is not None:
            _write_optimizer(optimizer, incoming / OPTIMIZER)
        files = {
            path.name: {"bytes": path.stat().st_size, "sha256": sha256(path)}
            for path in sorted(incoming.iterdir())
        }
        (incoming / MANIFEST).write_bytes(
            to_json({"format_version": MANIFEST_VERSION, "files": files})
        )
    _finish_publishing(folder)


def remove_leftovers(folder: Path) -> None:
    """Removes temporary folders that a killed process left in a checkpoint folder.

    Call it only while no other process can write to the folder.
    """
    remove_unfinished(folder / COMPLETE)


def _write_weights(model: keras.Model, path: Path) -> None:
    content = InMemory()
    keras.saving.save_weights(model, content, objects_to_skip=optimizer_of(model))
    path.write_bytes(content.getbuffer())


def _write_optimizer(optimizer: keras.optimizers.Optimizer, path: Path) -> None:
    content = InMemory()
    with h5py.File(content, "w") as file:
        for index, variable in enumerate(optimizer.variables):
            dataset = file.create_dataset(
                str(index), data=keras.ops.convert_to_numpy(keras.ops.convert_to_tensor(variable))
            )
            dataset.attrs["variable"] = variable.path
    path.write_bytes(content.getbuffer())


def _finish_publishing(folder: Path) -> None:
    complete = folder / COMPLETE
    if complete.is_symlink():
        raise CheckpointError(
            f"{complete}: this is a symbolic link, which no run creates; files would be moved out "
            "of another folder. Remove it."
        )
    if not complete.is_dir():
        return
    _remove_outdated(folder, complete)
    # The manifest is moved last: until then `.complete` still identifies the new checkpoint.
    for path in sorted(complete.iterdir(), key=lambda path: path.name == MANIFEST):
        path.replace(folder / path.name)
    complete.rmdir()
    flush_to_disk(folder)


def _remove_outdated(folder: Path, complete: Path) -> None:
    """Removes files of the old checkpoint that the new one, in `complete`, does not have."""
    old, new = folder / MANIFEST, complete / MANIFEST
    if not old.exists() or not new.exists():
        return
    try:
        gone = read_manifest(old).keys() - read_manifest(new).keys()
    except CheckpointError:
        return
    for name in gone:
        if is_plain_name(name) and (folder / name).is_file():
            (folder / name).unlink()
