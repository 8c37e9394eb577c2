"""The line parser: any bytes are documents, or an error that names the line."""

import io

from common.errors import InputError
from data_util.reading.labels import label_problem
from data_util.reading.line_format import LineParser
from data_util.reading.raw_lines import raw_lines
from data_util.reading.settings import Reading

LABEL_FIELDS = ("accusation", "relevant_articles")


def one_input(data: bytes) -> None:
    """Reads the rest of the bytes as a file; the first one says how."""
    if not data:
        return
    labelled, field = bool(data[0] & 1), LABEL_FIELDS[data[0] >> 1 & 1]
    reading = Reading(label_field=field, keep_unlabelled=bool(data[0] & 4))
    parser = LineParser("file", labelled=labelled, reading=reading)
    number = 0
    for raw in raw_lines(io.BytesIO(data[1:])):
        number += 1
        assert raw.number == number
        try:
            text, labels = parser.parse(raw.decode("file"), raw.number)
        except InputError as error:
            assert error.path == "file" and error.line == number
            assert len(str(error)) < 2000
            continue
        check(text, labels, labelled=labelled, unlabelled=reading.keep_unlabelled)


def check(text, labels, *, labelled: bool, unlabelled: bool) -> None:
    """What holds for every document."""
    parts = (text,) if isinstance(text, str) else text
    assert len(parts) == 1 or all(parts)
    for part in parts:
        assert part == part.strip() and "\0" not in part
    "".join((*parts, *labels)).encode()
    assert not labels or text
    if labelled:
        assert not text or labels or unlabelled
    else:
        assert not labels and not any("__label__" in part for part in parts)
    for label in labels:
        assert label == " ".join(label.split()) and label_problem(label) is None
