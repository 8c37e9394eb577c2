"""Labelled files as the data of regression."""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from common.errors import InputError, OptionError
from data_util.labelled.batches import LabelledBatches
from data_util.labelled.checked_examples import Checked, CheckedExample, check_records
from data_util.labelled.split_examples import SplitExample
from data_util.labelled.text_groups import (
    TextGroup,
    TokenizedGroups,
    count_tokens,
    tokenize_groups,
)
from data_util.labelled.troubles import TroubleFinder
from data_util.reading.fields import PAIR_FIELDS, TEXT_FIELDS
from data_util.reading.records import described
from data_util.reading.settings import Reading
from data_util.reading.sources import check_one_split, data_files
from data_util.tokens.vocabulary import Vocabulary
from models.registry import HEADS
from tasks.data import DataSettings, Files, TaskData, TextEncoder, places_of
from tasks.regression.batches import ValuedExamples, value_to_bits, values_of
from tasks.regression.options import RegressionOptions
from tasks.regression.records import (
    Valued,
    other_kind,
    read_valued,
    value_names,
    valued_reader,
)

if TYPE_CHECKING:
    from tasks.regression.task import Regression

logger = logging.getLogger(__name__)

# Changed when the same files are read in another way, so that a cache is made again.
_VERSION = 1


@dataclass(frozen=True)
class ValuedData(TaskData):
    """The examples of a run.

    Attributes:
        values: (examples,) float32 by split.
        examples: reads the examples of a split again.
    """

    values: dict[str, np.ndarray] = field(default_factory=dict)
    examples: Callable[[str], Iterator[Valued]] = lambda split: iter(())


def prepare_data(
    task_class: type["Regression"], files: Files, settings: DataSettings, options: RegressionOptions
) -> ValuedData:
    """Reads the labelled files: see `Task.prepare`.

    Raises:
        InputError, OptionError: the files or the options cannot be used.
    """
    for paths in files.values():
        check_one_split(paths)
    pairs, remarks = _look_through(files, settings)
    if pairs and settings.sequence_length < 5:
        raise OptionError(
            f"--sequence_length={settings.sequence_length}: two texts, [CLS] and two [SEP] need 5."
        )
    if options.head is not None and HEADS[options.head].for_pairs and not pairs:
        raise OptionError(
            f"--head={options.head} is for pairs of texts, and the labelled files hold single ones."
        )
    settings = replace(settings, reading=settings.reading.replace(pairs=pairs))
    vocabulary = settings.vocabulary
    if vocabulary is None:
        texts = (text for each in _read(files["train"], settings) for text in each.texts)
        counts = count_tokens(texts, settings.tokenizer, settings.processes)
        vocabulary = Vocabulary.from_counts(counts, settings.vocab_size, settings.min_count)
    settings = replace(settings, vocabulary=vocabulary)
    groups = {split: _tokenized(paths, settings) for split, paths in files.items()}
    train = values_of(groups["train"]).astype(np.float64)
    scale = float(train.std())
    if not scale > 0:
        raise InputError(
            f"all training examples have the value {train[0]:g}: there is nothing to learn",
            files["train"][0],
        )
    task = task_class(pairs=pairs, head=options.head, mean=float(train.mean()), scale=scale)
    for remark in remarks:
        logger.warning("%s", remark)
    return replace(_data(task, groups, files, settings), remarks=remarks)


def evaluation_data(task: "Regression", files: Sequence[str], settings: DataSettings) -> ValuedData:
    """Reads labelled files for a checkpoint's task: see `Task.labelled`."""
    settings = replace(settings, reading=settings.reading.replace(pairs=task.pairs))
    return _data(task, {"test": _tokenized(files, settings)}, {"test": files}, settings)


def split_examples(
    files: Sequence[Path], reading: Reading, max_examples: int | None
) -> Iterator[SplitExample]:
    """The examples, those of the same text together: see `Task.split_examples`."""
    for found in read_valued(files, reading, max_examples):
        names: Sequence[str] = PAIR_FIELDS[0] if len(found.texts) == 2 else TEXT_FIELDS[1:2]
        record: dict[str, Any] = dict(zip(reading.text_field or names, found.texts, strict=True))
        record[value_names(reading)[0]] = found.value
        record["source"] = ":".join(map(str, found.place))
        if found.id is not None:
            record["id"] = found.id
        yield SplitExample(found.texts, (), record)


def check_examples(path: Path, reading: Reading) -> Iterator[Checked]:
    """See `Task.check_examples`."""
    pairs = reading.pairs

    def check(found: Valued, line: int) -> CheckedExample:
        nonlocal pairs
        pairs = found.is_pair if pairs is None else pairs
        if message := other_kind(found, pairs=pairs):
            raise InputError(message)
        return _checked(found, line)

    return check_records(valued_reader(reading), path, check)


def _checked(found: Valued, line: int) -> CheckedExample:
    assert found.value is not None
    value = f"{found.value:g}"
    return CheckedExample(
        line, found.texts, truth=value, shown=value, numbers={"values": found.value}
    )


def _data(
    task: "Regression", groups: dict[str, TokenizedGroups], files: Files, settings: DataSettings
) -> ValuedData:
    vocabulary, length = settings.vocabulary, settings.sequence_length
    assert vocabulary is not None
    batches = {
        split: settings.batches(split, ValuedExamples(each, pairs=task.pairs), vocabulary)
        for split, each in groups.items()
    }
    _tell_of_long_texts(batches, task.unit, length)
    train = files.get("train", ())
    return ValuedData(
        task=task,
        text=TextEncoder(settings.tokenizer, vocabulary, length),
        batches=batches,
        train_tokens=groups["train"].ids if "train" in groups else np.zeros(0, np.int32),
        locate=lambda examples: places_of(_read(train, settings), examples),
        values={split: values_of(each) for split, each in groups.items()},
        examples=lambda split: _read(files[split], settings),
    )


def _read(paths: Sequence[str], settings: DataSettings) -> Iterator[Valued]:
    return read_valued(paths, settings.reading, settings.max_examples)


def _tokenized(paths: Sequence[str], settings: DataSettings) -> TokenizedGroups:
    files = data_files(paths)
    description = {
        "kind": "regression",
        "version": _VERSION,
        "reading": described(files, settings.reading),
        "max_examples": settings.max_examples,
        "test_mode": settings.test_mode,
    }

    def groups() -> Iterable[TextGroup]:
        for each in _read(paths, settings):
            assert each.value is not None
            yield TextGroup(each.texts, (value_to_bits(each.value),))

    assert settings.vocabulary is not None
    return tokenize_groups(
        files,
        groups,
        settings.tokenizer,
        settings.vocabulary,
        description,
        cache_folder=settings.cache_folder,
        processes=settings.processes,
    )


def _look_through(files: Files, settings: DataSettings) -> tuple[bool, tuple[str, ...]]:
    """Whether the examples are pairs, and what is suspicious: the same texts several times."""
    finder, pairs = TroubleFinder(unit="examples", truth="values"), settings.reading.pairs
    for split, paths in files.items():
        kind = replace(settings, reading=settings.reading.replace(pairs=pairs))
        for each in _read(paths, kind):
            pairs = each.is_pair
            path, line = each.place
            finder.add(split, _checked(each, line), path)
    return bool(pairs), tuple(found.message for found in finder.repetitions())


def _tell_of_long_texts(batches: dict[str, LabelledBatches], unit: str, length: int) -> None:
    long = [
        f"{each.num_truncated:,} of {len(each):,} in {split}"
        for split, each in batches.items()
        if each.num_truncated
    ]
    if long:
        logger.warning(
            "%s longer than --sequence_length=%d are truncated: %s", unit, length, ", ".join(long)
        )
