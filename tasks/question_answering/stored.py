"""What question answering reads from the files of its checkpoint."""

import math
from collections.abc import Collection, Mapping
from typing import Any

from common.errors import CheckpointError
from models.checkpoints.folder import CONFIG, METRICS, Checkpoint

NULL_THRESHOLD = "null_threshold"
_LEAST = {"window_overlap": 0, "max_question_tokens": 1, "max_answer_tokens": 1, "num_best": 1}


def stored_settings(
    checkpoint: Checkpoint, choices: Mapping[str, Collection[str]]
) -> dict[str, Any]:
    """The task's entries of `config.json`.

    Args:
        checkpoint: the checkpoint.
        choices: the entries that are texts, and what each may be.

    Raises:
        CheckpointError: one is missing, or is not as the task writes it.
    """
    path = checkpoint.folder / CONFIG
    found: dict[str, Any] = {}
    for name, names in choices.items():
        found[name] = checkpoint.setting(name, str)
        if found[name] not in names:
            raise CheckpointError(
                f"{path}: {name} must be one of {', '.join(names)}, not {found[name]!r:.80}."
            )
    for name, least in _LEAST.items():
        found[name] = checkpoint.setting(name, int)
        if found[name] < least:
            raise CheckpointError(f"{path}: {name} must be {least} or more, not {found[name]}.")
    return found


def stored_threshold(checkpoint: Checkpoint) -> float | None:
    """The log-odds from which an answer is given, from `metrics.json`; None: always.

    Raises:
        CheckpointError: it is no number.
    """
    stored: Any = checkpoint.json(METRICS).get(NULL_THRESHOLD)
    if stored is None:
        return None
    if type(stored) not in (int, float) or not math.isfinite(stored):
        raise CheckpointError(
            f"{checkpoint.folder / METRICS}: {NULL_THRESHOLD} must be a number or null, not "
            f"{stored!r:.80}."
        )
    return float(stored)
