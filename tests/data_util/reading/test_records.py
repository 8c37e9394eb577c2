"""Every format that a data file may have, and how a stream is told to be of it."""

import bz2
import gzip
import io
import json
import lzma
import os

import pytest

from common.errors import InputError
from data_util.reading.documents import read_documents, read_texts
from data_util.reading.raw_lines import MAX_LINE_BYTES
from data_util.reading.records import Records, described, ending_of
from data_util.reading.settings import Reading

WANTED = [("the parcel is late", ("shipping",)), ('he said "no", twice', ("billing", "login"))]
RECORDS = [{"text": text, "label": list(labels)} for text, labels in WANTED]
CAIL = [{"fact": text, "meta": {"accusation": list(labels)}} for text, labels in WANTED]
CSV_TEXT = (
    'text,label\nthe parcel is late,shipping\n"he said ""no"", twice","[""billing"", ""login""]"\n'
)
FILES = {
    "labels last.txt": "the parcel is late __label__shipping\n"
    'he said "no", twice __label__billing __label__login\n',
    "labels first.txt": "__label__shipping the parcel is late\n"
    '__label__billing __label__login he said "no", twice\n',
    "lines.jsonl": "".join(f"{json.dumps(record)}\n" for record in RECORDS),
    "cail.json": "".join(f"{json.dumps(record)}\n" for record in CAIL),
    "labels.json": json.dumps({"labels": "shipping", "sentence": WANTED[0][0]})
    + "\n"
    + json.dumps({"labels": ["billing", "login"], "sentence": WANTED[1][0]}),
    "array.json": json.dumps(RECORDS),
    "array of lines.json": "[\n" + ",\n".join(map(json.dumps, RECORDS)) + "\n]\n",
    "pretty array.json": json.dumps(CAIL, indent=2),
    "pretty records.json": "\n".join(json.dumps(record, indent=4) for record in RECORDS),
    "table.csv": CSV_TEXT,
    "windows.csv": "\ufeff" + CSV_TEXT.replace("\n", "\r\n"),
    "semicolons.csv": "Text;Label\nthe parcel is late;shipping\n"
    '"he said ""no"", twice";"[\'billing\', \'login\']"\n',
    "table.tsv": "label\ttext_a\nshipping\tthe parcel is late\n"
    '["billing", "login"]\the said "no", twice\n',
    "table without an ending": CSV_TEXT,
}
KINDS = {
    "lines.jsonl": "JSON lines with the fields text, label",
    "cail.json": "JSON lines with the fields fact, meta.accusation",
    "array.json": "a JSON array with the fields text, label",
    "pretty records.json": "JSON records with the fields text, label",
    "table.csv": "a table (CSV) with the columns text, label",
    "table.tsv": "a table (TSV) with the columns text, label",
    "labels last.txt": "plain text, a document per line",
}
PACK = {".gz": gzip.compress, ".xz": lzma.compress, ".bz2": bz2.compress}


@pytest.fixture
def write(tmp_path):
    def write(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def read(path, **settings):
    documents = read_documents([path], labelled=True, reading=Reading(**settings))
    return [(document.text, document.labels) for document in documents]


@pytest.mark.parametrize("name", FILES)
def test_every_format_gives_the_same_documents(write, name, caplog):
    path = write(name, FILES[name])
    with caplog.at_level("INFO"):
        assert read(path) == WANTED
    if name in KINDS:
        assert f"{path}: {KINDS[name]}" in caplog.messages
    free = [document.text for document in read_documents([path], labelled=False)]
    assert free == [text for text, _ in WANTED]
    with path.open("rb") as file:
        assert [document.text for document in read_texts(file, str(path))] == free


@pytest.mark.parametrize("ending", PACK)
@pytest.mark.parametrize("name", ["labels last.txt", "table.csv", "array.json"])
def test_compressed_files(write, name, ending, caplog):
    path = write(name + ending, PACK[ending](FILES[name].encode()))
    with caplog.at_level("INFO"):
        assert read(path) == WANTED
    assert any(message.startswith(f"{path}: ") and "z" in message for message in caplog.messages)


def test_zstd(write):
    zstandard = pytest.importorskip("zstandard")
    content = FILES["labels first.txt"].encode()
    assert read(write("t.zst", zstandard.ZstdCompressor().compress(content))) == WANTED
    cut = zstandard.ZstdCompressor().compress(os.urandom(100_000).hex().encode())[:-100]
    with pytest.raises(InputError, match=r"cut\.zst"):
        list(read_documents([write("cut.zst", cut)], labelled=False))


@pytest.mark.parametrize("ending", PACK)
def test_a_file_that_was_cut_off_is_named_with_its_line(write, ending):
    lines = "".join(f"{os.urandom(20).hex()} __label__x\n" for _ in range(2000))
    path = write("file.txt" + ending, PACK[ending](lines.encode())[:-2000])
    with pytest.raises(InputError, match=rf"\.txt{ending}:\d+: this \w+ file is damaged or"):
        read(path)


def test_a_packed_file_without_its_package(write, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "zstandard", None)
    with pytest.raises(InputError, match=r"zst:1: .*pip install zstandard, or unpack it"):
        read(write("file.zst", b"\x28\xb5\x2f\xfd" + bytes(20)))


@pytest.mark.parametrize("encoding", ["gb18030", "big5", "utf-16", "utf-16-be", "utf-32", "utf-8"])
def test_encodings(write, encoding):
    content = "發票抬頭錯誤 __label__發票\n\n快遞 __label__物流\n".encode(encoding)
    documents = list(
        read_documents([write("f", content)], labelled=True, reading=Reading(encoding=encoding))
    )
    assert [(d.text, d.labels, d.line) for d in documents] == [
        ("發票抬頭錯誤", ("發票",), 1),
        ("快遞", ("物流",), 3),
    ]


def test_a_wrong_encoding_is_named(write):
    path = write("f", b"a __label__a\n" * 3 + b"\xff\xfe __label__b\n")
    with pytest.raises(InputError, match=r"f:4: not in --encoding=gb18030"):
        read(path, encoding="gb18030")


def test_an_array_in_one_line_may_be_longer_than_a_line(tmp_path):
    path, text = tmp_path / "array.json", "a" * 1_000_000
    with path.open("w") as file:
        file.write("[" + json.dumps({"text": text}))
        for _ in range(MAX_LINE_BYTES // len(text) + 3):
            file.write(", " + json.dumps({"text": text}))
        file.write("]")
    assert path.stat().st_size > MAX_LINE_BYTES
    lengths = [len(document.text) for document in read_documents([path], labelled=False)]
    assert lengths == [len(text)] * (MAX_LINE_BYTES // len(text) + 4)


@pytest.mark.parametrize(
    "first",
    ["[1] see the note", '["quoted"] text', "{curly} text", "[]", "text,label,price", "text"],
)
def test_lines_that_only_look_like_another_format(first):
    records = Records(io.BytesIO(f"{first}\nmore\n".encode()), "file.txt", Reading())
    assert [item for _, item in records] == [first, "more"]
    assert records.kind == ""


def test_a_stream_is_read_no_further_than_its_rows():
    read_end, write_end = os.pipe()
    with os.fdopen(read_end, "rb") as reader, os.fdopen(write_end, "wb", buffering=0) as writer:
        writer.write(b"id,text\n")
        texts = read_texts(reader, "standard input")
        for number in range(3):
            writer.write(f"{number},late {number}\n".encode())
            document = next(texts)
            assert (document.text, document.id) == (f"late {number}", str(number))


def test_a_pipe_may_be_compressed():
    read_end, write_end = os.pipe()
    with os.fdopen(read_end, "rb") as reader:
        with os.fdopen(write_end, "wb") as writer:
            writer.write(gzip.compress(FILES["array.json"].encode()))
        texts = read_texts(reader, "standard input")
        assert [document.text for document in texts] == [text for text, _ in WANTED]


def test_ids_are_kept():
    stream = io.BytesIO(b'{"id": 7, "text": "a"}\n\n{"id": null, "text": "b"}\n{"text": "c"}\n')
    assert [document.id for document in read_texts(stream, "x")] == [7, None, None, None]


def test_names_of_fields():
    reading = Reading(text_field=("data.body",), label_field="topic", label_separator="|")
    stream = io.BytesIO(b'{"data": {"body": "a"}, "topic": "x | y z|"}\n')
    path = "named"
    from data_util.reading.line_format import LineParser

    parser = LineParser(path, labelled=True, reading=reading)
    (found,) = [parser.parse(item, number) for number, item in Records(stream, path, reading)]
    assert found == ("a", ("x", "y z"))


def test_pairs_by_the_names_of_their_fields(write):
    path = write("pairs.csv", "id,question,answer,same\n1,why,because,yes\n")
    reading = Reading(text_field=("question", "answer"), label_field="same")
    (document,) = read_documents([path], labelled=True, reading=reading)
    assert (document.texts, document.labels, document.id) == (("why", "because"), ("yes",), "1")
    for first, second in (("text_a", "text_b"), ("sentence1", "sentence2")):
        table = write("known.tsv", f"{first}\t{second}\tlabel\nwhy\tbecause\tyes\n")
        (document,) = read_documents([table], labelled=True)
        assert document.texts == ("why", "because")


def test_documents_without_labels(write):
    lines = write("lines.txt", "a __label__x\nb\n")
    table = write("table.csv", "text,label\na,x\nb,\n")
    records = write("records.json", '{"text": "a", "label": "x"}\n{"text": "b", "label": []}\n')
    for path in (lines, table, records):
        assert read(path, keep_unlabelled=True) == [("a", ("x",)), ("b", ())]
    for path in (table, records):
        assert read(path) == [("a", ("x",))]
    with pytest.raises(InputError, match=r"lines\.txt:2: a line without a label"):
        read(lines)


def test_ending_and_description(tmp_path):
    assert [ending_of(n) for n in ("a.CSV", "a.tsv.gz", "a.txt", "a", "a.gz")] == [
        ".csv",
        ".tsv",
        ".txt",
        "",
        "",
    ]
    plain, table = tmp_path / "a.txt", tmp_path / "a.csv"
    assert described([plain], Reading()) == {"version": 2}
    # The same bytes are other documents if the name or a setting says so.
    assert described([table], Reading()) == {"version": 2, "endings": [".csv"]}
    assert described([plain], Reading(text_field=("a",), pairs=False)) == {
        "version": 2,
        "text_field": ["a"],
        "pairs": False,
    }
