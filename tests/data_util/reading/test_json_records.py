import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import InputError
from data_util.reading.json_records import begins_records, read_records
from data_util.reading.settings import Reading

RECORDS = st.lists(
    st.dictionaries(st.text(max_size=3), st.text(max_size=9) | st.lists(st.integers()), min_size=1)
)


def read(text):
    data = text if isinstance(text, bytes) else text.encode()
    return list(read_records(io.BytesIO(data), Reading()))


@given(RECORDS, st.sampled_from([None, 1]), st.booleans())
def test_what_the_json_module_writes_comes_back(records, indent, ascii_only):
    text = json.dumps(records, indent=indent, ensure_ascii=ascii_only)
    assert [record for _, record in read(text)] == records
    alone = "\n".join(json.dumps(record, indent=indent) for record in records)
    assert [record for _, record in read(alone)] == records


def test_lines_and_blocks():
    # The blocks that are read end anywhere, in the middle of a character too.
    records = [{"text": "文" * 50_000, "n": number} for number in range(5)]
    found = read(json.dumps(records, indent=2, ensure_ascii=False))
    assert [record for _, record in found] == records
    assert [line for line, _ in found] == [2, 6, 10, 14, 18]


def test_an_array_of_texts():
    assert read('["a", "b"]') == [(1, {"text": "a"}), (1, {"text": "b"})]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ('[\n{"a": 1},\n{"a": 1\n"b": 2}\n]', 4, "not JSON: Expecting ',' delimiter"),
        ('[\n{"a": 1},\n{"a": ', 3, "not JSON: Expecting value"),
        ('[\n{"a": 1}\n{"a": 2}\n]', 3, "a comma or the end of the array is expected here"),
        ('[\n{"a": 1},\n7]', 3, "a JSON object is expected here"),
        ('[\n{"a": 1},', 2, "the JSON array does not end"),
        ('[\n{"a": 1}\n]\nmore', 4, "text after the end of the JSON array"),
        ('{\n"a": 1}\n7', 3, "a JSON object is expected here"),
        ('[{"a": 1, "a": 2}]', 1, "the key 'a' is there twice"),
        (b'[\n{"a": "\xff"}]', 2, "not UTF-8"),
        ('[{"a": ' + "[" * 100_000, 1, "not JSON: maximum recursion"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(text, line, message):
    with pytest.raises(InputError, match=message) as caught:
        read(text)
    assert caught.value.line == line


@pytest.mark.parametrize(
    ("line", "begins"),
    [
        ("[", True),
        ("{", True),
        ('[{"a": 1},', True),
        ("[{", True),
        ('["a", "b"]', True),
        ('["a",', True),
        ('{"a": 1}', False),
        ("[1, 2]", False),
        ('["a"] b', False),
        ("{a}", False),
        ("[]", False),
    ],
)
def test_first_lines(line, begins):
    assert begins_records(line) is begins
