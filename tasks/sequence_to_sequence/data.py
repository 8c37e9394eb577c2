"""Labelled files as the data of sequence to sequence."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from common.blocks import blocks
from common.progress import Progress
from data_util.labelled.batches import LabelledBatches
from data_util.labelled.text_groups import count_tokens
from data_util.reading.sources import check_one_split
from data_util.tokens.vocabulary import Vocabulary
from tasks.data import DataSettings, Files, TaskData, TextEncoder
from tasks.sequence_to_sequence.batches import SequenceToSequenceExamples
from tasks.sequence_to_sequence.examples import check_examples as check_examples
from tasks.sequence_to_sequence.examples import split_examples as split_examples
from tasks.sequence_to_sequence.options import SequenceToSequenceOptions
from tasks.sequence_to_sequence.records import SourceAndTarget, read_examples

if TYPE_CHECKING:
    from tasks.sequence_to_sequence.task import SequenceToSequence

logger = logging.getLogger(__name__)

_TOGETHER = 2000


@dataclass(frozen=True)
class SequenceToSequenceData(TaskData):
    """The sources and targets of a run.

    Attributes:
        examples: by split.
    """

    examples: Mapping[str, Sequence[SourceAndTarget]] = field(default_factory=dict)


def prepare_data(
    task_class: type["SequenceToSequence"],
    files: Files,
    settings: DataSettings,
    options: SequenceToSequenceOptions,
) -> SequenceToSequenceData:
    """Reads the files and makes the task: see `Task.prepare`."""
    examples = {}
    for split, paths in files.items():
        check_one_split(paths)
        examples[split] = list(read_examples(paths, settings.reading, settings.max_examples))
    vocabulary = settings.vocabulary or _vocabulary(examples["train"], settings)
    task = task_class(options, vocabulary, settings.tokenizer.style)
    text = TextEncoder(settings.tokenizer, vocabulary, settings.sequence_length)
    encoded = {split: _encoded(each, text) for split, each in examples.items()}
    batches = _batches(task, encoded, text, settings)
    sources, targets = encoded["train"]
    return SequenceToSequenceData(
        task=task,
        text=text,
        batches=batches,
        train_tokens=np.concatenate([*sources, *targets]),
        locate=lambda numbers: [examples["train"][int(each)].place for each in sorted(numbers)],
        remarks=tuple(_remarks(examples)),
        examples=examples,
    )


def evaluation_data(
    task: "SequenceToSequence", files: Sequence[str], settings: DataSettings
) -> SequenceToSequenceData:
    """Reads files for a checkpoint's task: see `Task.labelled`."""
    examples = {"test": list(read_examples(files, settings.reading, settings.max_examples))}
    text = TextEncoder(settings.tokenizer, task.vocabulary, settings.sequence_length)
    encoded = {"test": _encoded(examples["test"], text)}
    return SequenceToSequenceData(
        task=task,
        text=text,
        batches=_batches(task, encoded, text, settings),
        train_tokens=np.zeros(0, np.int32),
        locate=lambda numbers: [],
        examples=examples,
    )


def _vocabulary(examples: Iterable[SourceAndTarget], settings: DataSettings) -> Vocabulary:
    texts = chain.from_iterable((each.source, each.target) for each in examples)
    counts = count_tokens(texts, settings.tokenizer, settings.processes)
    return Vocabulary.from_counts(counts, settings.vocab_size, settings.min_count)


def _encoded(
    examples: Sequence[SourceAndTarget], text: TextEncoder
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The token ids of the sources, and of the targets."""
    sources: list[np.ndarray] = []
    targets: list[np.ndarray] = []
    with Progress("tokenizing", len(examples)) as progress:
        for some in blocks(examples, _TOGETHER):
            sources += text.encode([each.source for each in some])
            targets += text.encode([each.target for each in some])
            progress.advance(len(some))
    return sources, targets


def _batches(
    task: "SequenceToSequence",
    encoded: Mapping[str, tuple[list[np.ndarray], list[np.ndarray]]],
    text: TextEncoder,
    settings: DataSettings,
) -> dict[str, LabelledBatches]:
    batches, longer = {}, []
    longest = task.options.max_target_length
    for split, (sources, targets) in encoded.items():
        examples = SequenceToSequenceExamples(sources, targets, text.vocabulary, longest)
        batches[split] = settings.batches(split, examples, text.vocabulary)
        if (cut := batches[split].num_truncated) or examples.num_cut:
            longer.append(
                f"{cut:,} sources and {examples.num_cut:,} targets of {len(sources):,} in {split}"
            )
    if longer:
        logger.warning(
            "longer than --sequence_length=%d and --max_target_length=%d, and read only so far: %s",
            settings.sequence_length,
            longest,
            "; ".join(longer),
        )
    return batches


def _remarks(examples: Mapping[str, Sequence[SourceAndTarget]]) -> Iterable[str]:
    known = {example.source for example in examples["train"]}
    for split in set(examples) - {"train"}:
        if seen := sum(example.source in known for example in examples[split]):
            yield (
                f"{seen:,} of {len(examples[split]):,} sources of the split {split} are training "
                "sources, too: what is measured on them says little of new ones."
            )
