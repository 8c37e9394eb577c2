import json

import pytest

from common.errors import InputError
from tasks.question_answering.squad_format import SquadFormat

RECORD = ("q", "c")
NONE = {"answer": None}


def written(*lines):
    form = SquadFormat(None)
    return "".join([form.line(record, result) for record, result in lines] + [form.end()])


def test_one_object_with_the_answers():
    text = written(
        (RECORD, {"id": "a", "answer": '甲"'}),
        (None, NONE),
        (RECORD, {"answer": "乙"}),
        (None, {**NONE, "id": "b", "error": "wrong"}),
        (None, {**NONE, "id": 7}),
    )
    assert json.loads(text) == {"a": '甲"', "3": "乙", "7": ""}
    assert json.loads(written()) == {}


def test_an_id_that_is_there_twice():
    line = RECORD, {**NONE, "id": "a"}
    with pytest.raises(InputError, match="the id 'a' is there twice"):
        written(line, line)
