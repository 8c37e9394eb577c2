"""Vectors of the lines of a file, in NumPy's format; files may be larger than memory."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from common.blocks import blocks
from common.errors import InputError, OptionError
from common.options import as_text, declarations
from common.progress import Progress
from common.whole_files import whole_file
from data_util.reading.documents import read_texts
from data_util.reading.file_options import TextFileOptions
from data_util.reading.settings import DEFAULT_READING, Reading
from training.labelling_run import counted
from training.options.scripts import PredictionOptions
from training.prediction_files import Source, check_source, open_source
from training.runs.output_checks import check_output_file
from training.vectors import TextVectors

logger = logging.getLogger(__name__)

_BATCHES_TOGETHER = 16
# The options that say what is read, and how; all others are for labels.
_READ = {"ckpt_dir", "input", "batch_size", "vectors", *declarations(TextFileOptions)}


def write_vectors(options: PredictionOptions) -> int:
    """Writes the vector of each line of `--input` to `--vectors`.

    Returns:
        The number of lines.

    Raises:
        CheckpointError: the checkpoint cannot be used.
        InputError: the input cannot be read.
        OptionError: the output is the input or cannot be a file, or an option is for labels.
    """
    for name, declaration in declarations(type(options)).items():
        value = getattr(options, name)
        if name not in _READ and value != declaration.default:
            raise OptionError(
                f"--{name}={as_text(value)} is for labels, and with --vectors no labels are "
                "predicted. Leave one of the two out."
            )
    check_source(options.input)
    check_output_file("vectors", options.vectors, options.input)
    vectors = TextVectors.load(Path(options.ckpt_dir))
    with open_source(options.input) as source:
        return write_vector_file(
            options.vectors, vectors, source, options.batch_size, options.reading()
        )


def write_vector_file(
    path: str,
    vectors: TextVectors,
    source: Source,
    batch_size: int,
    reading: Reading = DEFAULT_READING,
) -> int:
    """Writes one vector per line of a source; the file is whole or absent.

    Args:
        path: the file: (lines, d_model) float32 for `numpy.load`.
        vectors: computes them.
        source: one text per line.
        batch_size: the number of texts in a batch.
        reading: how to read the source.

    Returns:
        The number of lines.

    Raises:
        InputError: a line is wrong, or there is none.
    """
    lines = 0
    with whole_file(path) as file:
        start = _write_header(file, 0, vectors.width)
        for block in line_vectors(vectors, source, batch_size, reading):
            file.write(np.ascontiguousarray(block, "<f4").data)
            lines += len(block)
        if not lines:
            raise InputError("there is no line to compute a vector of", source.name)
        # NumPy leaves room for a larger number of rows.
        file.seek(0)
        assert _write_header(file, lines, vectors.width) == start
    logger.info("wrote %s: %s vectors of %d values", path, f"{lines:,}", vectors.width)
    return lines


def line_vectors(
    vectors: TextVectors,
    source: Source,
    batch_size: int,
    reading: Reading = DEFAULT_READING,
) -> Iterator[np.ndarray]:
    """The vectors of the lines of a source, in blocks (lines, d_model) float32.

    Args:
        vectors: computes them.
        source: one text per line.
        batch_size: the number of texts in a batch.
        reading: how to read the source.
    """
    lines = 0
    with Progress("computing vectors", source.size) as progress:
        for block in blocks(texts_of(source, reading), batch_size * _BATCHES_TOGETHER):
            yield vectors(block, batch_size)
            lines += len(block)
            progress.advance(source.position - progress.done, counted(lines))


def texts_of(source: Source, reading: Reading = DEFAULT_READING) -> Iterator[str]:
    """The text of each line of a source; "" for a line without text.

    Raises:
        InputError: naming a line that is wrong.
    """
    for document in read_texts(source.stream, source.name, reading=reading):
        yield document.text


def _write_header(file: BinaryIO, rows: int, width: int) -> int:
    """Writes the header of an .npy file; returns where it ends."""
    description = {"descr": "<f4", "fortran_order": False, "shape": (rows, width)}
    np.lib.format.write_array_header_1_0(file, description)
    return file.tell()
