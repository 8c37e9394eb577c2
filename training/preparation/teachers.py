"""The teachers of a run: fine-tuned checkpoints whose logits are computed once and kept."""

import hashlib
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from common.blocks import blocks
from common.duration import duration
from common.errors import OptionError
from common.progress import Progress
from data_util.cache.reading import FORMAT_VERSION, fingerprint, open_cache, read_back
from data_util.cache.writing import RaggedWriter, cache_path
from models.checkpoints.folder import Checkpoint, read_checkpoint
from tasks.base import Task
from tasks.data import Logits
from tasks.loading import load_task
from training.devices import distribution
from training.options.scripts import FineTuningOptions
from training.prediction import Predictor
from training.preparation.tokenizer import cache_folder

logger = logging.getLogger(__name__)

_BLOCK = 512  # records that are read, and sorted by length, at a time
_NAMED = 5
_DATASET = "logits"

Source = Callable[[], Iterable[Any]]


def chosen(options: FineTuningOptions) -> "CheckpointTeachers | None":
    """The teachers that the options name, if any.

    Raises:
        CheckpointError, InputError: one of them is no fine-tuned checkpoint.
        OptionError: one was fine-tuned for another task, or in test mode and this run is not.
    """
    folders = getattr(options, "teacher", [])
    if not folders:
        return None
    checkpoints = [read_checkpoint(Path(folder)) for folder in folders]
    for checkpoint in checkpoints:
        if checkpoint.config.get("test_mode") and not options.test_mode:
            raise OptionError(
                f"--teacher={checkpoint.folder}: this checkpoint was made in --test_mode. "
                "Fine-tune without it first, or use --test_mode here too."
            )
    teachers = CheckpointTeachers(checkpoints, cache_folder(options))
    for checkpoint, task in zip(checkpoints, teachers.tasks, strict=True):
        if task.name != options.task:
            raise OptionError(
                f"--teacher={checkpoint.folder}: this checkpoint was fine-tuned for "
                f"--task={task.name}, and this run has --task={options.task}."
            )
    return teachers


class CheckpointTeachers:
    """Gives the logits of fine-tuned checkpoints for records, see `tasks.data.Teachers`.

    A teacher's logits for a source are kept in the cache under the digests of the checkpoint and of
    the records, so that a run that resumes, and every other run, reads them.

        teachers = CheckpointTeachers([read_checkpoint(folder)], Path("data/cache"))
        ((logits,),) = teachers(task, [lambda: iter(texts)])

    Args:
        checkpoints: fine-tuned.
        cache: the folder of the caches.

    Attributes:
        tasks: those that the checkpoints were fine-tuned for.
    """

    def __init__(self, checkpoints: Sequence[Checkpoint], cache: Path) -> None:
        self._checkpoints, self._cache = checkpoints, cache
        self.tasks: list[Any] = [load_task(checkpoint) for checkpoint in checkpoints]

    def __call__(self, task: Task, sources: Sequence[Source]) -> list[list[Logits]]:
        """See `tasks.data.Teachers`."""
        columns = [
            _columns(checkpoint, teacher, task)
            for checkpoint, teacher in zip(self._checkpoints, self.tasks, strict=True)
        ]
        digests = [_digest(source()) for source in sources]
        return [
            self._logits(checkpoint, places, sources, digests)
            for checkpoint, places in zip(self._checkpoints, columns, strict=True)
        ]

    def _logits(
        self,
        checkpoint: Checkpoint,
        columns: np.ndarray,
        sources: Sequence[Source],
        digests: Sequence[tuple[str, int]],
    ) -> list[Logits]:
        """What a teacher says of the records of each source."""
        predictor: Predictor | None = None
        found: list[Logits] = []
        for source, (digest, count) in zip(sources, digests, strict=True):
            description = {
                "kind": "teacher",
                "format_version": FORMAT_VERSION,
                "teacher": checkpoint.manifest,
                "records": digest,
            }
            key = fingerprint(description)
            path = cache_path(self._cache, "teacher", key)
            logits = _read(path, key, (count, len(columns)))
            if logits is None:
                with _float32():
                    predictor = predictor or _load(checkpoint)
                    _compute(predictor, source(), count, path, description)
                logits = read_back(_read(path, key, (count, len(columns))), path)
            else:
                logger.info("Reading the logits of %s from the cache %s", checkpoint.folder, path)
            found.append(_Columns(logits, columns))
        return found


@dataclass(frozen=True)
class _Columns:
    """Logits in the order of the student's labels.

    Attributes:
        values: (records, labels) float32, a memory map of the cache.
        columns: (labels,) the column of each label.
    """

    values: np.ndarray
    columns: np.ndarray

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, records: np.ndarray) -> np.ndarray:
        return np.asarray(self.values[records])[:, self.columns]


def _columns(checkpoint: Checkpoint, teacher: Any, task: Any) -> np.ndarray:
    """Which of a checkpoint's outputs is that of each label of a task.

    Raises:
        OptionError: its labels are others, or it reads pairs where the task does not.
    """
    flag = f"--teacher={checkpoint.folder}"
    if teacher.fields.keys() != task.fields.keys():
        raise OptionError(
            f"{flag}: this checkpoint reads {teacher.unit}, and the labelled files hold "
            f"{task.unit}."
        )
    missing = [label for label in task.labels if label not in teacher.labels]
    further = [label for label in teacher.labels if label not in task.labels]
    if missing or further:
        differences = (("it lacks", missing), ("it also has", further))
        listed = [f"{side} {_named(labels)}" for side, labels in differences if labels]
        raise OptionError(
            f"{flag}: the labels of this checkpoint are not those of the labelled files: "
            f"{'; '.join(listed)}. Fine-tune it with the same files."
        )
    places = {label: number for number, label in enumerate(teacher.labels)}
    return np.array([places[label] for label in task.labels])


def _digest(records: Iterable[Any]) -> tuple[str, int]:
    """The SHA-256 (hex) of records, each a text or a tuple of texts, and their number."""
    digest, count = hashlib.sha256(), 0
    for record in records:
        count += 1
        for text in (record,) if isinstance(record, str) else record:
            content = text.encode("utf-8", "surrogatepass")
            digest.update(len(content).to_bytes(8, "little") + content)
    return digest.hexdigest(), count


def _read(path: Path, key: str, shape: tuple[int, int]) -> np.ndarray | None:
    """The float32 logits of a cache file, which holds their bits as integers."""
    arrays = open_cache(path, key, values={_DATASET: None}, offsets={})
    if arrays is None or len(arrays[_DATASET]) != shape[0] * shape[1]:
        return None
    return arrays[_DATASET].view(np.float32).reshape(shape)


def _load(checkpoint: Checkpoint) -> Predictor:
    if distribution.is_distributed():
        raise OptionError(
            f"--teacher={checkpoint.folder}: teachers run on one device. Start this run with "
            "--distribute=none and stop it when training begins: what the teachers say is then "
            "in the cache."
        )
    predictor = Predictor(checkpoint.folder)
    checkpoint.check_current()
    return predictor


def _compute(
    predictor: Predictor,
    records: Iterable[Any],
    count: int,
    path: Path,
    description: dict[str, Any],
) -> None:
    """Writes the logits of a source to the cache."""
    folder, began = predictor.checkpoint.folder, time.monotonic()
    with (
        RaggedWriter(path, description, values=[_DATASET], offsets=[]) as writer,
        Progress(f"labelling with {folder}", count) as progress,
    ):
        for block in blocks(records, _BLOCK):
            logits = np.concatenate(predictor.outputs(predictor.encode(block)))
            writer.append(_DATASET, logits.astype("<f4").view("<i4").ravel())
            rate = progress.rate.per_second
            progress.advance(len(block), "" if rate is None else f"{rate:,.0f} texts/s")
    logger.info(
        "%s labelled %s texts in %s, kept in %s",
        folder,
        f"{count:,}",
        duration(time.monotonic() - began),
        path,
    )


@contextmanager
def _float32() -> Iterator[None]:
    """Teachers compute as in predict.py, whatever the precision of the run is."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _named(labels: Sequence[str]) -> str:
    more = f" and {len(labels) - _NAMED:,} more" if len(labels) > _NAMED else ""
    return ", ".join(labels[:_NAMED]) + more
