import os

import pytest

from common.errors import CheckpointError, InputError
from common.files import (
    check_regular,
    digests,
    is_plain_name,
    read_json,
    read_lines,
    read_text,
    to_json,
)
from tests.hostile_files import make_irregular, run_with_memory


def test_read_lines_ends_lines_at_line_feeds_only(tmp_path):
    path = tmp_path / "file.txt"
    path.write_bytes("\ufeffa\u2028b\r\nc\x85d\n\ne".encode())
    assert read_lines(path) == ["a\u2028b", "c\x85d", "", "e"]


@pytest.mark.parametrize(
    ("data", "lines"), [(b"", []), (b"\n", [""]), (b"a", ["a"]), (b"a\n", ["a"])]
)
def test_read_lines_at_the_end_of_a_file(tmp_path, data, lines):
    path = tmp_path / "file.txt"
    path.write_bytes(data)
    assert read_lines(path) == lines


def test_read_text_says_what_is_wrong(tmp_path):
    path = tmp_path / "file.txt"
    with pytest.raises(InputError, match="cannot be read: No such file"):
        read_text(path)
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        read_text(tmp_path)
    path.write_bytes("一\n".encode() + "二".encode("gb18030"))
    with pytest.raises(InputError, match=r"file\.txt:2: not UTF-8 at byte 4"):
        read_text(path)


def test_json_with_the_name_of_a_file_that_is_not_utf8(tmp_path):
    name = os.fsdecode(b"\xff.txt")
    (tmp_path / "a.json").write_bytes(to_json({"file": name, "label": "盗窃"}))
    assert read_json(tmp_path / "a.json", "a file") == {"file": name, "label": "盗窃"}
    assert "盗窃" in (tmp_path / "a.json").read_text(encoding="utf-8")


def test_digests_are_of_the_bytes(tmp_path):
    for name, content in (("a", b"text"), ("b", b"text"), ("c", b"Text")):
        (tmp_path / name).write_bytes(content)
    a, b, c = digests([tmp_path / name for name in "abc"])
    assert a == b != c
    assert a == "982d9e3eb996f559e633f4d194def3761d909f5a3b647d1a851fead67c32c9d1"


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../a", "a/b", "/a", "a\\b", "a\0b", "a\nb", "\x1b[2Ja", "\ud800", 5, None],
)
def test_names_that_lead_elsewhere_or_cannot_be_seen(name):
    assert not is_plain_name(name)


@pytest.mark.parametrize("name", ["config.json", ".hidden", "标签.txt", "a b"])
def test_plain_names(name):
    assert is_plain_name(name)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "not JSON"),
        (b'{"a": ' + b"[" * 100_000, "not JSON"),
        (b'{"a": ' + b"1" * 5000 + b"}", "not JSON"),
        (b"[]", "a list is expected here, but this is not a JSON object"),
        (b'{"a": "\xff"}', "not UTF-8"),
    ],
)
def test_json_that_is_none(tmp_path, content, message):
    path = tmp_path / "config.json"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=rf"config\.json.*{message}"):
        read_json(path, "a list", CheckpointError)


def test_json_of_5_gb_and_json_that_grows_take_little_memory(tmp_path):
    with (tmp_path / "large.json").open("wb") as file:
        file.truncate(5 << 30)
    (tmp_path / "lists.json").write_bytes(b'{"a": [' + b"[]," * (11 << 20))
    output = run_with_memory(
        """
        from pathlib import Path
        from common.errors import CheckpointError
        from common.files import read_json
        ---
        for name in ("large.json", "lists.json"):
            try:
                read_json(Path(sys.argv[1]) / name, "a list", CheckpointError)
            except CheckpointError as error:
                print(error)
        """,
        tmp_path,
    )
    assert output.count("more than 33,554,432 bytes") == 2


@pytest.mark.parametrize("kind", ["link", "folder", "pipe", "device"])
def test_what_is_no_file_of_its_own(tmp_path, kind):
    path = tmp_path / "config.json"
    make_irregular(path, kind)
    with pytest.raises(CheckpointError, match=r"symbolic link|not a regular file"):
        check_regular(path, CheckpointError)
