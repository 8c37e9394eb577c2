"""A question about a passage with its answers, and how a record of a file gives it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from common.errors import InputError
from data_util.reading.fields import has_field, id_of, listed, text_of, value_of
from data_util.reading.settings import Reading

# The first of them is also a field of requests, and what records are called by everywhere else.
QUESTION_FIELDS = ("question", "query", "query_text")
CONTEXT_FIELDS = ("context", "passage", "context_text")
ANSWER_FIELDS = ("answers", "answer")
_ID_FIELDS = ("query_id", "qid")
START_FIELD = "answer_start"
_START_FIELDS = (START_FIELD, "start")
# An answer without its place that occurs more often than this says nothing of where it is.
_MAX_OCCURRENCES = 1000

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Question:
    """A question about a passage.

    Attributes:
        question, context: the question and the passage, unchanged.
        path, line: the file, and the line in it, from 1, where the record begins.
        id: what the file calls it; None if it does not.
        answers: the right answers, distinct; () if the passage has none.
        spans: where they stand in the passage, first character and one past the last, distinct. An
            answer without a place in the file has one for each occurrence.
        moved: how many answers do not stand where the file says, but elsewhere in the passage.
        absent: how many answers do not stand in the passage at all.
    """

    question: str
    context: str
    path: str
    line: int
    id: str | int | None = None
    answers: tuple[str, ...] = ()
    spans: tuple[Span, ...] = ()
    moved: int = 0
    absent: int = 0

    @property
    def place(self) -> str:
        """Where it stands: "file:line"."""
        return f"{self.path}:{self.line}"

    @property
    def record(self) -> tuple[str, str]:
        """What a result is wanted for: the question and the passage."""
        return self.question, self.context


def flat_records(record: Any) -> Iterator[dict[str, Any]]:
    """The questions of a record of SQuAD or CMRC, each with its passage; or the record itself.

    SQuAD nests "data", "paragraphs" and "qas"; CMRC's first files are a list of paragraphs.

    Raises:
        InputError: something else stands where an object or a list is expected.
    """
    if not isinstance(record, dict):
        raise InputError(f"a JSON object is expected here, not {type(record).__name__}")
    for name in ("data", "paragraphs", "qas"):
        if name not in record:
            continue
        inner = record[name]
        if not isinstance(inner, list):
            raise InputError(f"`{name}` must be a list, not {type(inner).__name__}")
        above = {key: value for key, value in record.items() if key in CONTEXT_FIELDS}
        for each in inner:
            if not isinstance(each, dict):
                raise InputError(f"`{name}` must be a list of objects, not {type(each).__name__}")
            yield from flat_records({**above, **each})
        return
    yield record


def parse_question(
    record: Mapping[str, Any], reading: Reading, path: str, line: int, *, labelled: bool
) -> Question:
    """The question of a flat record.

    Args:
        record: with "question" and "context", or the two fields that `reading` names, and with
            "answers": texts, `{"text", "answer_start"}` objects, `{"text": [...], "answer_start":
            [...]}` as data sets of Hugging Face have it, or none.
        reading: how to read it.
        path, line: where it stands.
        labelled: whether the answers are wanted. Otherwise they are not looked at.

    Raises:
        InputError: the record is wrong; the message names path and line, and the question's id.
    """
    name = next((record[key] for key in _ID_FIELDS if isinstance(record.get(key), str)), None)
    name = id_of(record) if name is None else name
    try:
        question_field, context_field = _text_fields(record, reading)
        question, context = text_of(record, question_field), text_of(record, context_field)
        if not labelled:
            return Question(question, context, path, line, name)
        for field, text in ((question_field, question), (context_field, context)):
            if not text.strip():
                raise InputError(f"its `{field}` is empty")
        found = _answers(record)
    except InputError as error:
        about = "" if name is None else f"question {name!r:.80}: "
        raise InputError(about + error.message, path, line) from None
    spans: dict[Span, None] = {}
    moved = absent = 0
    for text, start in found:
        places = locate_answer(context, text, start)
        spans |= dict.fromkeys(places)
        absent += not places
        moved += start is not None and start >= 0 and bool(places) and places[0][0] != start
    answers = tuple(dict.fromkeys(text for text, _ in found))
    return Question(question, context, path, line, name, answers, tuple(spans), moved, absent)


def locate_answer(context: str, text: str, start: int | None) -> list[Span]:
    """Where an answer stands in a passage.

    Args:
        context: the passage.
        text: the answer.
        start: its first character, as the file says; None or negative: the file does not say.

    Returns:
        That place; if the answer is not there, the nearest one where it is; without a place every
        one where it is, in order. None if it is nowhere.
    """
    if start is not None and start >= 0 and context.startswith(text, start):
        return [(start, start + len(text))]
    places: list[int] = []
    place = context.find(text)
    while place >= 0 and len(places) < _MAX_OCCURRENCES:
        places.append(place)
        place = context.find(text, place + 1)
    if start is not None and start >= 0 and places:
        places = [min(places, key=lambda each: abs(each - start))]
    return [(place, place + len(text)) for place in places]


def _text_fields(record: Mapping[str, Any], reading: Reading) -> tuple[str, str]:
    if reading.text_field:
        if len(reading.text_field) != 2:
            raise InputError("--text_field must name two fields: the question's, the passage's")
        return reading.text_field[0], reading.text_field[1]
    found = []
    for names in (QUESTION_FIELDS, CONTEXT_FIELDS):
        there = [name for name in names if name in record]
        if not there:
            raise InputError(
                f"a record needs a `{names[0]}`. {listed(record)}. Name the right ones with "
                "--text_field=QUESTION,CONTEXT"
            )
        found.append(there[0])
    return found[0], found[1]


def _answers(record: Mapping[str, Any]) -> list[tuple[str, int | None]]:
    """The answers with their places; blank ones are none."""
    if record.get("is_impossible") is True:
        return []
    field = next((name for name in ANSWER_FIELDS if has_field(record, name)), None)
    if field is None:
        raise InputError(f"a labelled record needs `{ANSWER_FIELDS[0]}`. {listed(record)}")
    value = value_of(record, field)
    if isinstance(value, str) and value.strip()[:1] in ("[", "{"):
        try:  # A cell of a table.
            value = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise InputError(f"`{field}` is no JSON: {error}") from None
    if isinstance(value, Mapping) and isinstance(value.get("text"), Sequence | type(None)):
        value = _joined(value, field)
    items = [] if value is None else value if isinstance(value, list) else [value]
    found = [_answer(item, field) for item in items]
    return [(text, start) for text, start in found if text.strip()]


def _joined(value: Mapping[str, Any], field: str) -> Any:
    """One object of lists as a list of objects."""
    texts = value.get("text")
    starts = next((value[name] for name in _START_FIELDS if name in value), None)
    if not isinstance(texts, list):
        return [value]
    starts = [None] * len(texts) if starts is None else starts
    if not isinstance(starts, list) or len(starts) != len(texts):
        raise InputError(f"`{field}` needs as many places as texts")
    pairs = zip(texts, starts, strict=True)
    return [{"text": text, START_FIELD: start} for text, start in pairs]


def _answer(item: Any, field: str) -> tuple[str, int | None]:
    if isinstance(item, str):
        return text_of({field: item}, field), None
    if not isinstance(item, Mapping):
        raise InputError(
            f'`{field}` must hold texts or {{"text", "{START_FIELD}"}} objects, not '
            f"{type(item).__name__}"
        )
    start = next((item[name] for name in _START_FIELDS if name in item), None)
    if start is not None and type(start) is not int:
        raise InputError(f"the place of an answer must be a whole number, not {start!r:.80}")
    return text_of(item, "text"), start
