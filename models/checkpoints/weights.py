"""The model that a checkpoint describes, and its weights and optimizer state."""

import math
from collections.abc import Mapping
from typing import Any

import h5py
import keras

from common.errors import CheckpointError, ConfigError
from common.hdf5 import array_shapes
from models.backbone_model import BackboneModel
from models.backbones.base import make_backbone
from models.build import build
from models.checkpoints.folder import CONFIG, OPTIMIZER, WEIGHTS, Checkpoint
from models.checkpoints.size_limits import WEIGHT_BYTES, max_file_bytes
from models.config import BackboneConfig
from models.pretraining_model import PretrainingModel

_SLACK = 10_000  # numbers in a file of weights that are no parameters: seeds, counters


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
        max_elements = max_file_bytes(WEIGHTS, checkpoint.config) // WEIGHT_BYTES
    else:
        max_elements = model.count_params() + _SLACK
    array_shapes(path, max_elements=max_elements)
    try:
        model.load_weights(path, objects_to_skip=optimizer_of(model))
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


def optimizer_of(model: keras.Model) -> list[keras.optimizers.Optimizer]:
    """What Keras would put among the weights of a compiled model, and want there again."""
    return [model.optimizer] if getattr(model, "optimizer", None) is not None else []
