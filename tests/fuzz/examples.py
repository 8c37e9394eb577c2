"""The readers of questions and of values: any bytes are examples, or an error with its line."""

import io
import json
import math
from functools import partial

from common.errors import InputError
from data_util.reading.examples import ExampleReader
from data_util.reading.settings import Reading
from tasks.multiple_choice import records as questions
from tasks.regression import records as values

NAMES = ("file.txt", "file.csv", "file.tsv", "file.json")
_MOST = 1000


def seeds() -> list[bytes]:
    """One file of each form; the first byte says how it is read."""
    question = {"context": "a", "question": "b", "choices": ["c", "d"], "answer": "d", "id": 1}
    lines = f"{json.dumps(question)}\n\n{json.dumps({'questions': [question]})}\n".encode()
    c3 = json.dumps([[["a", "b"], [{"question": "?", "choice": ["c", "d"], "answer": "c"}], "1"]])
    swag = b'sent1,sent2,ending0,ending1,label\na,b,"c, d",e,1\n'
    return [
        b"\x01" + lines,
        b"\x00" + lines,
        b"\x0d" + c3.encode(),
        b"\x0d" + json.dumps([question], indent=1).encode(),
        b"\x05" + swag,
        b"\x03" + b'{"text": "a", "value": 1.5}\n',
        b"\x03" + b"a\tb\t4.2\n\nc\td\t-1e3\n",
        b"\x02" + b"a\tb\n",
        b"\x07" + b"text,score\na,1\nb,2.5\n",
    ]


def one_input(data: bytes) -> None:
    """Reads the rest of the bytes as a file; the first one says how."""
    if not data:
        return
    first, reading = data[0], Reading()
    labelled, valued, name = bool(first & 1), bool(first & 2), NAMES[first >> 2 & 3]
    if not valued:
        reader = ExampleReader(partial(questions.parse, labelled=labelled), reading, questions.FORM)
    elif labelled:
        reader = ExampleReader(partial(values.parse, reading=reading), reading)
    else:
        pairs = bool(first & 16)
        parse = partial(values.parse_unlabelled, reading=reading, pairs=pairs)
        reader = ExampleReader(parse, reading)
    last = 0
    try:
        for count, (line, found) in enumerate(reader.stream(io.BytesIO(data[1:]), name)):
            assert line >= last
            last = line
            if isinstance(found, InputError):
                assert found.path == name and found.line == line and len(str(found)) < 3000
            elif found is not None:
                _check(found, labelled)
            if count > _MOST:
                return
    except InputError as error:
        assert error.path == name and error.line and error.line >= last
        assert len(str(error)) < 3000


def _check(found: questions.Question | values.Valued, labelled: bool) -> None:
    """What holds for every example."""
    for text in found.texts:
        assert text == text.strip() and "\0" not in text
        text.encode()
    if isinstance(found, values.Valued):
        assert 1 <= len(found.texts) <= 2 and (found.value is not None) == labelled
        assert found.value is None or math.isfinite(found.value)
        return
    assert len(found.choices) >= 2 and all(found.choices)
    assert (found.answer is not None) == labelled
    if found.answer is not None:
        assert found.choices.index(found.choices[found.answer]) == found.answer
