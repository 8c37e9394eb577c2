"""Labelled files as the data of multiple choice."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from common.errors import OptionError
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
from data_util.reading.records import described
from data_util.reading.settings import Reading
from data_util.reading.sources import check_one_split, data_files
from data_util.tokens.vocabulary import Vocabulary
from tasks.data import DataSettings, Files, TaskData, TextEncoder, places_of
from tasks.multiple_choice.batches import ChoiceExamples
from tasks.multiple_choice.options import DEFAULT_HEAD, MultipleChoiceOptions
from tasks.multiple_choice.records import Question, question_reader, read_questions

if TYPE_CHECKING:
    from tasks.multiple_choice.task import MultipleChoice

logger = logging.getLogger(__name__)

# Changed when the same files are read in another way, so that a cache is made again.
_VERSION = 1


@dataclass(frozen=True)
class ChoiceData(TaskData):
    """The questions of a run.

    Attributes:
        questions: reads the questions of a split again.
        examples: the questions of each split.
    """

    questions: Callable[[str], Iterator[Question]] = lambda split: iter(())
    examples: Mapping[str, ChoiceExamples] = field(default_factory=dict)


def prepare_data(
    task_class: type["MultipleChoice"],
    files: Files,
    settings: DataSettings,
    options: MultipleChoiceOptions,
) -> ChoiceData:
    """Reads the labelled files: see `Task.prepare`.

    Raises:
        InputError, OptionError: the files or the options cannot be used.
    """
    if settings.sequence_length < task_class.min_sequence_length:
        raise OptionError(
            f"--sequence_length={settings.sequence_length}: a context, a choice, [CLS] and two "
            f"[SEP] need {task_class.min_sequence_length}."
        )
    for paths in files.values():
        check_one_split(paths)
    task = task_class(
        head=options.head or DEFAULT_HEAD,
        max_windows=options.max_windows,
        comparison=options.comparison,
    )
    remarks = _troubles(files, settings)
    vocabulary = settings.vocabulary
    if vocabulary is None:
        texts = chain.from_iterable(each.texts for each in _read(files["train"], settings))
        counts = count_tokens(texts, settings.tokenizer, settings.processes)
        vocabulary = Vocabulary.from_counts(counts, settings.vocab_size, settings.min_count)
    data = _data(task, files, replace(settings, vocabulary=vocabulary))
    for remark in remarks:
        logger.warning("%s", remark)
    return replace(data, remarks=remarks)


def evaluation_data(
    task: "MultipleChoice", files: Sequence[str], settings: DataSettings
) -> ChoiceData:
    """Reads labelled files for a checkpoint's task: see `Task.labelled`."""
    return _data(task, {"test": files}, settings)


def split_examples(
    files: Sequence[Path], reading: Reading, max_examples: int | None
) -> Iterator[SplitExample]:
    """The questions, with those about the same text together: see `Task.split_examples`."""
    for found in read_questions(files, reading, max_examples):
        record: dict[str, Any] = {
            "context": found.context,
            "question": found.question,
            "choices": list(found.choices),
            "answer": found.answer,
            "source": ":".join(map(str, found.place)),
        }
        if found.id is not None:
            record["id"] = found.id
        yield SplitExample(found.context or found.texts, (), record)


def check_examples(path: Path, reading: Reading) -> Iterator[Checked]:
    """See `Task.check_examples`."""
    return check_records(question_reader(reading, labelled=True), path, _checked)


def _checked(found: Question, line: int) -> CheckedExample:
    assert found.answer is not None
    answer = found.choices[found.answer]
    longest = " ".join(filter(None, (found.question, max(found.choices, key=len))))
    distinct = len(set(found.choices))
    return CheckedExample(
        line,
        (found.context, longest) if found.context else (longest,),
        truth=answer,
        shown=answer,
        # The same choices in another order are the same question.
        key=(found.context, found.question, *sorted(found.choices)),
        group=found.context,
        numbers={"choices": len(found.choices), "place of the answer, from 0": found.answer},
        oddities=("have a choice twice",) if distinct < len(found.choices) else (),
    )


def _data(task: "MultipleChoice", files: Files, settings: DataSettings) -> ChoiceData:
    vocabulary, length = settings.vocabulary, settings.sequence_length
    assert vocabulary is not None
    groups = {split: _tokenized(paths, settings) for split, paths in files.items()}
    examples = {
        split: ChoiceExamples(
            each,
            length,
            task.max_windows,
            with_comparison=task.comparison and split != "train",
        )
        for split, each in groups.items()
    }
    batches = {split: settings.batches(split, each, vocabulary) for split, each in examples.items()}
    _tell_of_long_contexts(batches, task, length)
    train = files.get("train", ())
    return ChoiceData(
        task=task,
        text=TextEncoder(settings.tokenizer, vocabulary, length),
        batches=batches,
        train_tokens=groups["train"].ids if "train" in groups else np.zeros(0, np.int32),
        locate=lambda examples: places_of(_read(train, settings), examples),
        questions=lambda split: _read(files[split], settings),
        examples=examples,
    )


def _read(paths: Sequence[str], settings: DataSettings) -> Iterator[Question]:
    return read_questions(paths, settings.reading, settings.max_examples)


def _tokenized(paths: Sequence[str], settings: DataSettings) -> TokenizedGroups:
    files: list[Path] = data_files(paths)
    description: dict[str, Any] = {
        "kind": "multiple_choice",
        "version": _VERSION,
        "reading": described(files, settings.reading),
        "max_examples": settings.max_examples,
        "test_mode": settings.test_mode,
    }
    assert settings.vocabulary is not None
    return tokenize_groups(
        files,
        lambda: (TextGroup(each.texts, (each.answer or 0,)) for each in _read(paths, settings)),
        settings.tokenizer,
        settings.vocabulary,
        description,
        cache_folder=settings.cache_folder,
        processes=settings.processes,
    )


def _troubles(files: Files, settings: DataSettings) -> tuple[str, ...]:
    """What is suspicious: questions that are there twice, in two splits, or with two answers."""
    finder = TroubleFinder(unit="questions", truth="answers")
    for split, paths in files.items():
        for each in _read(paths, settings):
            path, line = each.place
            finder.add(split, _checked(each, line), path)
    return tuple(found.message for found in finder.repetitions())


def _tell_of_long_contexts(
    batches: dict[str, LabelledBatches], task: "MultipleChoice", length: int
) -> None:
    long = [
        f"{each.num_truncated:,} of {len(each):,} in {split}"
        for split, each in batches.items()
        if each.num_truncated
    ]
    if long:
        what = "are truncated" if task.max_windows == 1 else "are read in windows"
        advice = " (--max_windows=4 would read them in windows)" if task.max_windows == 1 else ""
        logger.warning(
            "questions whose context does not fit into --sequence_length=%d %s%s: %s",
            length,
            what,
            advice,
            ", ".join(long),
        )
