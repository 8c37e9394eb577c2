import pytest

from common.errors import InputError
from data_util.reading.settings import DEFAULT_READING, Reading
from tasks.question_answering.records import flat_records, locate_answer, parse_question

CONTEXT = "甲盗窃手机，乙盗窃汽车。"


def parsed(answers=None, labelled=True, reading=DEFAULT_READING, **changes):
    record = {"id": "q1", "question": "谁？", "context": CONTEXT, "answers": answers, **changes}
    return parse_question(record, reading, "file", 3, labelled=labelled)


@pytest.mark.parametrize(
    "answers",
    [
        ["手机", {"text": "盗窃", "answer_start": 7}],
        [{"text": "手机", "start": 3}, {"text": "盗窃", "answer_start": 7}],
        {"text": ["手机", "盗窃"], "answer_start": [3, 7]},
        '[{"text": "手机", "answer_start": 3}, {"text": "盗窃", "answer_start": 7}]',
        '{"text": ["手机", "盗窃", " "], "answer_start": [3, 7, -1]}',
    ],
)
def test_all_forms_of_answers(answers):
    question = parsed(answers)
    assert question.answers == ("手机", "盗窃")
    assert question.spans == ((3, 5), (7, 9))
    assert (question.moved, question.absent, question.id) == (0, 0, "q1")
    assert question.place == "file:3" and question.record == ("谁？", CONTEXT)


def test_an_answer_without_a_place_stands_wherever_it_occurs():
    assert parsed("盗窃").spans == ((1, 3), (7, 9))
    # An answer may have one character.
    assert parsed([{"text": "乙", "answer_start": -1}]).spans == ((6, 7),)


def test_a_wrong_place_is_mended_and_counted():
    question = parsed([{"text": "盗窃", "answer_start": 8}])
    assert question.spans == ((7, 9),) and question.moved == 1
    question = parsed(["火车", "手机"])
    assert (question.answers, question.spans) == (("火车", "手机"), ((3, 5),))
    assert question.absent == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"answers": None},
        {"answers": []},
        {"answers": [""]},
        {"answers": ["甲"], "is_impossible": True},
    ],
)
def test_a_question_without_an_answer(changes):
    question = parsed(**changes)
    assert question.answers == question.spans == ()


def test_every_occurrence():
    assert locate_answer("aaaa", "aa", None) == [(0, 2), (1, 3), (2, 4)]
    assert locate_answer("aaaa", "b", 2) == []
    assert len(locate_answer("a" * 5000, "a", None)) == 1000


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"answers": 3}, r"file:3: question 'q1': `answers` must hold texts"),
        ({"answers": [{"text": 3}]}, "a string as its `text`"),
        ({"answers": [{"text": "甲", "answer_start": "0"}]}, "must be a whole number, not '0'"),
        ({"answers": {"text": ["甲", "乙"], "answer_start": [0]}}, "as many places as texts"),
        ({"answers": "[甲"}, "`answers` is no JSON"),
        ({"question": " "}, "its `question` is empty"),
        ({"context": 7}, "a string as its `context`"),
        ({"context": "\ud800"}, "surrogate"),
        ({"reading": Reading(text_field=("q",))}, "must name two fields"),
    ],
)
def test_what_is_wrong_is_named(changes, message):
    with pytest.raises(InputError, match=message):
        parsed(**changes)


def test_missing_fields():
    for record, wanted in (({"context": "x"}, "question"), ({"query": "x"}, "context")):
        with pytest.raises(InputError, match=f"needs a `{wanted}`.*--text_field"):
            parse_question(record, DEFAULT_READING, "file", 1, labelled=False)
    with pytest.raises(InputError, match="needs `answers`"):
        parse_question({"question": "x", "context": "y"}, DEFAULT_READING, "f", 1, labelled=True)


def test_other_names_of_the_fields():
    reading = Reading(text_field=("q", "p"))
    question = parse_question({"q": "x", "p": " y "}, reading, "file", 1, labelled=False)
    assert question.record == ("x", " y ")  # as it is, so that places hold
    record = {"query_id": "T", "query_text": "x", "context_text": "y", "answers": ["y"]}
    question = parse_question(record, DEFAULT_READING, "file", 1, labelled=True)
    assert (question.id, question.spans) == ("T", ((0, 1),))


def test_nested_records():
    paragraph = {"context": "c", "qas": [{"id": 1}, {"id": 2}]}
    nested = {"data": [{"title": "t", "paragraphs": [paragraph, {"context": "d", "qas": []}]}]}
    assert list(flat_records(nested)) == [{"context": "c", "id": 1}, {"context": "c", "id": 2}]
    assert list(flat_records({"id": 3})) == [{"id": 3}]
    for wrong in ([], {"data": {}}, {"qas": ["x"]}):
        with pytest.raises(InputError):
            list(flat_records(wrong))
