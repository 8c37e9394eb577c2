"""Finds the documents that are most similar to a text, by the cosine of their vectors."""

import json
import logging
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.neighbors import NearestNeighbors

from common.errors import InputError, OptionError
from data_util.reading.sources import check_paths
from training.options.vectors import SimilarOptions
from training.prediction_files import STANDARD, open_source, open_target
from training.runs.output_checks import check_output_file
from training.vector_files import line_vectors, texts_of, write_vector_file
from training.vectors import TextVectors

logger = logging.getLogger(__name__)

_LINES_COMPARED = 32
_TOLERANCE = 1e-3


def find_similar(options: SimilarOptions) -> int:
    """Writes the documents of `--input` that are most similar to each query, as JSON lines.

    Each line is {"query", "rank", "line", "similarity", "text"}: the line of the query (1 for
    `--query`), the rank from 1, the line of the document, the cosine of the two vectors (see
    `_neighbours`), and the document's text.

    Returns:
        The number of queries.

    Raises:
        CheckpointError: the checkpoint cannot be used.
        InputError: a file cannot be read, or the file of vectors is not that of the documents.
        OptionError: not exactly one of `--query` and `--queries`; a file cannot be written.
    """
    if bool(options.query) == bool(options.queries):
        raise OptionError("name the text to search for with --query, or a file with --queries.")
    check_paths([options.input, *([options.queries] if options.queries else [])])
    if options.vectors:
        check_output_file("vectors", options.vectors, options.input, options.queries)
    if options.output != STANDARD:
        sources = (options.input, options.queries, options.vectors)
        check_output_file("output", options.output, *sources, allow_streams=True)
    vectors = TextVectors.load(Path(options.ckpt_dir))
    queries = _queries(options)
    wanted = vectors(queries, options.batch_size)
    documents = _document_vectors(options, vectors)
    found = _neighbours(documents, wanted, options.top_k)
    lines = {line for hits in found for line, _ in hits}
    texts = {
        number: text for number, text in enumerate(_lines_of(options.input), 1) if number in lines
    }
    with open_target(options.output) as target:
        for query, hits in enumerate(found, 1):
            if not hits:
                logger.warning("query %d has no tokens: nothing is similar to it", query)
            for rank, (line, similarity) in enumerate(hits, 1):
                result: dict[str, Any] = {"query": query, "rank": rank, "line": line}
                result |= {"similarity": round(similarity, 6), "text": texts[line]}
                target.write((json.dumps(result, ensure_ascii=False) + "\n").encode())
        target.flush()
    return len(queries)


def _queries(options: SimilarOptions) -> list[str]:
    if not options.queries:
        if not options.query.strip():
            raise OptionError("--query is only white space: name a text.")
        return [options.query]
    return list(_lines_of(options.queries))


def _lines_of(path: str) -> Iterator[str]:
    with open_source(path) as source:
        yield from texts_of(source)


def _document_vectors(options: SimilarOptions, vectors: TextVectors) -> np.ndarray:
    """The vector of each line of the input: computed, or those of the file of vectors."""
    if options.vectors and os.path.exists(options.vectors):
        return _stored_vectors(options, vectors)
    with open_source(options.input) as source:
        if options.vectors:
            write_vector_file(options.vectors, vectors, source, options.batch_size)
            return np.load(options.vectors, mmap_mode="r")
        found = line_vectors(vectors, source, options.batch_size)
        return np.concatenate(list(found))


def _stored_vectors(options: SimilarOptions, vectors: TextVectors) -> np.ndarray:
    path = options.vectors
    try:
        stored = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise InputError(f"this is no file of vectors: {error}", path) from None
    if not isinstance(stored, np.ndarray) or stored.ndim != 2 or stored.dtype != np.float32:
        raise InputError("this is no file of vectors, (lines, d_model) float32", path)
    texts: list[str] = []
    chosen = np.unique(np.linspace(0, max(len(stored) - 1, 0), _LINES_COMPARED).astype(int))
    wanted, count = set(chosen.tolist()), 0
    for count, text in enumerate(_lines_of(options.input), 1):
        if count - 1 in wanted:
            texts.append(text)
    # A few are computed again: the file does not say of which texts and checkpoint it is.
    same = stored.shape == (count, vectors.width) and _close(
        stored[chosen], vectors(texts, options.batch_size)
    )
    if not same:
        raise InputError(
            f"these {len(stored):,} vectors of {stored.shape[1]} values are not those of "
            f"{options.input} ({count:,} lines) and {options.ckpt_dir} ({vectors.width} values). "
            "Remove the file, or name another",
            path,
        )
    logger.info("%s: %s vectors are used again", path, f"{count:,}")
    return stored


def _close(one: np.ndarray, other: np.ndarray) -> bool:
    scale = max(float(np.abs(other).max(initial=0)), 1e-12)
    return bool(np.abs(one - other).max(initial=0) <= _TOLERANCE * scale)


def _neighbours(
    documents: np.ndarray, queries: np.ndarray, top_k: int
) -> list[Sequence[tuple[int, float]]]:
    """The lines of the nearest documents of each query, nearest first, and their cosines.

    The mean of the documents is subtracted from all vectors: what they have in common would make
    every cosine large (Mu and Viswanath 2018, https://arxiv.org/abs/1702.01417). A vector of 0, of
    a text without tokens, has no neighbours.
    """
    found: list[Sequence[tuple[int, float]]] = [()] * len(queries)
    with_tokens = np.flatnonzero(documents.any(axis=1))
    asked = np.flatnonzero(queries.any(axis=1))
    if not len(with_tokens) or not len(asked):
        return found
    if len(with_tokens) < len(documents):
        documents = documents[with_tokens]
    mean = documents.mean(axis=0) if len(documents) > 1 else np.float32(0)
    search = NearestNeighbors(
        n_neighbors=min(top_k, len(documents)), metric="cosine", algorithm="brute"
    ).fit(documents - mean)
    distances, indices = search.kneighbors(queries[asked] - mean)
    for query, row, its_distances in zip(asked, indices, distances, strict=True):
        lines = (with_tokens[row] + 1).tolist()
        found[query] = list(zip(lines, (1 - its_distances).tolist(), strict=True))
    return found
