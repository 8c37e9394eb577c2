"""Labelled questions as they are checked, and as a part of them is held out."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from common.errors import InputError
from data_util.labelled.checked_examples import Checked, CheckedExample
from data_util.labelled.split_examples import SplitExample
from data_util.reading.settings import Reading
from tasks.question_answering.files import read_questions, read_stream
from tasks.question_answering.records import (
    CONTEXT_FIELDS,
    QUESTION_FIELDS,
    START_FIELD,
    Question,
)


def check_examples(path: Path, reading: Reading) -> Iterator[Checked]:
    """See `Task.check_examples`."""
    with path.open("rb") as stream:
        for line, found in read_stream(stream, str(path), reading, labelled=True):
            if found is None or isinstance(found, InputError):
                yield line, found
            else:
                yield line, _checked(found)


def _checked(question: Question) -> CheckedExample:
    oddities = []
    if question.moved:
        oddities.append("have an answer that does not stand where the file says")
    if question.absent and not question.spans:
        oddities.append("have no answer that stands in the passage")
    answers = len(question.answers)
    numbers = {"answers": answers, "unanswerable, as a share": int(not answers)}
    if question.answers:
        numbers["characters of the longest answer"] = max(map(len, question.answers))
    return CheckedExample(
        question.line,
        question.record,
        truth=frozenset(question.answers),
        shown=" | ".join(question.answers) or "no answer",
        group=question.context,
        numbers=numbers,
        oddities=tuple(oddities),
    )


def split_examples(
    files: Sequence[Path], reading: Reading, max_examples: int | None
) -> Iterator[SplitExample]:
    """The questions, of which those about one passage stay together: see `Task.split_examples`."""
    fields = reading.text_field or (QUESTION_FIELDS[0], CONTEXT_FIELDS[0])
    paths = list(map(str, files))
    for question in read_questions(paths, reading, max_questions=max_examples):
        # As the file has them: an answer that stands nowhere has no place.
        places = {question.context[start:end]: start for start, end in question.spans[::-1]}
        answers = [{"text": text, START_FIELD: places.get(text, -1)} for text in question.answers]
        for start, end in question.spans:
            if places[question.context[start:end]] != start:
                answers.append({"text": question.context[start:end], START_FIELD: start})
        record: dict[str, Any] = dict(zip(fields, question.record, strict=True))
        record |= {"answers": answers, "source": question.place}
        if question.id is not None:
            record["id"] = question.id
        kind = "answerable" if question.answers else "unanswerable"
        yield SplitExample(question.context, [kind], record)
