"""Vectors of the lines of a file, in NumPy's format; files may be larger than memory."""

import logging
import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

import numpy as np

from common.errors import InputError, OptionError
from common.whole_files import whole_file
from data_util.reading.documents import read_texts
from data_util.reading.settings import DEFAULT_READING, Reading
from data_util.reading.sources import check_paths
from training.options.scripts import PredictionOptions
from training.vectors import TextVectors, blocks

logger = logging.getLogger(__name__)

_BATCHES_TOGETHER = 16
_LOG_SECONDS = 30.0


def write_vectors(options: PredictionOptions) -> int:
    """Writes the vector of each line of `--input` to `--vectors`.

    Returns:
        The number of lines.

    Raises:
        CheckpointError: the checkpoint cannot be used.
        InputError: the input cannot be read.
        OptionError: the output is the input or cannot be a file, or an option is for labels.
    """
    for name in ("output", "threshold", "top_k"):
        value = getattr(options, name)
        if value != type(options).__dataclass_fields__[name].default:
            raise OptionError(
                f"--{name}={value} is for labels, and with --vectors no labels are predicted. "
                "Leave one of the two out."
            )
    if options.input != "-":
        check_paths([options.input])
    check_vector_file(options.vectors, options.input)
    vectors = TextVectors.load(Path(options.ckpt_dir))
    with ExitStack() as stack:
        source, name = sys.stdin.buffer, "standard input"
        if options.input != "-":
            source, name = stack.enter_context(open(options.input, "rb")), options.input
        return write_vector_file(
            options.vectors, vectors, source, name, options.batch_size, options.reading()
        )


def check_vector_file(path: str, source: str) -> None:
    """Refuses what vectors cannot be written to, before they are computed.

    Raises:
        OptionError: it is the input, a folder, a pipe or a device, or in no folder.
    """
    option = f"--vectors={path}"
    if os.path.realpath(path) == os.path.realpath(source):
        raise OptionError(f"{option}: this is the input file; name another file.")
    if os.path.exists(path) and not os.path.isfile(path):
        raise OptionError(f"{option}: this is no file, but a folder or a pipe; name a file.")
    parent = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(parent):
        raise OptionError(f"{option}: there is no folder {parent}; create it first.")


def write_vector_file(
    path: str,
    vectors: TextVectors,
    source: BinaryIO,
    name: str,
    batch_size: int,
    reading: Reading = DEFAULT_READING,
) -> int:
    """Writes one vector per line of a stream; the file is whole or absent.

    Args:
        path: the file: (lines, d_model) float32 for `numpy.load`.
        vectors: computes them.
        source: the stream, one text per line.
        name: of the stream, for messages.
        batch_size: the number of texts in a batch.
        reading: how to read the stream.

    Returns:
        The number of lines.

    Raises:
        InputError: a line is wrong, or there is none.
    """
    lines = 0
    with whole_file(path) as file:
        start = _write_header(file, 0, vectors.width)
        for block in line_vectors(vectors, source, name, batch_size, reading):
            file.write(np.ascontiguousarray(block, "<f4").data)
            lines += len(block)
        if not lines:
            raise InputError("there is no line to compute a vector of", name)
        # NumPy leaves room for a larger number of rows.
        file.seek(0)
        assert _write_header(file, lines, vectors.width) == start
    logger.info("wrote %s: %s vectors of %d values", path, f"{lines:,}", vectors.width)
    return lines


def line_vectors(
    vectors: TextVectors,
    source: BinaryIO,
    name: str,
    batch_size: int,
    reading: Reading = DEFAULT_READING,
) -> Iterator[np.ndarray]:
    """The vectors of the lines of a stream, in blocks (lines, d_model) float32.

    Args:
        vectors: computes them.
        source: the stream, one text per line.
        name: of the stream, for messages.
        batch_size: the number of texts in a batch.
        reading: how to read the stream.
    """
    began = shown = time.monotonic()
    lines = 0
    for block in blocks(texts_of(source, name, reading), batch_size * _BATCHES_TOGETHER):
        yield vectors(block, batch_size)
        lines += len(block)
        if time.monotonic() - shown > _LOG_SECONDS:
            shown = time.monotonic()
            logger.info("%s: %s lines, %.0f/s", name, f"{lines:,}", lines / (shown - began))


def texts_of(source: BinaryIO, name: str, reading: Reading = DEFAULT_READING) -> Iterator[str]:
    """The text of each line of a stream; "" for a line without text.

    Raises:
        InputError: naming a line that is wrong.
    """
    for document in read_texts(source, name, reading=reading):
        yield document.text


def _write_header(file: BinaryIO, rows: int, width: int) -> int:
    """Writes the header of an .npy file; returns where it ends."""
    description = {"descr": "<f4", "fortran_order": False, "shape": (rows, width)}
    np.lib.format.write_array_header_1_0(file, description)
    return file.tell()
