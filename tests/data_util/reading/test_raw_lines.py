import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import InputError
from data_util.reading.raw_lines import raw_lines


def test_raw_lines_end_at_line_feeds_only():
    data = "\ufeff一\r\n\n二\u2028\x0c\x85三\rx\n四".encode()
    lines = [(raw.number, raw.offset, raw.decode("file")) for raw in raw_lines(io.BytesIO(data))]
    assert [(number, text) for number, _, text in lines] == [
        (1, "一"),
        (2, ""),
        (3, "二\u2028\x0c\x85三\rx"),
        (4, "四"),
    ]
    for _, offset, text in lines:
        assert data[offset:].startswith(text.encode())


@given(st.lists(st.text("一a\ufeff\r\u2028\x0b ").map(str.encode)), st.booleans())
def test_raw_lines_are_the_bytes_between_line_feeds(lines, ended):
    data = b"\n".join(lines) + b"\n" * ended
    found = list(raw_lines(io.BytesIO(data)))
    expected = data.removesuffix(b"\n").split(b"\n") if data else []
    bodies = [line.rstrip(b"\r") for line in expected]
    if bodies:
        bodies[0] = bodies[0].removeprefix("\ufeff".encode())
    assert [(line.data, line.number) for line in found] == [
        (body, number) for number, body in enumerate(bodies, start=1)
    ]
    for line in found:
        assert data[line.offset :].startswith(line.data)
        assert line.number == 1 or data.count(b"\n", 0, line.offset) == line.number - 1


def test_a_byte_order_mark_is_dropped_at_the_start_only():
    data = "a\n\ufeffb".encode()
    assert [raw.decode("file") for raw in raw_lines(io.BytesIO(data))] == ["a", "\ufeffb"]


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_bytes_that_are_not_utf8_are_named(mark):
    first, second = mark + "一\n".encode(), "二".encode() + b"\xb0\xa1"
    _, raw = raw_lines(io.BytesIO(first + second))
    place = f"byte 0xb0 at offset 3 of the line, {len(first) + 3} of the file"
    with pytest.raises(InputError, match=f"^file:2: not UTF-8: {place}"):
        raw.decode("file")


def test_surrogates_in_utf8_are_refused():
    (raw,) = raw_lines(io.BytesIO(b"a\xed\xa0\xbd"))
    with pytest.raises(InputError, match="not UTF-8"):
        raw.decode("file")
