"""Sources and targets as they are checked, and as a part of them is held out."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from common.errors import InputError
from data_util.labelled.checked_examples import Checked, CheckedExample, check_texts
from data_util.labelled.split_examples import SplitExample
from data_util.reading.settings import Reading
from tasks.sequence_to_sequence.records import (
    NO_EXAMPLE,
    SOURCE,
    TARGET,
    read_examples,
    reading_of,
)


def check_examples(path: Path, reading: Reading) -> Iterator[Checked]:
    """See `Task.check_examples`; sources and targets are those of `read_examples`."""
    for line, found in check_texts(path, reading_of(reading)):
        if not isinstance(found, CheckedExample):
            yield line, found
        elif len(found.texts) == 1:
            yield line, InputError(NO_EXAMPLE)
        else:
            yield line, _checked(found)


def _checked(found: CheckedExample) -> CheckedExample:
    source, target = found.texts
    return replace(
        found,
        texts=(source,),
        truth=target,
        shown=target,
        numbers={"characters of the target": len(target)},
        oddities=("have a target that is their source",) if source == target else (),
    )


def split_examples(
    files: Sequence[Path], reading: Reading, max_examples: int | None
) -> Iterator[SplitExample]:
    """See `tasks.base.Task.split_examples`; examples with the same source stay together."""
    names = reading.text_field or (SOURCE, TARGET)
    for example in read_examples(files, reading, max_examples):
        texts = dict(zip(names, (example.source, example.target), strict=True))
        yield SplitExample(example.source, (), {**texts, "place": example.place})
