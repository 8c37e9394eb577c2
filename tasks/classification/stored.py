"""What a classification task reads from the files of its checkpoint."""

import reprlib
from collections.abc import Sequence
from typing import Any

from common.errors import CheckpointError
from data_util.tokens.pair_table import NGRAMS, FeatureTable, read_feature_table
from models.checkpoints.folder import METRICS, Checkpoint
from tasks.classification.options import MAX_WINDOWS


def stored_ngrams(checkpoint: Checkpoint) -> FeatureTable | None:
    """The n-grams of the linear classifier; None if the model has none.

    Raises:
        CheckpointError, InputError: the file is missing, damaged, or of another checkpoint.
    """
    if "num_ngrams" not in checkpoint.config:
        return None
    number = checkpoint.setting("num_ngrams", int)
    if not number:
        return None
    path = checkpoint.path(NGRAMS)
    pairs = stored_flag(checkpoint, "pairs", default=False)
    table = read_feature_table(checkpoint.text(NGRAMS), str(path), pairs=pairs)
    if len(table) != number:
        raise CheckpointError(
            f"{path}: {len(table):,} n-grams, but the model has {number:,}; it belongs to another "
            "checkpoint."
        )
    return table


def stored_flag(checkpoint: Checkpoint, name: str, *, default: bool) -> bool:
    """A setting of `config.json` that checkpoints of earlier versions lack.

    Raises:
        CheckpointError: it is neither true nor false.
    """
    return checkpoint.setting(name, bool) if name in checkpoint.config else default


def stored_windows(checkpoint: Checkpoint) -> int:
    """The number of windows that are read of a document; checkpoints without it read one.

    Raises:
        CheckpointError: it is not a possible number.
    """
    windows = checkpoint.setting("windows", int) if "windows" in checkpoint.config else 1
    if not 1 <= windows <= MAX_WINDOWS:
        raise CheckpointError(
            f"{checkpoint.folder}: config.json: windows must be from 1 to {MAX_WINDOWS}, not "
            f"{windows}."
        )
    return windows


def stored_thresholds(checkpoint: Checkpoint, labels: Sequence[str]) -> list[float]:
    """The probability from which each label is predicted, from `metrics.json`.

    Raises:
        CheckpointError: it has none for a label, or one that is not between 0 and 1.
    """
    path = checkpoint.folder / METRICS
    stored = checkpoint.json(METRICS).get("thresholds")
    if not isinstance(stored, dict):
        raise CheckpointError(f"{path}: thresholds must be a table, not {reprlib.repr(stored)}.")
    for label in labels:
        value: Any = stored.get(label)
        if type(value) not in (int, float) or not 0 <= value <= 1:
            raise CheckpointError(
                f"{path}: thresholds must have a number from 0 to 1 for the label {label!r:.80}, "
                f"not {reprlib.repr(value)}."
            )
    return [float(stored[label]) for label in labels]
