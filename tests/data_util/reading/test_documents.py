import io
import json
import os
from pathlib import Path

import pytest

from common.errors import InputError, OptionError
from data_util.reading.documents import (
    Document,
    locate_documents,
    read_documents,
    read_texts,
    texts_or_errors,
)
from data_util.reading.settings import Reading
from data_util.reading.sources import check_paths
from tests.real_data import real_file


@pytest.fixture
def write(tmp_path):
    def write(content: str | bytes, name: str = "file.txt") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def texts(*paths, **options):
    return [document.text for document in read_documents(paths, labelled=False, **options)]


def test_labelled_documents(write):
    path = write("\ufeff一 二 __label__a __label__b\r\n\n \n三 __label__a")
    assert list(read_documents([path], labelled=True)) == [
        Document("一 二", ("a", "b"), str(path), 1),
        Document("三", ("a",), str(path), 4),
    ]


def test_free_text(write):
    path = write("一。二。\n\n__label__x\n三 __label__x\n")
    assert list(read_documents([path], labelled=False)) == [
        Document("一。二。", (), str(path), 1),
        Document("三", (), str(path), 4),
    ]


def test_json(write):
    lines = [
        {"fact": " 一。\n二。 ", "meta": {"accusation": ["盗窃"], "relevant_articles": [264, 25]}},
        {"fact": "三", "meta": {"accusation": ["诈骗", "盗窃"], "relevant_articles": [266]}},
    ]
    path = write("\n" + "\n".join(json.dumps(line) for line in lines) + "\n")
    assert list(read_documents([path], labelled=True)) == [
        Document("一。\n二。", ("盗窃",), str(path), 2),
        Document("三", ("诈骗", "盗窃"), str(path), 3),
    ]
    articles = read_documents(
        [path], labelled=True, reading=Reading(label_field="relevant_articles")
    )
    assert [document.labels for document in articles] == [("264", "25"), ("266",)]
    assert texts(path) == ["一。\n二。", "三"]
    assert texts(path, unit="sentence") == ["一。\n二。", "三"]


def test_pairs(write):
    path = write("\ufeff一\t二 三 __label__a\r\n\n四\t五 __label__b")
    pairs = [
        Document("一", ("a",), str(path), 1, "二 三"),
        Document("四", ("b",), str(path), 3, "五"),
    ]
    assert list(read_documents([path], labelled=True)) == pairs
    assert [pair.texts for pair in pairs] == [("一", "二 三"), ("四", "五")]
    free = [Document(d.text, (), d.path, d.line, d.text_b) for d in pairs]
    assert list(read_documents([path], labelled=False)) == free
    assert list(read_documents([path], labelled=False, unit="sentence")) == free


def test_a_pair_is_a_document_of_its_own_among_sentences(write):
    path = write("一\t二\n三\n四\n五\t六\n七\n")
    documents = list(read_documents([path], labelled=False, unit="sentence"))
    texts = [(document.texts, document.line) for document in documents]
    assert texts == [(("一", "二"), 1), ("三\n四", 2), (("五", "六"), 4), ("七", 5)]


def test_every_file_has_its_own_format(write):
    paths = [write('{"fact": "一"}', "a"), write("二\n三", "b"), write('{"fact": "四"}', "c")]
    assert texts(*paths) == ["一", "二", "三", "四"]


def test_sentences_are_joined_until_a_blank_line(write):
    path = write("\n一\n二 __label__x\n \n\n三\n")
    other = write("四\n五", "other.txt")
    documents = list(read_documents([path, other], labelled=False, unit="sentence"))
    assert documents == [
        Document("一\n二", (), str(path), 2),
        Document("三", (), str(path), 6),
        Document("四\n五", (), str(other), 1),
    ]


def test_max_documents_counts_all_files_and_reads_no_further(write):
    paths = [write("一\n二\n", "a"), write(b"\xe4\xb8\x89\n\xff\n", "b")]
    assert texts(*paths, max_documents=1) == ["一"]
    assert texts(*paths, max_documents=3) == ["一", "二", "三"]
    with pytest.raises(InputError, match="b:2: not UTF-8"):
        texts(*paths, max_documents=4)
    with pytest.raises(InputError, match=r"at least one document has to be read\. Received: 0"):
        texts(*paths, max_documents=0)


def test_a_wrong_line_is_named(write):
    path = write("一 __label__a\n\n二\n")
    with pytest.raises(InputError, match=r"file\.txt:3: a line without a label"):
        list(read_documents([path], labelled=True))


@pytest.mark.parametrize("content", ["\n", " \r\n\t\n\u3000", "\ufeff", "__label__x\n"])
@pytest.mark.parametrize("unit", ["document", "sentence"])
def test_a_file_without_a_document(write, content, unit):
    good = write("一", "good.txt")
    with pytest.raises(InputError, match=r"file\.txt: there is no text in this file"):
        texts(good, write(content), unit=unit)


def test_wrong_options_are_told_before_anything_is_read(write):
    path = write("一")
    with pytest.raises(InputError, match=r"document, sentence, file\. Received: 'line'"):
        read_documents([path], labelled=False, unit="line")
    with pytest.raises(InputError, match='the unit must be "document"'):
        read_documents([path], labelled=True, unit="sentence")
    with pytest.raises(OptionError, match="--encoding=x: there is no such encoding"):
        read_documents([path], labelled=False, reading=Reading(encoding="x"))
    with pytest.raises(InputError, match="no such file"):
        read_documents([path, "missing.txt"], labelled=False)


def test_check_paths(write, tmp_path):
    path = write("一")
    assert check_paths([str(path), path]) == [path, path]
    assert check_paths(str(path)) == [path]
    with pytest.raises(InputError, match="name at least one"):
        check_paths([])
    with pytest.raises(InputError, match=r"missing\.txt: there is no such file.*check the name"):
        check_paths([path, tmp_path / "missing.txt"])
    with pytest.raises(InputError, match="this is a folder: name a file in it"):
        check_paths([tmp_path])
    with pytest.raises(InputError, match=r"empty\.txt: the file is empty"):
        check_paths([write("", "empty.txt")])
    with pytest.raises(InputError, match="the name of a data file is empty"):
        check_paths([""])
    with pytest.raises(InputError, match="cannot be opened"):
        check_paths(["a\0b"])


def test_check_paths_does_not_wait_for_a_pipe(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(InputError, match="not a regular file"):
        check_paths([pipe])


def test_check_paths_says_that_permission_is_missing(write, monkeypatch):
    path = write("一")

    def refuse(*arguments):
        raise PermissionError(13, "Permission denied")

    # A privileged account may read every file, so the refusal is made here.
    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(InputError, match=r"file\.txt: no permission to read"):
        check_paths([path])


def test_read_texts_gives_one_document_a_line():
    stream = io.BytesIO("\ufeff一 __label__x\r\n\n \n二\n\n".encode())
    assert list(read_texts(stream, "input")) == [
        Document("一", (), "input", 1),
        Document("", (), "input", 2),
        Document("", (), "input", 3),
        Document("二", (), "input", 4),
        Document("", (), "input", 5),
    ]
    assert list(read_texts(io.BytesIO(b""), "input")) == []


def test_read_texts_of_pairs():
    stream = io.BytesIO("一\t二 __label__x\n\n三\t四\n五\n".encode())
    documents = read_texts(stream, "input", pairs=True)
    assert [next(documents) for _ in range(3)] == [
        Document("一", (), "input", 1, "二"),
        Document("", (), "input", 2),
        Document("三", (), "input", 3, "四"),
    ]
    with pytest.raises(
        InputError, match=r"^input:4: a single text, but the classifier reads pairs"
    ):
        next(documents)
    with pytest.raises(InputError, match=r"^input:1: a pair of texts, but the classifier reads"):
        next(read_texts(io.BytesIO(b'{"text_a": "a", "text_b": "b"}\n'), "input"))


def test_a_tab_is_white_space_where_single_texts_are_read():
    stream = io.BytesIO(b"a\tb\n\tc\t\td\t\n")
    assert [document.texts for document in read_texts(stream, "input")] == ["a\tb", "c\t\td"]


def test_a_wrong_line_among_others():
    stream = io.BytesIO(b"one\n\xff\nthree\n")
    one, error, three = texts_or_errors(stream, "input")
    assert (one.text, one.line, three.text, three.line) == ("one", 1, "three", 3)
    assert str(error).startswith("input:2: not UTF-8")


def test_read_texts_of_json():
    stream = io.BytesIO(b'\n{"fact": "a"}\n\n{"fact": ""}\n{"fact": "b", "meta": {}}\n{"x": 1}')
    documents = read_texts(stream, "input")
    assert [next(documents).text for _ in range(5)] == ["", "a", "", "", "b"]
    with pytest.raises(InputError, match=r"^input:6: .*`fact`"):
        next(documents)


def test_read_texts_answers_line_by_line():
    read_end, write_end = os.pipe()
    with os.fdopen(read_end, "rb") as reader, os.fdopen(write_end, "wb", buffering=0) as writer:
        documents = read_texts(reader, "input")
        for text in ("first", "second"):
            writer.write(f"{text}\n".encode())
            assert next(documents).text == text


def test_real_data():
    path = real_file("cail2018/valid.json")
    documents = list(read_documents([path], labelled=True))
    facts = [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]
    assert [document.text for document in documents] == [fact["fact"].strip() for fact in facts]
    assert [list(document.labels) for document in documents] == [
        fact["meta"]["accusation"] for fact in facts
    ]


def test_records_without_labels_are_left_out_with_one_warning(tmp_path, caplog):
    path = tmp_path / "cases.json"
    records = [
        {"fact": "一", "meta": {"accusation": ["盗窃"], "relevant_articles": None}},
        {"fact": "二", "meta": {"accusation": ["诈骗"], "relevant_articles": [266]}},
    ]
    path.write_text("".join(f"{json.dumps(r, ensure_ascii=False)}\n" for r in records), "utf-8")
    for _ in range(2):
        documents = read_documents(
            [path], labelled=True, reading=Reading(label_field="relevant_articles")
        )
        assert [(document.text, document.labels) for document in documents] == [("二", ("266",))]
    warnings = [r.message for r in caplog.records if "left out" in r.message]
    assert warnings == [f"{path}: 1 documents have no labels and are left out"]


def test_a_file_of_records_without_labels_is_an_error(tmp_path):
    path = tmp_path / "cases.json"
    path.write_text('{"fact": "a", "meta": {"accusation": []}}\n', "utf-8")
    with pytest.raises(InputError, match="only records without labels"):
        list(read_documents([path], labelled=True))


def test_places_of_documents(tmp_path) -> None:
    one, two = tmp_path / "one.txt", tmp_path / "two.txt"
    one.write_text("甲。\n\n乙。\n", encoding="utf-8")
    two.write_text("丙。\n丁。\n", encoding="utf-8")
    places = locate_documents([3, 1, 1], [one, two], labelled=False)
    assert places == [f"{one}:3", f"{two}:2"]
    one.unlink()
    gone = locate_documents([3, 1], [one, two], labelled=False)
    assert gone == ["document 1 (from 0)", "document 3 (from 0)"]
