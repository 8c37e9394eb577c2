"""Pre-trained word vectors in word2vec's text format, read as a stream.

The first line has the number of words and the dimension; each further line has a word and its
values, separated by single spaces. Files without the first line (GloVe) and files compressed by
gzip are read too. Only the vectors of a vocabulary's tokens are kept: memory does not grow with the
file.
"""

import gzip
import logging
import math
import os
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from common.errors import InputError
from common.random_streams import random_generator
from data_util.reading.sources import check_paths
from data_util.tokens.vocabulary import Vocabulary

logger = logging.getLogger(__name__)

MAX_LINE_BYTES = 1 << 20
MAX_DIMENSION = 10_000
_GZIP = b"\x1f\x8b"
# Numbers as text shrink to a half or a third; a small file that unpacks without end does not.
_MAX_EXPANSION = 200
_EXPANSION_FROM = 100 << 20
_SECONDS_BETWEEN_MESSAGES = 10.0


@dataclass(frozen=True)
class WordVectors:
    """One vector per token of a vocabulary.

    Attributes:
        values: (number of tokens, dimension) float32.
        found: (number of tokens,) bool: which tokens the file has; the rows of others are random.
        words: number of words in the file.
        duplicates: how many lines repeat a word of the vocabulary (the first one counts).
        unusable: number of lines that are not a word and its values.
    """

    values: np.ndarray
    found: np.ndarray
    words: int
    duplicates: int
    unusable: int

    @property
    def dimension(self) -> int:
        """The number of values in a vector."""
        return self.values.shape[1]


def read_word_vectors(
    path: str | os.PathLike[str], vocabulary: Vocabulary, *, seed: int
) -> WordVectors:
    """Reads the vectors of a vocabulary's tokens.

    Tokens that the file lacks, and the reserved ones, get normally distributed random values with
    the mean square of the values that were found.

    Args:
        path: the file.
        vocabulary: only its tokens' vectors are kept.
        seed: of the random values.

    Raises:
        InputError: the file is of another kind or cut short, a line is longer than 1 MB, the first
            line contradicts the others, or no token is found. The message names file and line.
    """
    (file,) = check_paths([path])
    begin = time.monotonic()
    with file.open("rb") as raw:
        vectors = _Reader(file, raw, vocabulary).read(seed)
    found = int(vectors.found.sum())
    logger.info(
        "%s: vectors of %d values for %s of %s tokens (%.1f %%), %s not found; "
        "%s words read in %.0f s",
        file,
        vectors.dimension,
        f"{found:,}",
        f"{len(vocabulary):,}",
        100 * found / len(vocabulary),
        f"{len(vocabulary) - found:,}",
        f"{vectors.words:,}",
        time.monotonic() - begin,
    )
    return vectors


class _Reader:
    def __init__(self, path: Path, raw: IO[bytes], vocabulary: Vocabulary) -> None:
        self.path = path
        self.raw = raw
        self.size = os.fstat(raw.fileno()).st_size
        self.ids = {
            vocabulary.tokens[index].encode(): int(index) for index in vocabulary.ordinary_ids
        }
        self.number = 0
        self.duplicates = 0
        self.unusable = 0
        self.first_unusable = ""
        self.values: np.ndarray
        self.found = np.zeros(len(vocabulary), dtype=bool)

    def read(self, seed: int) -> WordVectors:
        lines = self._lines()
        promised, first = self._header(lines)
        dimension = self._allocate(promised, first)
        words = 0
        line: bytes | None = first
        while line is not None:
            words += 1
            if promised is not None and words > promised[0]:
                raise self._error(f"more words than the {promised[0]:,} of the first line")
            self._take(line, dimension)
            line = next(lines, None)
        if promised is not None and words < promised[0]:
            raise self._error(
                f"the file ends after {words:,} words, and its first line promises "
                f"{promised[0]:,}: was it downloaded whole?"
            )
        self._log_report()
        if not self.found.any():
            raise InputError(
                f"none of the vocabulary's {len(self.found):,} tokens is among its {words:,} "
                "words: is it of another language or another --tokenize_style?",
                self.path,
            )
        self._draw(seed)
        return WordVectors(self.values, self.found, words, self.duplicates, self.unusable)

    def _lines(self) -> Iterator[bytes]:
        """The non-blank lines, without their ends."""
        packed = self.raw.read(2) == _GZIP
        self.raw.seek(0)
        stream: IO[bytes] = gzip.GzipFile(fileobj=self.raw) if packed else self.raw  # type: ignore[assignment]
        begin = shown = time.monotonic()
        total = 0
        while True:
            try:
                line = stream.readline(MAX_LINE_BYTES + 1)
            except (OSError, EOFError, zlib.error) as error:
                raise self._error(f"this cannot be unpacked: {error}", 1) from None
            if not line:
                return
            self.number += 1
            total += len(line)
            if len(line) > MAX_LINE_BYTES:
                raise self._error("this line is longer than 1 MB: is this a file of word vectors?")
            if not self.number & 0xFFF or len(line) > 1 << 16:
                done = self.raw.tell()
                if packed and total > max(_EXPANSION_FROM, _MAX_EXPANSION * done):
                    raise self._error(
                        f"unpacked to {total / done:,.0f} times its size up to here: this is not "
                        "text of numbers"
                    )
                now = time.monotonic()
                if now - shown >= _SECONDS_BETWEEN_MESSAGES:
                    shown = now
                    self._show(done, now - begin)
            line = line.strip(b" \t\r\n")
            if line:
                yield line

    def _show(self, done: int, seconds: float) -> None:
        logger.info(
            "%s: %s words read, %.0f per second, %.0f %% of the bytes, about %.0f s left; "
            "%s tokens found",
            self.path,
            f"{self.number:,}",
            self.number / seconds,
            100 * done / self.size,
            seconds * (self.size / max(done, 1) - 1),
            f"{int(self.found.sum()):,}",
        )

    def _header(self, lines: Iterator[bytes]) -> tuple[tuple[int, int] | None, bytes]:
        """The counts in the first line (None if it is a word's), and the line of the first word."""
        first = next(lines, b"").removeprefix(b"\xef\xbb\xbf")
        fields = first.split()
        if len(fields) != 2 or not all(field.isdigit() for field in fields):
            if not first:
                raise InputError("this file has no line with text", self.path)
            logger.info("%s: no first line with the number of words", self.path)
            return None, first
        words, dimension = (int(field[:18]) for field in fields)
        if not 1 <= dimension <= MAX_DIMENSION or not words:
            raise self._error(
                f"{words:,} words of {dimension:,} values are impossible: at least 1 word, and 1 "
                f"to {MAX_DIMENSION:,} values"
            )
        second = next(lines, None)
        if second is None:
            raise self._error(f"the first line promises {words:,} words, and no line follows")
        return (words, dimension), second

    def _allocate(self, promised: tuple[int, int] | None, first: bytes) -> int:
        fields = first.split(b" ")
        dimension = promised[1] if promised else len(fields) - 1
        # Counted from the end: a word may have spaces in it. Numbers that are not finite make the
        # line unusable, not the file.
        values = _floats(fields[-dimension:]) if 0 < dimension < len(fields) else None
        extra = fields[1:-dimension] if values else []
        if values is None or (extra and _numbers(extra)):
            reason = (
                f"the first line promises {dimension} values per word, and this line has fewer"
                if promised
                else "neither the number of words and values nor a word and its values"
            )
            raise self._error(
                f"{reason}: word2vec's text format is needed (its binary one is not read)"
            )
        if dimension > MAX_DIMENSION:
            raise self._error(f"{dimension:,} values: at most {MAX_DIMENSION:,} can be read")
        self.values = np.zeros((len(self.found), dimension), np.float32)
        return dimension

    def _take(self, line: bytes, dimension: int) -> None:
        spaces = line.count(b" ")
        if spaces != dimension:
            # More spaces: one in the word, which no token has, or too many values.
            if spaces < dimension:
                self._count_unusable("too few values")
            elif line[: line.index(b" ")] in self.ids and _numbers(line.split(b" ")[1:]):
                self._count_unusable("too many values")
            return
        word, _, rest = line.partition(b" ")
        index = self.ids.get(word)
        if index is None:
            return
        values = _numbers(rest.split(b" "))
        if values is None:
            self._count_unusable("values that are not finite numbers")
        elif self.found[index]:
            self.duplicates += 1
        else:
            self.values[index] = values
            self.found[index] = True

    def _count_unusable(self, reason: str) -> None:
        self.unusable += 1
        self.first_unusable = self.first_unusable or f"the first is line {self.number}, {reason}"

    def _log_report(self) -> None:
        if self.unusable:
            logger.warning(
                "%s: %s lines cannot be used and are left out; %s",
                self.path,
                f"{self.unusable:,}",
                self.first_unusable,
            )
        if self.duplicates:
            logger.warning(
                "%s: repeated words: %s; the first vector of each is used",
                self.path,
                f"{self.duplicates:,}",
            )

    def _draw(self, seed: int) -> None:
        """Fills the rows of the tokens that were not found, one at a time."""
        found = np.flatnonzero(self.found)
        total = sum(float(np.square(self.values[row], dtype=np.float64).sum()) for row in found)
        scale = math.sqrt(total / (self.values.shape[1] * len(found)))
        generator = random_generator(seed, "word vectors")
        for row in np.flatnonzero(~self.found):
            self.values[row] = scale * generator.standard_normal(self.values.shape[1])

    def _error(self, message: str, further: int = 0) -> InputError:
        return InputError(message, self.path, self.number + further)


def _numbers(fields: list[bytes]) -> list[float] | None:
    """The fields as finite float32 numbers, or None."""
    values = _floats(fields)
    return values if values is not None and all(abs(value) < 3e38 for value in values) else None


def _floats(fields: list[bytes]) -> list[float] | None:
    """The fields as numbers, or None."""
    try:
        return [float(field) for field in fields]
    except ValueError:
        return None
