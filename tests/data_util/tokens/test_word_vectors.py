import gzip
import tracemalloc
import zlib

import numpy as np
import pytest

from common.errors import InputError
from data_util.tokens import word_vectors
from data_util.tokens.vocabulary import RESERVED, Vocabulary
from data_util.tokens.word_vectors import read_word_vectors

VOCABULARY = Vocabulary([*RESERVED, "盗窃", "手机", "the", "a", "missing", "never"])

# Worked by hand: words with a space and of odd bytes, one of the vocabulary twice, one that is
# spelled like a reserved token, a carriage return, a space at the end (word2vec writes it).
TEXT = (
    b"9 3\n"
    b"the 1.0 -2 3e-1\n" + "盗窃 0.5 0.25 -0.125 \n".encode() + b"New York 7 7 7\n"
    b"\xff\xfe 8 8 8\n"
    b"the 9 9 9\n" + "手机 -1 0 1\r\n".encode() + b"[MASK] 5 5 5\n"
    b"the moon 6 6 6\n" + "\u00a0 4 4 4\n".encode()
)


@pytest.fixture
def read(tmp_path):
    """Writes a file and reads its vectors."""

    def make(content, vocabulary=VOCABULARY, name="vectors.txt", seed=1):
        path = tmp_path / name
        path.write_bytes(content)
        return read_word_vectors(path, vocabulary, seed=seed)

    return make


def row(vectors, token):
    return vectors.values[VOCABULARY.tokens.index(token)].tolist()


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_file_worked_by_hand(read, pack, caplog):
    caplog.set_level("INFO")
    vectors = read(pack(TEXT))
    assert vectors.values.dtype == np.float32
    assert vectors.values.shape == (len(VOCABULARY), 3)
    assert row(vectors, "the") == [1.0, -2.0, np.float32(0.3)]
    assert row(vectors, "盗窃") == [0.5, 0.25, -0.125]
    assert row(vectors, "手机") == [-1.0, 0.0, 1.0]
    found = {token for token, there in zip(VOCABULARY.tokens, vectors.found, strict=True) if there}
    assert found == {"the", "盗窃", "手机"}
    assert (vectors.words, vectors.duplicates, vectors.unusable) == (9, 1, 0)
    assert (
        "vectors of 3 values for 3 of 11 tokens (27.3 %), 8 not found; 9 words read" in caplog.text
    )
    assert "repeated words: 1" in caplog.text


def test_what_was_not_found_has_the_scale_of_what_was(read):
    tokens = [*RESERVED, *(f"w{index}" for index in range(2000))]
    random = np.random.default_rng(3)
    lines = [
        f"w{index} " + " ".join(map(repr, (0.4 * random.standard_normal(20)).tolist()))
        for index in range(1000)
    ]
    content = ("1000 20\n" + "\n".join(lines)).encode()
    vectors = read(content, Vocabulary(tokens))
    known, drawn = vectors.values[vectors.found], vectors.values[~vectors.found]
    assert len(drawn) == 1005
    assert drawn.std() == pytest.approx(known.std(), rel=0.03)
    assert abs(drawn.mean()) < 0.02
    assert len(np.unique(drawn)) > 20_000
    np.testing.assert_array_equal(read(content, Vocabulary(tokens)).values, vectors.values)
    assert (read(content, Vocabulary(tokens), seed=2).values != vectors.values).any()


def test_a_file_without_a_first_line(read, caplog):
    caplog.set_level("INFO")
    vectors = read(b"\xef\xbb\xbfthe 1 2\na 3 4\n")
    assert row(vectors, "the") == [1.0, 2.0]
    assert row(vectors, "a") == [3.0, 4.0]
    assert "no first line with the number of words" in caplog.text


def test_lines_that_cannot_be_used_are_counted(read, caplog):
    content = b"7 2\nthe 1 2\na nan 2\nmissing 1e39 1\nnever 1\na x 2\na 1 2 3\na inf 1\n"
    vectors = read(content)
    assert (vectors.unusable, vectors.found.sum()) == (6, 1)
    assert np.isfinite(vectors.values).all()
    assert "6 lines cannot be used and are left out; the first is line 3" in caplog.text


@pytest.mark.parametrize("header", [b"", b"3 2\n"])
@pytest.mark.parametrize("first", [b"the nan 2", b"the 1 inf", b"the 1e39 1"])
def test_the_first_vector_may_be_unusable_too(read, header, first):
    vectors = read(header + first + b"\na 3 4\nthe 1 2\n")
    assert row(vectors, "the") == [1.0, 2.0]
    assert row(vectors, "a") == [3.0, 4.0]
    assert vectors.unusable == 1


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        (b"2 3\nthe 1 2\na 1 2\n", 2, "promises 3 values per word, and this line has fewer"),
        (b"2 2\nthe 1 2 3\na 1 2 3\n", 2, "promises 2 values per word"),
        (b"2 2\nthe x y\na 1 2\n", 2, "promises 2 values"),
        (b"1 2\nthe 1 2\na 1 2\n", 3, "more words than the 1 of the first line"),
        (b"3 2\nthe 1 2\na 1 2\n", 3, "ends after 2 words, and its first line promises 3"),
        (b"3 2\n", 1, "no line follows"),
        (b"0 2\nthe 1 2\n", 1, "impossible: at least 1 word"),
        (b"2 0\nthe\n", 1, "impossible: at least 1 word"),
        (b"2 99999999999999999999\nthe 1\n", 1, "1 to 10,000 values"),
        (b"2 3\n\x00\x01\x02\x03\n", 2, "its binary one is not read"),
        (b"hello\n", 1, "neither the number of words"),
        (b"{}\n", 1, "neither the number of words"),
        (b"2 2\nthe 1 2\n" + b"x" * (1 << 20) + b" 1 2\n", 3, "longer than 1 MB"),
    ],
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_file_that_cannot_be_read_is_named_with_its_line(read, pack, content, line, message):
    with pytest.raises(InputError, match=message) as error:
        read(pack(content))
    assert str(error.value.path).endswith("vectors.txt")
    assert error.value.line == line


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\n \n", "this file has no line with text"),
        (b"1 2\nother 1 2\n", "none of the vocabulary's 11 tokens is among its 1 words"),
        (b"", "the file is empty"),
    ],
)
def test_files_with_nothing_in_them(read, content, message):
    with pytest.raises(InputError, match=message):
        read(content)


def test_damaged_gzip(read):
    packed = gzip.compress(TEXT * 50)
    spoilt = bytearray(packed)
    spoilt[40] ^= 0xFF
    for content in (packed[:40], packed[:4], bytes(spoilt)):
        with pytest.raises(InputError, match="cannot be unpacked"):
            read(content)


def test_gzip_bombs(read, monkeypatch):
    monkeypatch.setattr(word_vectors, "_EXPANSION_FROM", 1 << 20)
    # A line that goes on for ever, of which no more than a megabyte may be unpacked.
    endless = b"9 2\nthe 1 2\n" + bytes(64 << 20)
    packed = gzip.compress(endless, 9)
    tracemalloc.start()
    with pytest.raises(InputError, match="longer than 1 MB") as error:
        read(packed)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert error.value.line == 3
    assert peak < 8 << 20
    # Lines that go on for ever.
    lines = zlib.compressobj(9, zlib.DEFLATED, 31)
    packed = lines.compress(b"999999999 2\nthe 1 2\n" + b"b 1 2\n" * 2_000_000) + lines.flush()
    with pytest.raises(InputError, match="this is not text of numbers"):
        read(packed)


def peak_of(path, vocabulary):
    tracemalloc.start()
    vectors = read_word_vectors(path, vocabulary, seed=1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak, vectors


@pytest.mark.parametrize("pack", [open, gzip.open], ids=["plain", "gzip"])
def test_memory_does_not_grow_with_the_file(tmp_path, pack):
    vocabulary = Vocabulary([*RESERVED, *(f"w{index}" for index in range(0, 4000, 4))])
    values = " ".join(f"0.{index:06d}" for index in range(50))
    peaks = []
    for words in (4000, 40_000):
        path = tmp_path / f"{words}.txt"
        with pack(path, "wt") as file:
            file.write(f"{words} 50\n")
            file.writelines(f"w{index} {values}\n" for index in range(words))
        peak, vectors = peak_of(path, vocabulary)
        assert vectors.found.sum() == 1000
        peaks.append(peak)
    assert (tmp_path / "40000.txt").stat().st_size > (100_000 if pack is gzip.open else 10 << 20)
    assert abs(peaks[1] - peaks[0]) < 100_000
    assert peaks[1] < vectors.values.nbytes + (2 << 20)


def test_progress_is_told(tmp_path, monkeypatch, caplog):
    caplog.set_level("INFO")
    monkeypatch.setattr(word_vectors, "_SECONDS_BETWEEN_MESSAGES", 0.0)
    path = tmp_path / "vectors.txt"
    path.write_text("10000 1\n" + "".join(f"w{index} 1\n" for index in range(9999)) + "the 1\n")
    read_word_vectors(path, VOCABULARY, seed=1)
    assert "per second" in caplog.text
    assert "of the bytes, about" in caplog.text


def test_no_such_file(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_word_vectors(tmp_path / "none", VOCABULARY, seed=1)
