"""The architecture of a run's backbone: from the options, or from a checkpoint."""

import dataclasses
import logging
from pathlib import Path
from typing import Any

import keras

from common.errors import OptionError
from models.checkpoints.folder import Checkpoint, read_checkpoint
from models.checkpoints.transfer import tile_position_embeddings
from models.config import BackboneConfig
from models.presets import DEFAULT_PRESET, PRESETS, backbone_config
from models.registry import DEFAULT_BACKBONE
from models.size_options import size_options
from training.options.groups import ModelOptions, RunOptions
from training.options.scripts import FineTuningOptions, PretrainingOptions, TransformOptions

logger = logging.getLogger(__name__)


def new_backbone_config(options: ModelOptions, vocab_size: int) -> BackboneConfig:
    """The architecture that the options and their preset describe."""
    return backbone_config(
        options.backbone or DEFAULT_BACKBONE,
        options.preset or DEFAULT_PRESET,
        vocab_size,
        **_sizes(options),
        dropout=_dropout(options),
    )


def learning_rate(
    options: PretrainingOptions | FineTuningOptions, config: BackboneConfig, stage: str
) -> float:
    """The highest learning rate of the backbone: what was asked for, or what suits it."""
    if options.learning_rate is not None:
        return options.learning_rate
    return config.learning_rates[stage]


def open_checkpoint(options: RunOptions, option: str) -> Checkpoint | None:
    """The checkpoint that the option of this name points to, or None where it is empty.

    Raises:
        OptionError: it was made in test mode and this run is not.
    """
    folder = getattr(options, option)
    if not folder:
        return None
    checkpoint = read_checkpoint(Path(folder))
    if checkpoint.config.get("test_mode") and not options.test_mode:
        raise OptionError(
            f"--{option}={folder}: this checkpoint was made in --test_mode. Pre-train "
            "without it first, or use --test_mode here too."
        )
    return checkpoint


def restored_backbone_config(
    options: ModelOptions, checkpoint: Checkpoint, *, allow_changes: bool
) -> BackboneConfig:
    """The checkpoint's architecture; its dropout may be changed, nothing else.

    Raises:
        OptionError: an option contradicts the checkpoint and `allow_changes` is false.
    """
    stored = checkpoint.backbone
    if isinstance(options, TransformOptions) and options.backbone != stored.backbone:
        # The user may never have typed --backbone, which has a default in this script alone.
        raise OptionError(
            f"--ckpt_dir={checkpoint.folder}: this checkpoint holds a {stored.backbone}, but this "
            f"run trains a {options.backbone}. Fine-tune it with train_bert_fine_tuning.py, which "
            f"takes the backbone from the checkpoint, or add --backbone={stored.backbone}."
        )
    wanted = {"backbone": options.backbone, **_sizes(options)}
    if options.preset is not None:
        preset = backbone_config(stored.backbone, options.preset, stored.vocab_size)
        for name in PRESETS[options.preset]:
            if hasattr(preset, name) and wanted.get(name) is None:
                wanted[name] = getattr(preset, name)
    changes = {
        name: value
        for name, value in wanted.items()
        if value is not None and value != getattr(stored, name, None)
    }
    flags = {option.field: option.flag for option in size_options()}
    for name, value in changes.items():
        flag = flags.get(name, name)
        if not hasattr(stored, name) and "backbone" not in changes:
            raise OptionError(
                f"--{flag}={value}: the checkpoint {checkpoint.folder} holds a {stored.backbone}, "
                "which has no use for it. Leave the option out."
            )
        if name == "max_position" and stored.position != "learned":
            continue  # No weight depends on it.
        if not allow_changes:
            raise OptionError(
                f"--{flag}={value} (or a preset that means it) contradicts the checkpoint "
                f"{checkpoint.folder}, which has {flag}={getattr(stored, name)}. Leave the option "
                "out, or use --allow_partial_restore to start what differs from random weights."
            )
    if options.dropout_keep_prob is not None:
        changes["dropout"] = _dropout(options)
    if "backbone" in changes:
        common = {name: getattr(stored, name) for name in BackboneConfig.fields()}
        return backbone_config(preset=options.preset or DEFAULT_PRESET, **{**common, **changes})
    return BackboneConfig.from_dict({**stored.to_dict(), **changes})


def large_enough(config: BackboneConfig, tokens: int) -> BackboneConfig:
    """The architecture with an embedding for each of so many tokens."""
    return dataclasses.replace(config, vocab_size=max(config.vocab_size, tokens))


def long_enough(config: BackboneConfig, options: ModelOptions, option: str) -> BackboneConfig:
    """The architecture, for sequences as long as an option asks for.

    Where positions have no learned vectors, any length is possible.

    Args:
        config: the architecture.
        options: of the run.
        option: the name of the option with the length of a sequence.

    Raises:
        OptionError: the sequences are longer than `max_position`, for which vectors were learned,
            or longer than an option allows.
    """
    length = getattr(options, option)
    if length <= config.max_position:
        return config
    given = getattr(options, "max_position", None) is not None
    if config.position != "learned" and not given:
        return BackboneConfig.from_dict({**config.to_dict(), "max_position": length})
    remedy = f"use a smaller value, or --max_position={length}"
    if not given and hasattr(options, "allow_partial_restore"):
        remedy += (
            " with --allow_partial_restore, which starts the vectors of further positions as "
            "copies of the learned ones"
        )
    longest = config.max_position
    limit = f"--max_position={longest}" if given else f"the backbone's max_position ({longest})"
    raise OptionError(f"--{option}={length} exceeds {limit}: {remedy}.")


def extend_positions(backbone: keras.layers.Layer, checkpoint: Checkpoint, length: int) -> None:
    """Makes a restored backbone ready for sequences longer than its checkpoint's, and says so."""
    if tile_position_embeddings(backbone, checkpoint, length):
        logger.info(
            "%s was trained with %d tokens: the position vectors from there to %d start as copies",
            checkpoint.folder,
            checkpoint.setting("sequence_length", int),
            length,
        )


def _sizes(options: ModelOptions) -> dict[str, Any]:
    """The sizes by their names in the configuration; None where an option was not given."""
    return {option.field: getattr(options, option.flag, None) for option in size_options()}


def _dropout(options: ModelOptions) -> float | None:
    keep = options.dropout_keep_prob
    return None if keep is None else round(1.0 - keep, 6)
