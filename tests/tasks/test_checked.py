"""The check of the files of each task but classification: `tests/tasks/test_check_file.py`."""

import json

import pytest

from common.errors import InputError
from data_util.reading.settings import DEFAULT_READING
from tasks.registry import TASKS
from tests.odd_files import KINDS

VALUES = ["a\tb\t1", "a\tb\t2.5", "c\t3", "d\te\tnone", "f\tg\t4"]
SEQUENCES = ["a b\tc", "a b\td", "alone", "same\tsame"]
COLUMNS = ["甲 B-A", "乙 I-A", "", "丙 I-B", "", "word", "丁 O", "", "甲 B-A", "乙 I-A"]
ENTITIES = [
    {"text": "甲乙丙", "entities": [["A", 0, 2]]},
    {"text": "甲乙丙", "entities": [["A", 0, 2], ["B", 1, 2]]},
    {"text": "甲", "entities": [["A", 0, 9]]},
    {"text": "甲乙丙", "entities": [["A", 0, 1]]},
]
QUESTIONS = [
    {"question": "a?", "context": "b c", "answers": [{"text": "b", "answer_start": 2}]},
    {"question": "a?", "context": "b c", "answers": ["c"]},
    {"question": "d?", "context": "b c", "answers": []},
    {"question": "d?", "context": "b c"},
    {"question": "e?", "context": "b c", "answers": ["x"]},
]
CHOICES = [
    {"context": "t", "question": "a?", "choices": ["b", "c"], "answer": "b"},
    {"context": "t", "question": "a?", "choices": ["c", "b"], "answer": 0},
    {"context": "t", "question": "a?", "choices": ["c"], "answer": 0},
    {"question": "d?", "choices": ["c", "c", "e"], "answer": "e"},
]

# By task: the lines, and what is said of them.
CASES = [
    (
        "regression",
        VALUES,
        [
            "plain text; labelled pairs of texts",
            "3 examples, 0 blank lines, 2 wrong lines",
            "values: 2.5 on average, median 2.5, from 1 to 4",
            "line 3: a single text among pairs",
            "line 4: no value at the end",
            "1 texts are there several times, with different values",
        ],
    ),
    (
        "sequence_to_sequence",
        SEQUENCES,
        [
            "3 examples, 0 blank lines, 1 wrong lines",
            "characters of the target: 2 on average, median 1, from 1 to 4",
            "line 3: this is no example: `source<TAB>target`",
            "1 texts are there several times, with different targets",
            "have a target that is their source",
        ],
    ),
    (
        "token_classification",
        COLUMNS,
        [
            "words with tags, which are read as bio; labelled text",
            "3 texts, 0 blank lines, 2 wrong lines",
            "1 labels, 0.67 entities per text, at most 1; 1 labels have fewer than 10 entities",
            "  line 1: 甲乙  [甲乙: A]",
            "line 4: the tag of '丙': 'I-B' has neither B-B nor I-B before it",
            "line 6: a token and its tag are expected",
            "1 of 3 texts in",
        ],
    ),
    (
        "token_classification",
        ENTITIES,
        [
            "3 texts, 0 blank lines, 1 wrong lines",
            "line 3: the entity ['A', 0, 9] is not in the text",
            "1 of 3 texts in",
            "have entities within others: --nested_entities=outermost leaves them out",
            "1 texts are there several times, with different entities",
        ],
    ),
    (
        "question_answering",
        QUESTIONS,
        [
            "labelled pairs of texts",
            "4 questions, 0 blank lines, 1 wrong lines",
            "answers: 0.75 on average, median 1, from 0 to 1",
            "unanswerable, as a share: 0.25 on average",
            "characters of the longest answer: 1 on average",
            "  line 3: d? | b c  [no answer]",
            "line 4: a labelled record needs `answers`",
            "1 texts are there several times, with different answers",
            "have an answer that does not stand where the file says",
            "have no answer that stands in the passage",
        ],
    ),
    (
        "multiple_choice",
        CHOICES,
        [
            "JSON lines; labelled text",
            "3 questions, 0 blank lines, 1 wrong lines",
            "choices: 2.333 on average, median 2, from 2 to 3",
            "place of the answer, from 0: 0.6667 on average, median 0, from 0 to 2",
            "line 3: a question needs two or more choices",
            "1 texts are there several times, with different answers",
            "have a choice twice",
        ],
    ),
]


def written(path, lines):
    texts = (each if isinstance(each, str) else json.dumps(each) for each in lines)
    path.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    return path


@pytest.mark.parametrize(("task", "lines", "expected"), CASES, ids=[case[0] for case in CASES])
def test_all_that_is_wrong(tmp_path, script, task, lines, expected):
    path = written(tmp_path / "file.txt", lines)
    status, output, _ = script("tasks.check_file", path, f"--task={task}")
    assert status == 1
    assert [each for each in expected if each not in output] == [], output


def test_what_splits_share(tmp_path, script):
    """A passage that another split asks about, too, is told apart from the same question."""
    train = written(tmp_path / "train.jsonl", QUESTIONS[1:2])
    test = written(tmp_path / "test.jsonl", [*QUESTIONS[1:3], {**QUESTIONS[2], "context": "z"}])
    status, output, _ = script("tasks.check_file", train, test, "--task=question_answering")
    assert status == 0
    assert f"1 of 3 questions in {test} have a text that is in {train} too" in output
    assert f"1 of 3 questions in {test} have a part that is in {train} too" in output
    assert f"({test}:1 as {train}:1)" in output and f"({test}:2 as {train}:1)" in output


def test_files_without_anything_to_learn(tmp_path, script):
    path = written(tmp_path / "file.txt", [{"text": "a", "entities": []}])
    status, output, _ = script("tasks.check_file", path, "--task=token_classification")
    assert status == 1 and "Every line can be used" in output


def test_a_task_that_cannot_be_checked(tmp_path, refused):
    from tests import toys

    path = written(tmp_path / "file.txt", ["a"])
    with toys.registered():
        assert "files of the task toy cannot be checked" in refused(
            "tasks.check_file", path, "--task=toy"
        )


@pytest.mark.parametrize("task", TASKS)
def test_what_is_no_text_is_named_with_its_line(tmp_path, task):
    """Files that are packed, of another encoding, or no JSON."""
    path = tmp_path / "file.txt"
    for data, message in KINDS.values():
        path.write_bytes(data)
        # What is wrong within a field of classification is not looked at by the others.
        expected = "" if rb'{"fact": "a\u' in data else message
        line, found = next(iter(all_errors(TASKS[task], path)))
        assert line == 1 and expected in found.message
        with pytest.raises(InputError) as caught:
            list(TASKS[task].split_examples([path], DEFAULT_READING, None))
        assert str(caught.value).startswith(f"{path}:1: ") and expected in str(caught.value)


def all_errors(task, path):
    """The errors of a file's lines, with that which ends the reading."""
    try:
        for line, found in task.check_examples(path, DEFAULT_READING):
            if isinstance(found, InputError):
                yield line, found
    except InputError as error:
        yield error.line, error
