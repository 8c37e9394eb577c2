import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import InputError
from data_util.reading.documents import read_documents
from data_util.reading.records import Records
from data_util.reading.settings import Reading
from data_util.reading.tables import delimiter_of


def rows(text, name="file.csv", **settings):
    return list(Records(io.BytesIO(text.encode()), name, Reading(**settings)))


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=8)


@given(st.lists(st.tuples(CELLS, CELLS)), st.sampled_from(",;"))
def test_what_the_csv_module_writes_comes_back(cells, delimiter):
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerows([("text", "label"), *cells])
    found = [row or {"text": "", "label": ""} for _, row in rows(file.getvalue())]
    assert found == [{"text": text, "label": label} for text, label in cells]


def test_lines_of_rows_with_line_breaks():
    text = 'label,text\nx,"one\ntwo"\n\ny,three\n'
    assert rows(text) == [
        (2, {"label": "x", "text": "one\ntwo"}),
        (4, ""),
        (5, {"label": "y", "text": "three"}),
    ]


def test_tabs_and_quotes_of_tsv():
    text = 'text\tlabel\n"a ""b"" c"\tx\n12" pipe\ty\n"a" and "b"\tz\n'
    assert [row["text"] for _, row in rows(text, "file.tsv")] == [
        'a "b" c',
        '12" pipe',
        '"a" and "b"',
    ]


@pytest.mark.parametrize(
    ("line", "ending", "settings", "delimiter"),
    [
        ("text,label", ".csv", {}, ","),
        ("text", ".csv", {}, ","),
        (",id;x,TEXT,extra", ".csv", {}, ","),
        ("Text;Label", ".csv", {}, ";"),
        ("text\tlabel", ".csv", {}, "\t"),
        ("label\ttext_a", ".tsv", {}, "\t"),
        ("id,text,label", "", {}, ","),
        ("text\tlabel", ".txt", {}, "\t"),
        ("body,topic", ".csv", {"text_field": ("body",), "label_field": "topic"}, ","),
        ("body,price,topic", "", {"text_field": ("body",)}, ","),
        # A sentence is no header, nor is a single word; a labelled line never is one.
        ("text, label and price", "", {}, None),
        ("text", "", {}, None),
        ("text,label __label__x", ".csv", {}, None),
        ("a\tb __label__x", ".tsv", {}, None),
        # A pair that is known to be one.
        ("Whose turn?\t轮到谁了？", ".tsv", {"pairs": True}, None),
        ("text_a\ttext_b", ".tsv", {"pairs": True}, "\t"),
    ],
)
def test_what_is_a_header(line, ending, settings, delimiter):
    assert delimiter_of(line, ending, Reading(**settings)) == delimiter


@pytest.mark.parametrize("name", ["file.csv", "file.tsv"])
def test_a_table_whose_text_is_not_found(name):
    separator = "," if name == "file.csv" else "\t"
    with pytest.raises(InputError) as caught:
        rows(separator.join(["3", "Wall St. falls", "Stocks"]) + "\n", name)
    message = str(caught.value)
    assert message.startswith(f"{name}:1: a {name[4:]} file is a table with a header, but none")
    for part in ("3, Wall St. falls, Stocks", "--text_field=NAME", "above it", "such as .txt"):
        assert part in message


def test_a_table_without_labels(tmp_path):
    path = tmp_path / "file.csv"
    path.write_text("text,topic\na,x\n")
    with pytest.raises(InputError, match=r"file\.csv:2: no labels: .*Its fields are text, topic.*"):
        list(read_documents([path], labelled=True))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('text,label\na,x\n"b,y\nc,z\n', "file.csv:3: not CSV: unexpected end of data: is a quote"),
        ('text,label\n"b" c,y\n', "file.csv:2: not CSV: ',' expected after '\"'"),
        ("text,text,label\na,b,c\n", "file.csv:1: the column text is there twice"),
    ],
)
def test_tables_that_cannot_be_read_on(text, message):
    with pytest.raises(InputError) as caught:
        rows(text)
    assert str(caught.value).startswith(message)


def test_a_row_that_is_wrong_does_not_end_the_table():
    (first, second, third) = rows("text,label\na,b,c\nd,e\nf\n")
    assert second == (3, {"text": "d", "label": "e"})
    for number, error in (first, third):
        assert isinstance(error, InputError) and error.line == number
    assert "3 columns, but the header has 2: a text that contains ',' must be in" in str(first[1])
    (first, _) = rows("text\tlabel\na\tb\tc\nd\te\n", "file.tsv")
    assert "cannot contain a tab" in str(first[1])


def test_bytes_that_are_no_text_do_not_end_the_table():
    data = b"text,label\na,x\n\xff,y\nb,z\n"
    found = list(Records(io.BytesIO(data), "file.csv", Reading()))
    assert [number for number, _ in found] == [2, 3, 4]
    assert "file.csv:3: not UTF-8" in str(found[1][1])


@pytest.fixture
def parquet(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    def write(columns, name="train.parquet", features=None):
        table = pyarrow.table(columns)
        if features:
            metadata = {"huggingface": json.dumps({"info": {"features": features}})}
            table = table.replace_schema_metadata(metadata)
        parquet.write_table(table, tmp_path / name)
        return tmp_path / name

    return write


def labelled(path, **settings):
    documents = read_documents([path], labelled=True, reading=Reading(**settings))
    return [(document.text, document.labels, document.line) for document in documents]


def test_parquet(parquet):
    path = parquet({"text": ["a", "b"], "labels": [["x", "y z"], []], "n": [1, 2]})
    assert labelled(path, keep_unlabelled=True) == [("a", ("x", "y z"), 1), ("b", (), 2)]
    named = parquet({"body": ["a"], "topic": [3]})
    assert labelled(named, text_field=("body",), label_field="topic") == [("a", ("3",), 1)]
    with pytest.raises(InputError, match=r"train\.parquet:1: labels .*Received: 2\.0\. Write 2"):
        labelled(parquet({"text": ["a"], "label": [2.0]}))


def test_names_of_classes_in_a_hugging_face_data_set(parquet):
    features = {"label": {"names": ["neg", "pos"], "_type": "ClassLabel"}, "text": {"_type": "x"}}
    path = parquet({"text": ["a", "b", "c"], "label": [1, 0, -1]}, features=features)
    assert labelled(path, keep_unlabelled=True) == [
        ("a", ("pos",), 1),
        ("b", ("neg",), 2),
        ("c", (), 3),
    ]


def test_parquet_that_is_damaged(parquet, tmp_path):
    data = parquet({"text": ["a"] * 1000, "label": [1] * 1000}).read_bytes()
    for number, content in enumerate((data[:-20], data[:100] + bytes(50) + data[150:], b"PAR1")):
        path = tmp_path / f"{number}.parquet"
        path.write_bytes(content)
        with pytest.raises(InputError, match=rf"{number}\.parquet:\d+: this Parquet file is dam"):
            labelled(path)


def test_parquet_without_its_package(tmp_path, monkeypatch):
    path = tmp_path / "a.parquet"
    path.write_bytes(b"PAR1" + bytes(30))
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(InputError, match=r"a\.parquet:1: .*pip install pyarrow, or save it as CSV"):
        labelled(path)
