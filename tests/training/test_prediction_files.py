import os
import threading

import pytest

from common.errors import InputError, OptionError
from training.prediction_files import check_files, open_source, open_target, place_of_part


def test_the_size_of_a_file_is_known(tmp_path):
    path = tmp_path / "in.txt"
    path.write_bytes(b"one\ntwo\n")
    check_files(str(path), "-")
    with open_source(str(path)) as source:
        assert (source.stream.read(), source.name, source.size) == (b"one\ntwo\n", str(path), 8)


def test_a_named_pipe_is_an_input(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    check_files(str(pipe), str(tmp_path / "out"))
    writer = threading.Thread(target=pipe.write_bytes, args=(b"one\n",), daemon=True)
    writer.start()
    with open_source(str(pipe)) as source:
        assert (source.stream.readline(), source.size) == (b"one\n", None)
    writer.join(10)


def test_standard_input_by_its_name(monkeypatch):
    reading, writing = os.pipe()
    os.write(writing, b"one\n")
    os.close(writing)
    path = f"/dev/fd/{reading}"
    check_files(path, "-")
    with open_source(path) as source:
        assert (source.stream.read(), source.size) == (b"one\n", None)
    os.close(reading)


def test_what_cannot_be_read_or_written(tmp_path):
    there = tmp_path / "in.txt"
    there.write_bytes(b"one\n")
    for source in (tmp_path / "none", tmp_path):
        with pytest.raises(InputError, match=r"no such file|a folder"):
            check_files(str(source), "-")
    for target in (there, tmp_path, tmp_path / "no/out"):
        with pytest.raises(OptionError, match=r"input file|is a folder|there is no folder"):
            check_files(str(there), str(target))


def test_where_the_part_is(tmp_path):
    path = tmp_path / "out"
    os.mkfifo(tmp_path / "pipe")
    assert place_of_part(str(path)) == f"{path}.part"
    assert place_of_part("-") == place_of_part(str(tmp_path / "pipe")) == "the output"


def test_only_a_mistake_of_the_input_keeps_a_part(tmp_path):
    path = tmp_path / "out"
    for error, kept in ((OSError("full"), False), (InputError("wrong"), True)):
        with pytest.raises(type(error)), open_target(str(path)) as target:
            target.write(b"one\n")
            raise error
        assert (tmp_path / "out.part").exists() == kept
        assert not path.exists()
    assert (tmp_path / "out.part").read_bytes() == b"one\n"
