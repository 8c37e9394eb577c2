"""The labels of a fine-tuned checkpoint."""

from typing import TYPE_CHECKING

from common.errors import CheckpointError
from data_util.reading.labels import LabelSet

if TYPE_CHECKING:
    from models.checkpoints.folder import Checkpoint

LABELS = "labels.txt"


def stored_labels(checkpoint: "Checkpoint") -> LabelSet:
    """The labels, in the order of the outputs.

    Raises:
        CheckpointError, InputError: the file is missing, damaged, or of another checkpoint.
    """
    path = checkpoint.path(LABELS)
    labels, number = LabelSet.load(path), checkpoint.setting("num_labels", int)
    if len(labels) != number:
        raise CheckpointError(
            f"{path}: {len(labels):,} labels, but the model has {number:,}; it belongs to another "
            "checkpoint."
        )
    return labels
