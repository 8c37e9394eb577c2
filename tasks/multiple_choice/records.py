"""Reads questions with their choices: JSON, tables, C3 and SWAG as they are published."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from common.errors import InputError, OptionError
from data_util.reading.examples import ExampleReader
from data_util.reading.fields import id_of, list_in, listed, text_of
from data_util.reading.records import Form
from data_util.reading.settings import Reading
from tasks.data import Files, Line

# Names that data sets have for the same thing, this project's first.
CONTEXT = ("context", "sent1")
QUESTION = ("question", "sent2")
CHOICES = ("choices", "choice")
ANSWER = ("answer", "label")
QUESTIONS = "questions"
# SWAG has a column for each choice.
_ENDING = re.compile(r"ending(\d+)")
FORM = Form(
    columns=(("choices",), ("choice",), ("sent1", "sent2", "ending0", "ending1")), arrays=True
)
_RIGHT_FORM = '{"context": "...", "question": "...", "choices": ["...", "..."], "answer": 0}'


@dataclass(frozen=True, slots=True)
class Question:
    """A question with its choices.

    Attributes:
        context: what the question is about; "" if there is nothing.
        question: the question, or the beginning of the sentence that a choice completes; "" if
            there is none.
        choices: two or more.
        answer: the index of the right choice, of equal ones the first; None: it is not known.
        id: by which the file names it; None: by none.
        place: the file and the line.
    """

    context: str
    question: str
    choices: tuple[str, ...]
    answer: int | None = None
    id: str | int | None = None
    place: tuple[str, int] = ("", 0)

    @property
    def texts(self) -> tuple[str, ...]:
        """The context, the question, and the choices."""
        return (self.context, self.question, *self.choices)


def read_questions(
    files: Sequence[str | Path], reading: Reading, max_examples: int | None = None
) -> Iterator[Question]:
    """The questions of labelled files, in order.

    Raises:
        InputError: a file cannot be read, or a question is wrong or has no answer; the message
            names the file and the line.
    """
    reader = question_reader(reading, labelled=True)
    for path, line, found in reader.files(files, max_examples):
        yield Question(
            found.context, found.question, found.choices, found.answer, found.id, (path, line)
        )


def read_lines(stream: BinaryIO, name: str, reading: Reading) -> Iterator[Line]:
    """The questions of a stream, one by one; answers are not read."""
    for line, found in question_reader(reading, labelled=False).stream(stream, name):
        if found is None:
            yield Line(line)
        elif isinstance(found, InputError):
            yield Line(line, error=found)
        else:
            yield Line(line, (found.context, found.question, found.choices), found.id)


def training_texts(files: Files, reading: Reading) -> Iterator[str]:
    """All texts of the training questions, in order."""
    for found in read_questions(files["train"], reading):
        yield from filter(None, found.texts)


def parse(given: Any, *, labelled: bool) -> list[Question]:
    """The questions of a record.

        >>> parse({"question": "1 + 1?", "choices": ["2", "3"], "answer": "2"}, labelled=True)
        [Question(context='', question='1 + 1?', choices=('2', '3'), answer=0, ...)]

    Args:
        given: a record with one question; one with several `questions` about its context; or a
            text as C3 has it, `[[paragraphs], [questions], id]`.
        labelled: whether answers are read; each question must have one then.

    Raises:
        InputError: it is none of these, or has no answer; without a path.
    """
    if isinstance(given, list):
        given = _c3_text(given)
    if not isinstance(given, Mapping):
        raise InputError(f"a question is a JSON record, {_RIGHT_FORM}")
    if QUESTIONS not in given:
        return [_question(given, _context(given), id_of(given), labelled=labelled)]
    inner = given[QUESTIONS]
    if not isinstance(inner, list) or not inner:
        raise InputError(f"`{QUESTIONS}` must be a list of questions about the context")
    context, named, found = _context(given), id_of(given), []
    for each in inner:
        if not isinstance(each, Mapping):
            raise InputError(f"each of `{QUESTIONS}` must be an object, {_RIGHT_FORM}")
        own = id_of(each)
        found.append(_question(each, context, named if own is None else own, labelled=labelled))
    return found


def question_reader(reading: Reading, *, labelled: bool) -> ExampleReader[Question]:
    """What reads questions, with their answers or without.

    Raises:
        OptionError: fields are named, but a question has its own.
    """
    if reading.text_field:
        raise OptionError(
            f"--text_field={','.join(reading.text_field)}: a question has the fields context, "
            "question and choices."
        )
    return ExampleReader(partial(parse, labelled=labelled), reading, FORM)


def _c3_text(given: list[Any]) -> dict[str, Any]:
    if len(given) not in (2, 3) or not all(isinstance(part, list) for part in given[:2]):
        raise InputError("an array must be a text of C3: [[paragraphs], [questions], id]")
    return {"context": given[0], QUESTIONS: given[1], "id": given[2] if len(given) > 2 else None}


def _question(
    record: Mapping[str, Any], context: str, named: str | int | None, *, labelled: bool
) -> Question:
    choices = _choices(record)
    question = _text(record, _first(record, QUESTION))
    answer = _answer(record, choices) if labelled else None
    return Question(context, question, choices, answer, named)


def _context(record: Mapping[str, Any]) -> str:
    name = _first(record, CONTEXT)
    value = record.get(name) if name else None
    if isinstance(value, list):
        return "\n".join(filter(None, (_text({str(name): part}, name) for part in value)))
    return _text(record, name)


def _choices(record: Mapping[str, Any]) -> tuple[str, ...]:
    name = _first(record, CHOICES)
    if name is None:
        numbers = sorted(int(found[1]) for key in record if (found := _ENDING.fullmatch(key)))
        if not numbers:
            raise InputError(f"no choices: the form is {_RIGHT_FORM}. {listed(record)}")
        texts = [_text(record, f"ending{number}") for number in numbers]
    else:
        value = record[name]
        if isinstance(value, str):
            value = list_in(value) or value
        if not isinstance(value, list):
            raise InputError(f"`{name}` must be a list of texts, not {value!r:.80}")
        texts = [_text({name: each}, name) for each in value]
    if len(texts) < 2:
        raise InputError(f"a question needs two or more choices, and this one has {len(texts)}")
    if "" in texts:
        raise InputError(
            f"choice {texts.index('')} (counted from 0) is empty: leave out choices that only fill "
            "up a number"
        )
    return tuple(texts)


def _answer(record: Mapping[str, Any], choices: Sequence[str]) -> int:
    name = _first(record, ANSWER)
    value = None if name is None else record[name]
    if value is None or value == "":
        raise InputError(f"no answer: the form is {_RIGHT_FORM}. {listed(record)}")
    if isinstance(value, str):
        text = value.strip()
        if text in choices:
            return choices.index(text)
        if not re.fullmatch(r"[0-9]{1,9}", text):
            shown = ", ".join(f"{choice:.30}" for choice in choices[:6])
            raise InputError(f"the answer {text!r:.80} is none of the choices ({shown})")
        value = int(text)
    if type(value) is not int or not 0 <= value < len(choices):
        raise InputError(
            f"`{name}` must be the text of a choice, or its index from 0 to {len(choices) - 1}, "
            f"not {value!r:.80}"
        )
    return choices.index(choices[value])


def _first(record: Mapping[str, Any], names: Sequence[str]) -> str | None:
    return next((name for name in names if name in record), None)


def _text(record: Mapping[str, Any], name: str | None) -> str:
    """A text without white space around it; "" where there is none."""
    if name is None or record.get(name) is None:
        return ""
    return text_of(record, name).strip()
