"""Caches that are not what `RaggedWriter` wrote."""

import hashlib

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data_util.cache.reading import FORMAT_VERSION, array_heading, fingerprint, open_cache
from data_util.cache.writing import RaggedWriter
from data_util.reading.labels import LabelSet
from data_util.tokens.tokenizers import make_tokenizer
from data_util.tokens.vocabulary import Vocabulary
from tests.hostile_files import HOSTILE_ARRAYS, damage_string, make_irregular, run_with_memory

DESCRIPTION = {"kind": "labelled"}
KEY = fingerprint(DESCRIPTION)


def read(path, below=10):
    return open_cache(path, KEY, values={"ids": below}, offsets={"offsets": "ids"})


def write(path, ids=(1, 2, 3, 4), offsets=(0, 3, 4), libver="earliest"):
    """A cache whose fingerprint and digest are right, whatever it holds."""
    arrays = {"ids": np.array(ids, np.int32), "offsets": np.array(offsets, np.int64)}
    digest = hashlib.sha256()
    with h5py.File(path, "w", libver=libver) as file:
        for name, array in arrays.items():
            file[name] = array
            digest.update(array_heading(name, array.dtype, len(array)) + array.tobytes())
        file.attrs["format_version"] = FORMAT_VERSION
        file.attrs["fingerprint"] = np.array(KEY, "S64")
        file.attrs["digest"] = np.array(digest.hexdigest(), "S64")
    return path


def test_an_honest_cache_is_read(tmp_path) -> None:
    arrays = read(write(tmp_path / "a.h5"))
    assert arrays["ids"].tolist() == [1, 2, 3, 4]
    assert arrays["offsets"].tolist() == [0, 3, 4]


@pytest.mark.parametrize(
    ("ids", "offsets", "reason"),
    [
        ((1, 2, 3, 10), (0, 3, 4), "ids has a value outside of 0 to 9"),
        ((1, 2, 3, -1), (0, 3, 4), "ids has a value outside of 0 to 9"),
        ((1, 2, 3, 4), (0, 3, 5), "offsets does not reach from 0 to 4"),
        ((1, 2, 3, 4), (1, 3, 4), "offsets does not reach from 0 to 4"),
        ((1, 2, 3, 4), (0, 3, 2, 4), "offsets is not in ascending order"),
        ((1, 2, 3, 4), (0, -(2**63), 4), "offsets is not in ascending order"),
        ((1, 2, 3, 4), (0, 2**63 - 1, 4), "offsets is not in ascending order"),
        ((1, 2, 3, 4), (), "offsets does not reach from 0 to 4"),
    ],
)
def test_what_points_outside_is_not_used_though_its_digest_is_right(
    tmp_path, caplog, ids, offsets, reason
) -> None:
    assert read(write(tmp_path / "a.h5", ids, offsets)) is None
    assert reason in caplog.text


def test_offsets_may_count_the_rows_of_other_offsets(tmp_path, caplog) -> None:
    with RaggedWriter(
        tmp_path / "a.h5", DESCRIPTION, values=("ids",), offsets=("rows", "groups")
    ) as writer:
        writer.append("ids", np.arange(4))
        writer.append_lengths("rows", np.array([1, 3]))
        writer.append_lengths("groups", np.array([2]))

    def read_groups(cut):
        return open_cache(
            tmp_path / "a.h5", KEY, values={"ids": None}, offsets={"rows": "ids", "groups": cut}
        )

    assert read_groups("rows")["groups"].tolist() == [0, 2]
    assert read_groups("ids") is None
    assert "groups does not reach from 0 to 4" in caplog.text


def test_arrays_of_other_names_are_not_used(tmp_path, caplog) -> None:
    path = write(tmp_path / "a.h5")
    assert open_cache(path, KEY, values={"ids": 10}, offsets={}) is None
    values = {"ids": 10, "label_ids": 3}
    assert open_cache(path, KEY, values=values, offsets={"offsets": "ids"}) is None
    assert open_cache(path, KEY, values={"ids": 10, "offsets": 10}, offsets={}) is None
    assert caplog.text.count("does not hold") == 2
    assert "offsets is of another type" in caplog.text


@pytest.mark.parametrize("kind", HOSTILE_ARRAYS)
def test_arrays_that_are_elsewhere_or_enormous(tmp_path, caplog, kind) -> None:
    path = write(tmp_path / "a.h5")
    with h5py.File(path, "r+") as file:
        del file["ids"]
        HOSTILE_ARRAYS[kind](file, "ids")
    values = {"ids": 10, "elsewhere": None} if kind == "soft_link" else {"ids": 10}
    assert open_cache(path, KEY, values=values, offsets={"offsets": "ids"}) is None
    assert "'ids' is" in caplog.text


def test_no_array_is_read_before_its_size_is_known(tmp_path) -> None:
    for kind, add in HOSTILE_ARRAYS.items():
        with h5py.File(write(tmp_path / f"{kind}.h5"), "r+") as file:
            del file["ids"]
            add(file, "ids")
    for size in (2**20, 2**40, 2**62):
        # The header alone is forged: the length of a real array.
        path = write(tmp_path / f"forged-{size}.h5")
        data = path.read_bytes()
        length = (4).to_bytes(8, "little")
        assert data.count(length) > 0
        path.write_bytes(data.replace(length, size.to_bytes(8, "little")))
    output = run_with_memory(
        """
        from pathlib import Path
        from data_util.cache.reading import open_cache
        ---
        for path in sorted(Path(sys.argv[1]).glob("*.h5")):
            arrays = open_cache(path, sys.argv[2], values={"ids": 10}, offsets={"offsets": "ids"})
            print(path.name, arrays)
        """,
        tmp_path,
        KEY,
    )
    assert len(output.splitlines()) == len(HOSTILE_ARRAYS) + 3
    assert all(line.endswith(" None") for line in output.splitlines())


@pytest.mark.parametrize("name", ["digest", "format_version", "fingerprint"])
@pytest.mark.parametrize("kind", ["missing", "array", "large", "text", "bytes", "float"])
def test_attributes_of_other_kinds(tmp_path, caplog, name, kind) -> None:
    path = write(tmp_path / "a.h5", libver="latest")
    with h5py.File(path, "r+", libver="latest") as file:
        del file.attrs[name]
        if kind == "array":
            file.attrs[name] = np.zeros(9, np.int64)
        elif kind == "large":
            file.attrs.create(name, np.zeros(10**6, "i8"))
        elif kind == "text":
            file.attrs[name] = KEY  # of variable length
        elif kind == "bytes":
            file.attrs[name] = np.void(b"1")
        elif kind == "float":
            file.attrs[name] = 1.5
    assert read(path) is None
    assert "made again" in caplog.text


def test_a_string_on_which_the_library_runs_for_ever(tmp_path) -> None:
    with RaggedWriter(
        tmp_path / "description.h5", DESCRIPTION, values=("ids",), offsets=("offsets",)
    ) as writer:
        writer.append("ids", np.arange(4))
        writer.append_lengths("offsets", np.array([4]))
    for name in ("digest", "format_version", "fingerprint"):
        with h5py.File(write(tmp_path / f"{name}.h5"), "r+") as file:
            del file.attrs[name]
            file.attrs[name] = KEY
    for path in tmp_path.iterdir():
        damage_string(path)
    output = run_with_memory(
        """
        from pathlib import Path
        from data_util.cache.reading import open_cache
        ---
        for path in sorted(Path(sys.argv[1]).iterdir()):
            arrays = open_cache(path, sys.argv[2], values={"ids": 10}, offsets={"offsets": "ids"})
            print(path.stem, arrays and arrays["ids"].tolist())
        """,
        tmp_path,
        KEY,
    )
    # The description is for people, and not read.
    whole, *others = output.splitlines()
    assert whole == "description [0, 1, 2, 3]"
    assert others == ["digest None", "fingerprint None", "format_version None"]


@pytest.mark.parametrize("kind", ["link", "folder", "pipe", "device", "nothing"])
def test_what_is_no_file(tmp_path, caplog, kind) -> None:
    path = tmp_path / "a.h5"
    if kind == "link":
        path.symlink_to(write(tmp_path / "other.h5"))
    elif kind == "nothing":
        path.symlink_to(tmp_path / "missing")
    else:
        make_irregular(path, kind)
    assert read(path) is None
    assert "it is a link, or no regular file" in caplog.text


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(
    labels=st.lists(st.text("abc", min_size=1, max_size=3), min_size=1, max_size=6, unique=True),
    data=st.data(),
)
def test_labelled_documents_come_back_from_the_cache(tmp_path, labels, data) -> None:
    from data_util.labelled.build_corpus import prepare_labelled_data

    words = st.lists(st.text("甲乙丙丁", min_size=1, max_size=2), min_size=1, max_size=9)
    chosen = st.lists(st.sampled_from(labels), min_size=1, unique=True)
    pairs = data.draw(st.booleans())
    # Of a single text there is no second half.
    second = words if pairs else st.just([])
    documents = data.draw(st.lists(st.tuples(words, second, chosen), min_size=1, max_size=8))
    source = tmp_path / "source.txt"
    lines = (
        "\t".join([" ".join(text), " ".join(other)][: 1 + pairs])
        + "".join(f" __label__{label}" for label in wanted)
        for text, other, wanted in documents
    )
    source.write_text("\n".join(lines), encoding="utf-8")
    tokenizer, label_set = make_tokenizer("space"), LabelSet(labels)
    vocabulary = Vocabulary.from_counts({w: 1 for a, b, _ in documents for w in a + b}, 1000)
    for _ in range(2):
        corpus = prepare_labelled_data(
            [source], tokenizer, vocabulary, label_set, cache_folder=tmp_path / "cache"
        )
        assert len(corpus) == len(documents)
        for number, (text, other, wanted) in enumerate(documents):
            parts = corpus.pair(number) if pairs else (corpus.tokens(number), ())
            assert [[vocabulary.tokens[id] for id in part] for part in parts] == [text, other]
            assert [labels[id] for id in corpus.labels(number)] == wanted
