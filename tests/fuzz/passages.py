"""The reader of questions about passages: SQuAD and CMRC as published, JSON lines, tables."""

import io
import json

from common.errors import InputError
from data_util.reading.settings import Reading
from tasks.question_answering.files import read_stream
from tasks.question_answering.records import Question

NAMES = ("file.txt", "file.csv", "file.tsv", "file.json")
_MOST = 1000


def seeds() -> list[bytes]:
    """One file of each form; the first byte says how it is read."""
    answers = [{"text": "b", "answer_start": 2}]
    flat = {"id": 1, "question": "a?", "context": "b c b", "answers": answers}
    joined = {"text": ["b", "c"], "answer_start": [0, 2]}
    paragraph = {"context": "b c", "qas": [{"id": "1", "question": "a?", "answers": answers}]}
    squad = {"version": "v2.0", "data": [{"title": "t", "paragraphs": [paragraph, paragraph]}]}
    cmrc = [{"context_text": "b c", "qas": [{"query_text": "a?", "answers": ["b", "x"]}]}]
    return [
        b"\x01" + f"{json.dumps(flat)}\n\n{json.dumps({**flat, 'answers': joined})}\n".encode(),
        b"\x00" + json.dumps({"question": "a?", "context": "b"}).encode(),
        b"\x07" + json.dumps(squad).encode(),
        b"\x07" + json.dumps(squad, indent=1).encode(),
        b"\x07" + json.dumps(cmrc).encode(),
        b"\x03" + b'question,context,answers\na,b c,"[""c""]"\nd,e,f\n',
    ]


def one_input(data: bytes) -> None:
    """Reads the rest of the bytes as a file; the first one says how."""
    if not data:
        return
    labelled, name, last = bool(data[0] & 1), NAMES[data[0] >> 1 & 3], 0
    try:
        stream = io.BytesIO(data[1:])
        for count, (line, found) in enumerate(
            read_stream(stream, name, Reading(), labelled=labelled)
        ):
            assert line >= last
            last = line
            if isinstance(found, InputError):
                assert found.path == name and found.line and len(str(found)) < 3000
            elif found is not None:
                _check(found, labelled)
            if count > _MOST:
                return
    except InputError as error:
        assert error.path == name and error.line and len(str(error)) < 3000


def _check(question: Question, labelled: bool) -> None:
    """What holds for every question: each span is an answer, and each answer is one."""
    for text in (*question.record, *question.answers):
        text.encode()
        assert "\0" not in text
    if not labelled:
        assert not question.answers and not question.spans
        return
    assert question.question.strip() and question.context.strip()
    assert all(answer.strip() for answer in question.answers)
    found = {question.context[start:end] for start, end in question.spans}
    assert found <= set(question.answers)
    assert len(question.answers) - len(found) <= question.absent
    assert len(set(question.spans)) == len(question.spans)
