"""What a head reads of a frozen backbone, computed once for all epochs."""

import dataclasses
import hashlib
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from common.duration import duration
from models.feature_model import FeatureModel
from models.task_model import TaskModel
from tasks.data import Batches, TaskData
from training.devices import distribution
from training.devices.forward import Forward, Inputs

logger = logging.getLogger(__name__)

MAX_BYTES = 2 << 30

# By row: each array, that of a position without the padding.
Rows = dict[bytes, dict[str, np.ndarray]]


def with_features(data: TaskData, model: TaskModel) -> TaskData:
    """The same data, whose batches contain what the model reads of its frozen backbone.

    What is computed depends on nothing but the data and the weights, so that a run that resumes has
    the same. Where it would take more than `MAX_BYTES` of memory, the data are returned as they
    are, and the backbone is computed in each step; with several devices, and windows, too.

    Args:
        data: of the run.
        model: built; its backbone's weights will not change.
    """
    if distribution.is_distributed() or model.window_length is not None:
        return data
    splits = [name for name in ("train", "valid") if name in data.batches]
    forward, needed = Forward(FeatureModel(model)), 0
    for split in splits:
        needed += _bytes(data.batches[split], forward)
    if needed > MAX_BYTES:
        logger.info(
            "the backbone is frozen, but what the head reads of it would take %.1f GB of memory "
            "for all examples, more than %.1f: it is computed in each step",
            needed / 1e9,
            MAX_BYTES / 1e9,
        )
        return data
    began = time.monotonic()
    batches = dict(data.batches)
    for split in splits:
        batches[split] = FeatureBatches(data.batches[split], _rows(data.batches[split], forward))
    logger.info(
        "the backbone is frozen: what the head reads of it was computed once, in %s (%.0f MB)",
        duration(time.monotonic() - began),
        needed / 1e6,
    )
    return dataclasses.replace(data, batches=batches)


class FeatureBatches:
    """Batches whose inputs contain features in place of the backbone, see `TaskModel.features`.

    Args:
        batches: the batches.
        rows: the features of each row. A batch with a row that is not among them is left as it is.
    """

    def __init__(self, batches: Batches, rows: Rows) -> None:
        self._batches, self._rows = batches, rows

    def __len__(self) -> int:
        return len(self._batches)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batches, name)

    def batches(
        self, epoch: int, first_step: int = 0
    ) -> Iterator[tuple[dict[str, np.ndarray], Any]]:
        """See `tasks.data.Batches.batches`."""
        for inputs, targets in self._batches.batches(epoch, first_step):
            keys = list(_keys(inputs))
            if all(key in self._rows for key in keys):
                length = inputs["token_ids"].shape[1]
                rows = [self._rows[key] for key in keys]
                inputs = {**inputs, **{name: _padded(name, rows, length) for name in rows[0]}}
            yield inputs, targets


def _rows(batches: Batches, forward: Forward) -> Rows:
    rows: Rows = {}
    for inputs, _ in batches.batches(0):
        width = inputs["token_ids"].shape[1]
        outputs = {name: _float32(each) for name, each in forward.outputs(inputs).items()}
        lengths = inputs["padding_mask"].sum(axis=1)
        for row, (key, length) in enumerate(zip(_keys(inputs), lengths.tolist(), strict=True)):
            rows[key] = {
                # A copy: a view would keep the whole batch.
                name: (each[row, :length] if _is_per_position(each, width) else each[row]).copy()
                for name, each in outputs.items()
            }
    return rows


def _bytes(batches: Batches, forward: Forward) -> int:
    """The size of the features of a split, from those of its first batch."""
    per_row = per_position = rows = positions = 0
    for number, (inputs, _) in enumerate(batches.batches(0)):
        if not number:
            width = inputs["token_ids"].shape[1]
            for each in forward.outputs(inputs).values():
                if _is_per_position(each, width):
                    per_position += 4 * each.shape[-1]
                else:
                    per_row += 4 * int(np.prod(each.shape[1:]))
        rows += len(inputs["token_ids"])
        positions += int(inputs["padding_mask"].sum())
    return rows * per_row + positions * per_position


def _keys(inputs: Inputs) -> Iterator[bytes]:
    """What identifies each row of a batch: all that the backbone reads of it."""
    lengths = inputs["padding_mask"].sum(axis=1).tolist()
    for tokens, segments, length in zip(
        inputs["token_ids"], inputs["segment_ids"], lengths, strict=True
    ):
        content = tokens[:length].tobytes() + segments[:length].tobytes()
        yield hashlib.blake2b(content, digest_size=16).digest()


def _is_per_position(array: np.ndarray, length: int) -> bool:
    return array.ndim == 3 and array.shape[1] == length


def _padded(name: str, rows: Sequence[Mapping[str, np.ndarray]], length: int) -> np.ndarray:
    arrays = [row[name] for row in rows]
    if arrays[0].ndim == 1:
        return np.stack(arrays)
    padded = np.zeros((len(arrays), length, arrays[0].shape[-1]), np.float32)
    for row, array in enumerate(arrays):
        padded[row, : len(array)] = array
    return padded


def _float32(array: Any) -> np.ndarray:
    return np.asarray(array).astype(np.float32, copy=False)
