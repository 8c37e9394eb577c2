import os
import stat

import pytest

from common.errors import InputError
from common.files import read_lines, read_text, write_whole


def test_write_whole_replaces_what_was_there(tmp_path):
    path = tmp_path / "file.txt"
    write_whole(path, b"old and longer")
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["file.txt"]


def test_write_whole_gives_the_usual_permissions(tmp_path):
    usual = tmp_path / "usual"
    usual.write_bytes(b"")
    write_whole(tmp_path / "whole", b"x")
    assert stat.S_IMODE((tmp_path / "whole").stat().st_mode) == stat.S_IMODE(usual.stat().st_mode)


def test_write_whole_leaves_the_old_file_and_nothing_else_when_it_fails(tmp_path, monkeypatch):
    path = tmp_path / "file.txt"
    write_whole(path, b"old")

    def no_space(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(OSError, match="No space"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file.txt"]


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
