"""Builds the model that a checkpoint describes, and loads its weights and optimizer state."""

import math
from collections.abc import Mapping
from typing import Any

import keras

from common.errors import CheckpointError, ConfigError
from common.hdf5 import array_shapes, open_hdf5, unlocked
from models.backbone_model import BackboneModel
from models.backbones.base import make_backbone
from models.build import build
from models.checkpoints.folder import CONFIG, OPTIMIZER, PART, WEIGHTS, Checkpoint
from models.checkpoints.part import base_of, load_part
from models.checkpoints.size_limits import WEIGHT_BYTES, max_file_bytes
from models.config import BackboneConfig
from models.pretraining_model import PretrainingModel
from models.tuning.stored import stored_tuning

_SLACK = 10_000  # elements of a weights file that are not parameters: seeds, counters


def build_model(config: Mapping[str, Any]) -> keras.Model:
    """Builds the model that a checkpoint's `config.json` describes, with fresh weights.

    Args:
        config: the content of `config.json`.

    Returns:
        A `PretrainingModel` if the checkpoint has objectives, otherwise a `BackboneModel`. (For a
        fine-tuned model with its head see `tasks.loading`.)

    Raises:
        CheckpointError: the configuration is invalid.
    """
    model: keras.Model
    try:
        backbone = make_backbone(BackboneConfig.from_dict(config["backbone"]))
        if "objectives" in config:
            settings = config.get("objective_settings", {})
            if not isinstance(settings, dict):
                raise ConfigError("objective_settings must be a table.")
            model = PretrainingModel(backbone, tuple(config["objectives"]), settings)
        else:
            model = BackboneModel(backbone)
        return stored_tuning(config).build(model)
    except KeyError as error:
        raise CheckpointError(f"{CONFIG}: the key {error} is missing.") from error
    except TypeError as error:
        raise CheckpointError(f"{CONFIG}: a value has the wrong type ({error}).") from error
    except ConfigError as error:
        raise CheckpointError(f"{CONFIG}: {error}") from error


def load_model(checkpoint: Checkpoint) -> keras.Model:
    """Builds the checkpoint's model (see `build_model`) and loads its weights.

    Raises:
        CheckpointError: the weights do not belong to the model that `config.json` describes.
    """
    checkpoint.check_size()
    try:
        model = build_model(checkpoint.config)
    except CheckpointError as error:
        raise CheckpointError(f"{checkpoint.folder}: {error}") from error
    load_weights(model, checkpoint)
    stored_tuning(checkpoint.config).merge(model.backbone)
    return model


def load_weights(model: keras.Model, checkpoint: Checkpoint) -> None:
    """Loads the checkpoint's weights into a model.

    Args:
        model: a built model, as `config.json` describes it.
        checkpoint: the checkpoint.

    Raises:
        CheckpointError: the weights do not belong to this model.
    """
    if isinstance(model, BackboneModel):
        max_elements = max_file_bytes(WEIGHTS, checkpoint.config) // WEIGHT_BYTES
    else:
        max_elements = model.count_params() + _SLACK
    if PART in checkpoint.files:
        base = base_of(checkpoint)
        source = build(BackboneModel(make_backbone(base.backbone)))
        load_weights(source, base)
        load_part(model, source, checkpoint, max_elements)
        checkpoint.check_current()
        return
    path = checkpoint.path(WEIGHTS)
    array_shapes(path, max_elements=max_elements)
    try:
        with unlocked(path) as file:
            model.load_weights(file, objects_to_skip=optimizer_of(model))
    except (ValueError, KeyError, OSError) as error:
        raise CheckpointError(
            f"{path}: these weights do not belong to the "
            f"{checkpoint.config['backbone']['backbone']} model that {CONFIG} describes "
            f"({str(error).splitlines()[0]})."
        ) from error
    checkpoint.check_current()


def load_optimizer(optimizer: keras.optimizers.Optimizer, checkpoint: Checkpoint) -> None:
    """Loads the checkpoint's optimizer state into a built optimizer.

    Raises:
        CheckpointError: the checkpoint has none, or that of another optimizer or model.
    """
    path = checkpoint.path(OPTIMIZER)
    expected = {
        str(index): tuple(variable.shape) for index, variable in enumerate(optimizer.variables)
    }
    elements = sum(math.prod(shape) for shape in expected.values())
    if array_shapes(path, max_elements=elements + _SLACK) != expected:
        raise CheckpointError(f"{path}: this is the state of another optimizer or model.")
    with open_hdf5(path) as file:
        for index, variable in enumerate(optimizer.variables):
            variable.assign(file[str(index)][()])


def optimizer_of(model: keras.Model) -> list[keras.optimizers.Optimizer]:
    """The objects to skip when weights are saved or loaded: the optimizer of a compiled model.

    Keras would store it among the weights and expect it there when loading.
    """
    return [model.optimizer] if getattr(model, "optimizer", None) is not None else []
