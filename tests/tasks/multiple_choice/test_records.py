"""Questions in the forms in which they are published, and what is wrong with others."""

import io
import json

import pytest

from common.errors import InputError, OptionError
from data_util.reading.settings import DEFAULT_READING, Reading
from tasks.multiple_choice.data import split_examples
from tasks.multiple_choice.records import parse, read_lines, read_questions, training_texts
from tests.real_data import real_file

C3 = [
    [
        ["第一段。", "第二段。"],
        [
            {"question": "问一?", "choice": ["甲", "乙"], "answer": "乙"},
            {"question": "问二?", "choice": ["丙", "丁", "戊"], "answer": "丙"},
        ],
        "1-2",
    ],
    [["m: 去哪儿?", "f: 回家。"], [{"question": "", "choice": ["1", "0"], "answer": "0"}], "2-1"],
]
SWAG = """,video-id,startphrase,sent1,sent2,gold-source,ending0,ending1,ending2,ending3,label
0,anetv_1,"He sits. He","He sits.",He,gold,"eats, then sleeps.",flies.,sings.,"says ""no"".",3
"""


def written(folder, text, name="questions.jsonl"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def read(path, **changes):
    return list(read_questions([path], Reading(**changes)))


@pytest.mark.parametrize("indent", [None, 1, 2])
def test_c3_as_published(tmp_path, indent):
    text = json.dumps(C3, ensure_ascii=False, indent=indent)
    found = read(written(tmp_path, text, "c3-m-train.json"))
    assert [each.texts for each in found] == [
        ("第一段。\n第二段。", "问一?", "甲", "乙"),
        ("第一段。\n第二段。", "问二?", "丙", "丁", "戊"),
        ("m: 去哪儿?\nf: 回家。", "", "1", "0"),
    ]
    # The text of a choice is looked for first: "0" is choice 1 here.
    assert [each.answer for each in found] == [1, 0, 1]
    assert [each.id for each in found] == ["1-2", "1-2", "2-1"]


def test_swag_as_published(tmp_path):
    (found,) = read(written(tmp_path, SWAG, "train.csv"))
    assert found.texts == ("He sits.", "He", "eats, then sleeps.", "flies.", "sings.", 'says "no".')
    assert (found.answer, found.place[1]) == (3, 2)


def test_json_lines_arrays_and_tables_say_the_same(tmp_path):
    records = [
        {"context": " 文 ", "question": "问", "choices": ["甲", " 乙"], "answer": 1, "id": 7},
        {"choices": ["甲", "乙", "丙"], "answer": "丙"},
    ]
    lines = "".join(json.dumps(each) + "\n\n" for each in records)
    rows = "context,question,choices,answer,id\n" + "".join(
        f"{each.get('context', '')},{each.get('question', '')},"
        f'"{json.dumps(each["choices"]).replace(chr(34), 2 * chr(34))}",{each["answer"]},'
        f"{each.get('id', '')}\n"
        for each in records
    )
    found = read(written(tmp_path, lines))
    assert [(each.texts, each.answer) for each in found] == [
        (("文", "问", "甲", "乙"), 1),
        (("", "", "甲", "乙", "丙"), 2),
    ]
    assert [each.place[1] for each in found] == [1, 3]
    for path in (
        written(tmp_path, json.dumps(records), "array.json"),
        written(tmp_path, rows, "table.csv"),
    ):
        again = read(path)
        assert [(each.texts, each.answer) for each in again] == [
            (each.texts, each.answer) for each in found
        ]
    grouped = {"context": "文", "id": 1, "questions": [{**records[0], "id": 5}, records[1]]}
    found = parse(grouped, labelled=True)
    assert [(each.context, each.answer, each.id) for each in found] == [("文", 1, 5), ("文", 2, 1)]


def test_of_equal_choices_the_first_is_the_answer():
    choices = ["甲", "乙", "乙"]
    for answer in (1, 2, "乙"):
        assert parse({"choices": choices, "answer": answer}, labelled=True)[0].answer == 1


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"choices": ["a"], "answer": 0}', "two or more choices, and this one has 1"),
        ('{"choices": ["a", "b"]}', "no answer: the form is .* Its fields are choices"),
        ('{"choices": ["a", "b"], "answer": 2}', "its index from 0 to 1, not 2"),
        ('{"choices": ["a", "b"], "answer": -1}', "its index from 0 to 1, not -1"),
        ('{"choices": ["a", "b"], "answer": true}', "its index from 0 to 1, not True"),
        ('{"choices": ["a", "b"], "answer": "c"}', r"'c' is none of the choices \(a, b\)"),
        ('{"choices": ["a", " "], "answer": 0}', "choice 1 .* is empty"),
        ('{"choices": ["a", 3], "answer": 0}', "needs a string as its `choices`"),
        ('{"choices": "ab", "answer": 0}', "`choices` must be a list of texts"),
        ('{"text": "a"}', "no choices: the form is .* Its fields are text"),
        ('{"questions": []}', "`questions` must be a list"),
        ('{"questions": [3]}', "each of `questions` must be an object"),
        ('{"choices": ["a", "b"], "answer": 0', "not JSON"),
        ("a line of text", "a question is a JSON record"),
        ('{"answer": 0, "answer": 1}', "is there twice"),
        ('[[["a"], "b"]]', r"\[\[paragraphs\], \[questions\], id\]"),
    ],
)
def test_what_is_no_question(tmp_path, line, message):
    path = written(tmp_path, f"\n{line}\n")
    with pytest.raises(InputError, match=message) as error:
        read(path)
    assert (error.value.path, error.value.line) == (str(path), 2)


def test_files_that_hold_no_questions(tmp_path):
    with pytest.raises(InputError, match="no example in this file, only blank lines"):
        read(written(tmp_path, "\n \n"))
    with pytest.raises(InputError, match="must name its columns: choices or choice or sent1 and"):
        read(written(tmp_path, "text,label\na,b\n", "table.csv"))
    with pytest.raises(OptionError, match="a question has the fields context"):
        read(written(tmp_path, "{}"), text_field=("body",))


def test_lines_to_predict():
    lines = [
        '{"id": "q", "context": "文", "choices": ["甲", "乙"], "answer": "?"}',
        "",
        '{"questions": [{"choices": ["1", "2"]}, {"choices": ["3", "4"], "id": 9}], "id": 8}',
        '{"choices": []}',
    ]
    stream = io.BytesIO("\n".join(lines).encode())
    found = list(read_lines(stream, "lines", DEFAULT_READING))
    assert [(each.number, each.record, each.id) for each in found] == [
        (1, ("文", "", ("甲", "乙")), "q"),
        (2, None, None),
        (3, ("", "", ("1", "2")), 8),
        (3, ("", "", ("3", "4")), 9),
        (4, None, None),
    ]
    assert "two or more choices" in str(found[-1].error)


def test_questions_about_the_same_text_stay_together(tmp_path):
    path = written(tmp_path, json.dumps(C3), "c3.json")
    found = list(split_examples([path], DEFAULT_READING, None))
    assert [each.texts for each in found[:2]] == ["第一段。\n第二段。"] * 2
    assert found[1].record == {
        "context": "第一段。\n第二段。",
        "question": "问二?",
        "choices": ["丙", "丁", "戊"],
        "answer": 0,
        "id": "1-2",
        "source": f"{path}:1",
    }
    texts = list(training_texts({"train": [str(path)]}, DEFAULT_READING))
    assert texts[:4] == ["第一段。\n第二段。", "问一?", "甲", "乙"] and "" not in texts


@pytest.mark.parametrize(("name", "count"), [("c3", 3816), ("cail2021_argument_choice", 241)])
def test_real_questions(name, count):
    assert len(read(real_file(f"{name}/dev.jsonl"))) == count
