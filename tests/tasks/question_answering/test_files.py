import gzip
import io
import json

import numpy as np
import pytest

from common.errors import InputError
from data_util.reading.settings import DEFAULT_READING, Reading
from tasks.question_answering.files import read_questions, read_stream

PARAGRAPH = {
    "context": "甲盗窃\n手机。",
    "qas": [
        {"id": "a", "question": "谁？", "answers": [{"text": "甲", "answer_start": 0}]},
        {"id": "b", "question": "何时？", "answers": [], "is_impossible": True},
    ],
}
SQUAD = {"version": "v2.0", "data": [{"title": "t", "paragraphs": [PARAGRAPH]}]}
FLAT = [
    {
        "id": each["id"],
        "question": each["question"],
        "context": PARAGRAPH["context"],
        "answers": each["answers"],
    }
    for each in PARAGRAPH["qas"]
]


def read(data, name="file.json", reading=DEFAULT_READING, labelled=True):
    data = data if isinstance(data, bytes) else data.encode()
    return list(read_stream(io.BytesIO(data), name, reading, labelled=labelled))


def dumped(value, **settings):
    return json.dumps(value, ensure_ascii=False, **settings)


CSV = 'id,question,context,answers\na,谁？,"甲盗窃\n手机。",甲\nb,何时？,"甲盗窃\n手机。",\n'
FORMS = {
    "squad": dumped(SQUAD),
    "squad of several lines": dumped(SQUAD, indent=1),
    "a mark of byte order": "\ufeff" + dumped(SQUAD),
    "data first": dumped({"data": SQUAD["data"], "info": {"data": []}}, indent=2),
    "cmrc": dumped([PARAGRAPH]),
    "lines": "\n".join(map(dumped, FLAT)),
    "array": dumped(FLAT, indent=2),
    "table": CSV,
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_has_the_same_questions(form):
    name = "file.csv" if form == "table" else "file.json"
    for data in (FORMS[form].encode(), gzip.compress(FORMS[form].encode())):
        first, second = (found for _, found in read(data, name))
        assert (first.id, first.record) == ("a", ("谁？", "甲盗窃\n手机。"))
        assert (first.answers, first.spans) == (("甲",), ((0, 1),))
        assert (second.id, second.answers) == ("b", ())


def test_other_encodings():
    reading = Reading(encoding="gb18030")
    assert len(read(FORMS["squad"].encode("gb18030"), reading=reading)) == 2
    with pytest.raises(InputError, match=r"file.json:1: not UTF-8.*gb18030"):
        read(FORMS["squad"].encode("gb18030"))


def test_a_parquet_table(tmp_path):
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    rows = [{**each, "answers": {"text": [], "answer_start": []}} for each in FLAT]
    rows[0]["answers"] = {"text": ["甲"], "answer_start": [0]}
    pandas.DataFrame(rows).to_parquet(tmp_path / "train.parquet")
    first, second = read_questions([str(tmp_path / "train.parquet")])
    assert first.spans == ((0, 1),) and second.answers == ()


def test_nothing_is_read_before_it_is_asked_for():
    class Endless(io.RawIOBase):
        lines = 0

        def readline(self, size=-1):
            self.lines += 1
            return (dumped(FLAT[0]) + "\n").encode()

        def readable(self):
            return True

    stream = Endless()
    found = read_stream(stream, "pipe", labelled=False)
    assert next(found)[1].id == next(found)[1].id == "a"
    assert stream.lines <= 3


def test_a_wrong_line_does_not_stop_the_others():
    lines = [dumped(FLAT[0]), "", "{", '{"question": "x"}', '{"question": 1, "question": 2}']
    found = read("\n".join([*lines, dumped(FLAT[1])]), labelled=False)
    assert [number for number, _ in found] == [1, 2, 3, 4, 5, 6]
    assert found[1][1] is None and found[5][1].id == "b"
    words = ["a line must be a JSON object", "needs a `context`", "twice"]
    for (number, error), said in zip(found[2:5], words, strict=True):
        assert isinstance(error, InputError) and said in str(error)
        assert str(error).startswith(f"file.json:{number}: ")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (FORMS["squad"][:-20], "file.json:1: not JSON"),
        (FORMS["squad of several lines"][:-8], r"file.json:\d\d: not JSON"),
        (FORMS["squad"] + "x", "text after the end"),
        ('{"data": [' + "[" * 100_000, "nested too deeply"),
        ('{"data": [{"a": 1, "a": 2}]}', "twice"),
    ],
)
def test_damaged_files_of_squads_form(data, message):
    with pytest.raises(InputError, match=message):
        read(data)


def test_a_wrong_article_does_not_stop_the_others():
    article = {"paragraphs": [{"qas": [{"id": "x", "question": "?"}]}]}
    found = read(dumped({"data": [article, SQUAD["data"][0]]}, indent=1))
    assert "question 'x': a record needs a `context`" in str(found[0][1])
    assert found[1][0] > found[0][0] and found[1][1].id == "a"


def test_a_file_without_a_question_is_an_error(tmp_path):
    (tmp_path / "train.json").write_text('{"data": []}')
    with pytest.raises(InputError, match=r"train.json: there is no question"):
        list(read_questions([str(tmp_path / "train.json")]))
    (tmp_path / "train.json").write_text(FORMS["lines"], encoding="utf-8")
    assert len(list(read_questions([str(tmp_path / "train.json")], max_questions=1))) == 1


def test_damaged_bytes_are_questions_or_an_error_that_names_the_line():
    random = np.random.default_rng(0)
    forms = [form.encode() for form in FORMS.values()]
    forms += [gzip.compress(forms[0]), forms[5].replace(b"0", b"-1e999"), forms[0] * 2]
    for _ in range(1500):
        data = bytearray(forms[int(random.integers(len(forms)))])
        for _ in range(int(random.integers(1, 4))):
            place = int(random.integers(len(data) + 1))
            piece = [b"", b"{", b"]", b'"', b"null", b"\xff", b"\0", b"1", b"\n", b'"data":[']
            data[place : place + int(random.integers(4))] = piece[int(random.integers(len(piece)))]
        name = ["file.json", "file.csv"][int(random.integers(2))]
        try:
            found = read(bytes(data), name)
        except InputError as error:
            found = [(error.line, error)]
        for line, each in found:
            if isinstance(each, InputError):
                assert each.path == name and each.line and each.line > 0
                assert len(str(each)) < 2000
            elif each is not None:
                assert line > 0 and each.record[0].strip() and each.record[1].strip()
                for start, end in each.spans:
                    assert each.context[start:end] in each.answers
