import errno
import json
import os
from itertools import pairwise

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.errors import InputError
from data_util.cache import reading
from data_util.cache.reading import fingerprint
from data_util.cache.writing import RaggedWriter, cache_path

DESCRIPTION = {"sources": ["ab", "cd"], "tokenizer": {"style": "word"}, "limit": None}
KEY = fingerprint(DESCRIPTION)


def open_cache(path, key, values=("ids",), offsets=("offsets",)):
    return reading.open_cache(
        path, key, values=dict.fromkeys(values), offsets=dict.fromkeys(offsets, "ids")
    )


def write(path, rows=((1, 2, 3), (), (4,))):
    with RaggedWriter(path, DESCRIPTION, values=("ids",), offsets=("offsets",)) as writer:
        for row in rows:
            writer.append("ids", np.array(row, np.int64))
        writer.append_lengths("offsets", np.array([len(row) for row in rows]))
    return path


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(rows=st.lists(st.lists(st.integers(0, 2**31 - 1), max_size=20), max_size=10))
def test_what_is_written_is_what_is_read(tmp_path, rows) -> None:
    arrays = open_cache(write(tmp_path / "a.h5", rows), KEY)
    assert arrays["ids"].dtype == np.int32 and arrays["offsets"].dtype == np.int64
    assert len(arrays["offsets"]) == len(rows) + 1
    read = [arrays["ids"][a:b].tolist() for a, b in pairwise(arrays["offsets"])]
    assert read == rows


def test_flags_take_a_byte_each(tmp_path) -> None:
    path, flags = tmp_path / "a.h5", {"flags": ("starts",)}
    for values in ([1, 0, 1], [1, 2, 0]):
        with RaggedWriter(path, DESCRIPTION, values=(), offsets=(), **flags) as writer:
            writer.append("starts", np.array(values))
        arrays = reading.open_cache(path, KEY, values={}, offsets={}, **flags)
        if max(values) > 1:
            assert arrays is None
        else:
            assert arrays["starts"].tolist() == values and arrays["starts"].dtype == np.uint8
    assert reading.open_cache(path, KEY, values={"starts": None}, offsets={}) is None


def test_h5py_reads_the_same_and_the_data_are_contiguous(tmp_path) -> None:
    with h5py.File(write(tmp_path / "a.h5")) as file:
        assert file["ids"][:].tolist() == [1, 2, 3, 4]
        assert file["offsets"][:].tolist() == [0, 3, 3, 4]
        assert file["ids"].chunks is None
        assert file.attrs["fingerprint"].decode() == KEY
        assert json.loads(file.attrs["description"]) == DESCRIPTION


def test_ids_are_a_read_only_map_of_the_file(tmp_path) -> None:
    ids = open_cache(write(tmp_path / "a.h5"), KEY)["ids"]
    assert isinstance(ids, np.memmap)
    with pytest.raises(ValueError):
        ids[0] = 7


def test_provisional_ids_are_replaced(tmp_path) -> None:
    with RaggedWriter(tmp_path / "a.h5", DESCRIPTION, values=("a", "b"), offsets=()) as writer:
        writer.append("a", np.array([0, 2, 1]))
        writer.append("b", np.array([0, 2, 1]))
        writer.remap("a", np.array([10, 11, 12]))
    arrays = open_cache(tmp_path / "a.h5", KEY, values=("a", "b"), offsets=())
    assert arrays["a"].tolist() == [10, 12, 11]
    assert arrays["b"].tolist() == [0, 2, 1]


def test_no_file_is_no_cache(tmp_path, caplog) -> None:
    assert open_cache(tmp_path / "a.h5", KEY) is None
    assert not caplog.messages


def test_a_cache_that_is_cut_short_is_not_used(tmp_path, caplog) -> None:
    path = write(tmp_path / "a.h5", [range(1000)])
    whole = path.read_bytes()
    for length in (0, 1, 100, len(whole) // 2, len(whole) - 8, len(whole) - 1):
        path.write_bytes(whole[:length])
        caplog.clear()
        assert open_cache(path, KEY) is None
        assert "made again" in caplog.text


def test_no_altered_byte_changes_what_is_read(tmp_path, caplog) -> None:
    path = write(tmp_path / "a.h5", [range(200)])
    whole, honest = path.read_bytes(), open_cache(path, KEY)
    ids = honest["ids"].tolist()
    refused = 0
    for place in range(0, len(whole), 13):
        altered = bytearray(whole)
        altered[place] ^= 0x15
        path.write_bytes(altered)
        arrays = open_cache(path, KEY)
        if arrays is None:
            refused += 1
        else:
            assert arrays["ids"].tolist() == ids
            assert arrays["offsets"].tolist() == honest["offsets"].tolist()
    assert refused >= 200 * 4 // 13


def test_an_altered_id_is_found(tmp_path, caplog) -> None:
    path = write(tmp_path / "a.h5")
    with h5py.File(path) as file:
        place = file["ids"].id.get_offset()
    altered = bytearray(path.read_bytes())
    altered[place] ^= 1
    path.write_bytes(altered)
    assert open_cache(path, KEY) is None
    assert "altered" in caplog.text


def test_another_version_is_not_used(tmp_path, caplog) -> None:
    path = write(tmp_path / "a.h5")
    with h5py.File(path, "r+") as file:
        file.attrs["format_version"] = 0
    assert open_cache(path, KEY) is None
    assert "version 0" in caplog.text


def test_another_fingerprint_is_not_used(tmp_path, caplog) -> None:
    path = write(tmp_path / "a.h5")
    assert open_cache(path, fingerprint({**DESCRIPTION, "limit": 5})) is None
    assert "another source" in caplog.text


def test_datasets_that_cannot_be_mapped_are_not_used(tmp_path, caplog) -> None:
    for number, change in enumerate((_chunked, _linked, _floats, _group, _external)):
        path = write(tmp_path / f"{number}.h5")
        with h5py.File(path, "r+") as file:
            del file["ids"]
            change(file, tmp_path)
        assert open_cache(path, KEY) is None
        assert "'ids' is" in caplog.messages[-1]


def _chunked(file, folder):
    file.create_dataset("ids", data=np.arange(4, dtype=np.int32), chunks=(2,))


def _linked(file, folder):
    file["ids"] = h5py.ExternalLink("0.h5", "/offsets")


def _floats(file, folder):
    file.create_dataset("ids", data=np.zeros(4))


def _group(file, folder):
    file.create_group("ids")


def _external(file, folder):
    raw = folder / "raw"
    raw.write_bytes(bytes(16))
    file.create_dataset("ids", (4,), np.int32, external=[(str(raw), 0, 16)])


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_exception_leaves_nothing(tmp_path, error) -> None:
    with (
        pytest.raises(error),
        RaggedWriter(tmp_path / "a.h5", DESCRIPTION, values=("ids",), offsets=()) as writer,
    ):
        writer.append("ids", np.arange(10))
        raise error
    assert list(tmp_path.iterdir()) == []


def test_an_exception_while_the_file_is_written_leaves_the_old_one(tmp_path) -> None:
    path = write(tmp_path / "a.h5")
    before = path.read_bytes()
    with (
        pytest.raises(IndexError),
        RaggedWriter(path, DESCRIPTION, values=("ids",), offsets=()) as writer,
    ):
        writer.append("ids", np.array([5]))
        writer.remap("ids", np.array([0]))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_fingerprint_depends_on_content_and_not_on_the_order_of_keys() -> None:
    assert fingerprint({"a": 1, "b": [2]}) == fingerprint({"b": [2], "a": 1})
    assert fingerprint({"a": 1, "b": [2]}) != fingerprint({"a": 1, "b": [3]})


def test_a_cache_folder_that_is_a_file_is_a_clear_error(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="--data_path"):
        cache_path(tmp_path / "file", "pretraining", KEY)
    assert cache_path(tmp_path / "new", "pretraining", KEY).name == f"pretraining-{KEY[:16]}.h5"


def test_a_cache_folder_that_cannot_be_written_to_is_a_clear_error(tmp_path) -> None:
    with pytest.raises(InputError, match="--data_path"):
        write(tmp_path / "missing" / "a.h5")


def test_what_a_killed_process_left_is_removed_and_nothing_else(tmp_path) -> None:
    abandoned = tmp_path / ".a-dead"
    abandoned.mkdir()
    (abandoned / ".lock").touch()
    (abandoned / "ids").write_bytes(b"half")
    for unknown in (".a-unknown", ".b-other"):
        (tmp_path / unknown).mkdir()
    (tmp_path / ".b-other" / ".lock").touch()
    (tmp_path / ".a-unknown" / "ids").touch()
    # Of a process that was killed while it removed the folder, whose lock goes last.
    (tmp_path / ".a-empty").mkdir()
    with RaggedWriter(tmp_path / "a.h5", DESCRIPTION, values=("ids",), offsets=()):
        assert not abandoned.exists()
        assert not (tmp_path / ".a-empty").exists()
        # Another process writes the same cache at the same time: it is alive.
        write(tmp_path / "a.h5")
        assert len(list(tmp_path.glob(".a-*"))) == 2
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"a.h5", ".a-unknown", ".b-other"}


def test_a_full_disk_is_a_clear_error_and_leaves_nothing(tmp_path, monkeypatch) -> None:
    def fail(*arguments):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", fail)
    with pytest.raises(InputError, match=r"\(No space left on device\); free .* --data_path"):
        write(tmp_path / "a.h5")
    assert list(tmp_path.iterdir()) == []
    with (
        pytest.raises(InputError, match="No space left on device"),
        RaggedWriter(tmp_path / "a.h5", DESCRIPTION, values=("ids",), offsets=()) as writer,
    ):
        # Full already while the text is read: closing the file fails too.
        writer._files["ids"].close()
        writer._files["ids"] = open("/dev/full", "wb")  # noqa: SIM115
        for _ in range(100):
            writer.append("ids", np.arange(1000))
    assert list(tmp_path.iterdir()) == []
