"""The readers of all formats: any bytes are documents, or an error that names file and line."""

import gzip
import io

from common.errors import InputError
from data_util.reading.line_format import LineParser
from data_util.reading.records import Records
from data_util.reading.settings import Reading
from tests.fuzz.lines import check

NAMES = ("file.txt", "file.csv", "file.tsv")
ENCODINGS = ("utf-8", "gb18030", "utf-16", "cp1252")
_MOST = 1000


def seeds() -> list[bytes]:
    """One file of each format; the first byte says how it is read."""
    plain = b"text __label__a\n__label__b text\ntext\n"
    array = b'[\n{"text": "a", "label": ["b"]},\n{"text": "c", "label": 1}\n]\n'
    table = b'text,label\n"a, ""b""\nc",d\ne,"[""f"", ""g""]"\n'
    return [
        b"\x01" + plain,
        b"\x01" + array,
        b"\x01" + array.replace(b"\n", b""),
        b"\x01" + b'{\n"text": "a",\n"label": "b"}\n{"text": "c", "label": null}',
        b"\x09" + table,
        b"\x11" + b'text\tlabel\n"a ""b"""\tc\n',
        b"\x01" + gzip.compress(plain),
        b"\x23" + "文 __label__甲\n".encode("gb18030"),
        b"\x41" + "文 __label__甲\n".encode("utf-16"),
    ]


def one_input(data: bytes) -> None:
    """Reads the rest of the bytes as a file; the first one says how."""
    if not data:
        return
    first = data[0]
    labelled, unlabelled = bool(first & 1), bool(first & 2)
    name, encoding = NAMES[first >> 3 & 3 if first >> 3 & 3 < 3 else 0], ENCODINGS[first >> 5 & 3]
    reading = Reading(encoding=encoding, keep_unlabelled=unlabelled)
    parser = LineParser(name, labelled=labelled, reading=reading)
    last = 0
    try:
        for count, (number, item) in enumerate(Records(io.BytesIO(data[1:]), name, reading)):
            assert number >= last and number > 0
            last = number
            try:
                text, labels = parser.parse(item, number)
            except InputError as error:
                assert error.path == name and error.line == number
                assert len(str(error)) < 2000
                continue
            check(text, labels, labelled=labelled, unlabelled=unlabelled)
            if count > _MOST:  # A compressed file may have any number of lines.
                return
    except InputError as error:
        assert error.path == name and error.line and error.line >= last
        assert len(str(error)) < 2000
