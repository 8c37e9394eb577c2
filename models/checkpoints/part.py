"""Checkpoints that hold only what they do not share with the one that fine-tuning started from.

In place of `model.weights.h5` such a folder has `tuned.weights.h5`, an HDF5 file with an array for
each weight by its name in the model, and `config.json` says which checkpoint has the rest: "base",
its "folder" and the "sha256" of its weights.
"""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import h5py
import keras

from common.errors import CheckpointError
from common.hdf5 import InMemory, array_shapes, open_hdf5
from models.checkpoints.folder import (
    CONFIG,
    PART,
    WEIGHTS,
    Checkpoint,
    content_digests,
    read_checkpoint,
)
from models.checkpoints.transfer import named_variables

_BACKBONE = "backbone/"


def part_variables(model: keras.Model) -> dict[str, keras.Variable]:
    """The weights of a built model with a `backbone`, by the names that they have in the file."""
    backbone = named_variables(model.backbone)
    inside = {id(variable) for variable in backbone.values()}
    # The first part of a path is the name of the model.
    others = {
        variable.path.partition("/")[2]: variable
        for variable in model.weights
        if id(variable) not in inside
    }
    return {**{f"{_BACKBONE}{name}": each for name, each in backbone.items()}, **others}


def shared_variables(
    model: keras.Model, source: keras.Model, trained: Collection[keras.Variable]
) -> frozenset[str]:
    """The names of those weights of a model that a part can leave to its base.

    Args:
        model: a built model with a `backbone`.
        source: the model of the base, with its weights.
        trained: the weights that will be trained.
    """
    theirs = named_variables(source.backbone)
    moving = {id(variable) for variable in trained}
    return frozenset(
        f"{_BACKBONE}{name}"
        for name, variable in named_variables(model.backbone).items()
        if id(variable) not in moving and name in theirs and _equal(variable, theirs[name])
    )


def base_entry(base: Checkpoint) -> dict[str, Any]:
    """The entry "base" of `config.json`.

    Raises:
        CheckpointError: the base itself holds only a part.
    """
    if PART in base.files:
        raise CheckpointError(
            f"{base.folder}: this checkpoint itself holds only what was trained on top of another "
            f"one. Merge the two first: python -m conversion.merge {base.folder} OUT."
        )
    return {
        "folder": str(base.folder.resolve()),
        "sha256": content_digests(base.folder)[WEIGHTS],
    }


def base_of(checkpoint: Checkpoint) -> Checkpoint:
    """The checkpoint that has the rest of the weights.

    It is looked for where it was, then beside the checkpoint's folder and the folder around that.

    Raises:
        CheckpointError: it is not there, or another one is in its place.
    """
    entry = checkpoint.setting("base", dict)
    named, digest = entry.get("folder"), entry.get("sha256")
    if not isinstance(named, str) or not isinstance(digest, str):
        raise CheckpointError(
            f"{checkpoint.folder / CONFIG}: base must have a folder and a sha256."
        )
    around = checkpoint.folder.resolve().parents
    places = [Path(named), *(folder / Path(named).name for folder in around[:2])]
    found = "is not there"
    for place in dict.fromkeys(places):
        try:
            base = read_checkpoint(place)
            if content_digests(place).get(WEIGHTS) == digest:
                return base
        except (CheckpointError, OSError):
            continue
        found = "has other weights now"
    raise CheckpointError(
        f"{checkpoint.folder}: this checkpoint holds only what was trained on top of the one in "
        f"{named} (SHA-256 of {WEIGHTS}: {digest:.12}...), which {found}. Put it back or beside "
        "this folder, or merge the two: python -m conversion.merge "
        f"{checkpoint.folder} OUT --base_dir=FOLDER."
    )


def write_part(model: keras.Model, path: Path, shared: Collection[str]) -> None:
    """Writes all weights of a model but the shared ones.

    Args:
        model: a built model.
        path: the file.
        shared: from `shared_variables`.
    """
    content = InMemory()
    with h5py.File(content, "w") as file:
        for name, variable in part_variables(model).items():
            if name not in shared:
                array = keras.ops.convert_to_numpy(keras.ops.convert_to_tensor(variable))
                file.create_dataset(name, data=array)
    path.write_bytes(content.getbuffer())


def load_part(
    model: keras.Model, source: keras.Model, checkpoint: Checkpoint, max_elements: int
) -> None:
    """Loads the weights of a part, and those that it leaves to its base.

    Args:
        model: a built model, as `config.json` describes it, or its backbone alone.
        source: the model of the base, with its weights.
        checkpoint: of the part.
        max_elements: how many numbers the file may hold.

    Raises:
        CheckpointError: the weights do not belong to this model.
    """
    path = checkpoint.path(PART)
    shapes = array_shapes(path, max_elements=max_elements)
    theirs = {f"{_BACKBONE}{name}": each for name, each in named_variables(source.backbone).items()}
    with open_hdf5(path) as file:
        for name, variable in part_variables(model).items():
            shape = tuple(variable.shape)
            if shapes.get(name) == shape:
                variable.assign(file[name][()])
            elif name not in shapes and name in theirs and tuple(theirs[name].shape) == shape:
                variable.assign(theirs[name])
            else:
                raise CheckpointError(
                    f"{path}: these weights do not belong to the model that {CONFIG} describes "
                    f"({name} is {_described(shapes, name)}, not of shape {shape})."
                )


def _described(shapes: Mapping[str, tuple[int, ...]], name: str) -> str:
    return f"of shape {shapes[name]}" if name in shapes else "missing"


def _equal(one: keras.Variable, other: keras.Variable) -> bool:
    if tuple(one.shape) != tuple(other.shape):
        return False
    to_numpy = keras.ops.convert_to_numpy
    return bool((to_numpy(one) == to_numpy(other)).all())
