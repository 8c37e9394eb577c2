"""A run that is given another number of epochs than before."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from common.errors import OptionError
from models.checkpoints.folder import holds_checkpoint, read_checkpoint
from training.loop.training_state import TrainingState

EPOCHS = "num_epochs"


def has_other_length(identity: Mapping[str, Any], epochs: int) -> bool:
    """Whether a run with this identity (see `run_identity`) was to have other epochs than these."""
    return identity.get("options", {}).get(EPOCHS) != epochs


def check_length(folder: Path, option: str, epochs: int) -> None:
    """Checks that the run in a folder can continue up to a number of epochs.

    Args:
        folder: the output folder, which holds a checkpoint.
        option: the name of the option that gives it, for messages.
        epochs: the number that is asked for.

    Raises:
        OptionError: it has trained as many epochs already, or has nothing to resume from.
        CheckpointError: its last checkpoint cannot be read.
    """
    last = folder / "last"
    if not holds_checkpoint(last):
        raise OptionError(
            f"--{option}={folder}: there is no checkpoint in {last} any more, from which this run "
            f"could continue with --{EPOCHS}={epochs}. Give another folder, or --overwrite to "
            "start over."
        )
    trained = TrainingState.of(read_checkpoint(last)).epoch
    if epochs <= trained:
        raise OptionError(
            f"--{EPOCHS}={epochs}: the run in {folder} has already trained {trained:,} epochs. "
            "Give a higher number, another folder, or --overwrite to start over."
        )
