"""Inputs of a backbone from token ids: `[CLS] text [SEP]` or `[CLS] first [SEP] second [SEP]`."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from common.errors import InputError
from data_util.bucketing import padded_length
from data_util.tokens.vocabulary import Vocabulary

# The token ids of a row, (tokens,) int32 for each of its segments: one, or two.
Segments = tuple[np.ndarray, ...]

_RESERVED_TOKENS = 2  # [CLS] and [SEP]
_RESERVED_TOKENS_OF_PAIRS = 3  # [CLS], [SEP] and [SEP]


def token_budget(sequence_length: int, *, pairs: bool = False) -> int:
    """How many tokens of a text, or of both texts of a pair together, fit into a sequence."""
    return sequence_length - (_RESERVED_TOKENS_OF_PAIRS if pairs else _RESERVED_TOKENS)


def text_length(windows: int, length: int) -> int:
    """The longest sequence that so many windows hold together, [CLS] and [SEP] included.

        >>> text_length(3, 10)
        26

    Args:
        windows: their number.
        length: of each window, its own [CLS] and [SEP] included.
    """
    return windows * (length - _RESERVED_TOKENS) + _RESERVED_TOKENS


def rows_to_inputs(
    rows: Sequence[Segments], vocabulary: Vocabulary, sequence_length: int
) -> dict[str, np.ndarray]:
    """Turns rows of one segment each, or of two each, into the backbone's inputs.

    Args:
        rows: one or more; one segment is a document, two are a pair.
        vocabulary: of the ids.
        sequence_length: longest sequence.

    Returns:
        See `documents_to_inputs` and `pairs_to_inputs`.

    Raises:
        ValueError: the rows do not all have the same number of segments.
    """
    segments = len(rows[0])
    if segments not in (1, 2) or any(len(row) != segments for row in rows):
        raise ValueError("rows of a batch have one segment each, or two each")
    if segments == 1:
        return documents_to_inputs([ids for (ids,) in rows], vocabulary, sequence_length)
    return pairs_to_inputs([(a, b) for a, b in rows], vocabulary, sequence_length)


def documents_to_inputs(
    documents: Sequence[np.ndarray], vocabulary: Vocabulary, sequence_length: int
) -> dict[str, np.ndarray]:
    """Turns documents into the backbone's inputs: `[CLS] ids [SEP]`, padded.

    Args:
        documents: (tokens,) int32 each; truncated to `sequence_length - 2` tokens.
        vocabulary: of the ids.
        sequence_length: longest sequence.

    Returns:
        `token_ids`, `segment_ids` (documents, L) int32 and `padding_mask` (documents, L) bool,
        True for a token. L is the longest sequence, rounded up to a multiple of 32, at most
        `sequence_length`.

    Raises:
        InputError: the sequences are too short to hold text.
    """
    if sequence_length <= _RESERVED_TOKENS:
        raise InputError(
            f"sequences of {sequence_length} tokens have no room for text beside [CLS] and [SEP]: "
            "set --sequence_length to 3 or more"
        )
    kept = [ids[: token_budget(sequence_length)] for ids in documents]
    lengths = np.array([len(ids) for ids in kept], np.int64)
    longest = int(lengths.max(initial=0)) + _RESERVED_TOKENS
    shape = (len(kept), padded_length(longest, sequence_length))
    token_ids = np.full(shape, vocabulary.pad_id, np.int32)
    token_ids[:, 0] = vocabulary.cls_id
    for row, ids in enumerate(kept):
        token_ids[row, 1 : len(ids) + 1] = ids
    token_ids[np.arange(len(kept)), lengths + 1] = vocabulary.sep_id
    padding_mask = np.arange(shape[1]) < lengths[:, None] + _RESERVED_TOKENS
    return {
        "token_ids": token_ids,
        "segment_ids": np.zeros(shape, np.int32),
        "padding_mask": padding_mask,
    }


def pairs_to_inputs(
    pairs: Sequence[tuple[np.ndarray, np.ndarray]], vocabulary: Vocabulary, sequence_length: int
) -> dict[str, np.ndarray]:
    """Turns pairs into the backbone's inputs: `[CLS] first [SEP] second [SEP]`, padded.

    Args:
        pairs: two arrays (tokens,) int32 each; if both do not fit they are truncated at their
            ends, the longer one first (see `truncated_lengths`).
        vocabulary: of the ids.
        sequence_length: longest sequence.

    Returns:
        As `documents_to_inputs`; `segment_ids` are 1 at the second text and the [SEP] after it.

    Raises:
        InputError: the sequences are too short to hold two texts.
    """
    budget = token_budget(sequence_length, pairs=True)
    if budget < 2:
        raise InputError(
            f"sequences of {sequence_length} tokens have no room for two texts beside [CLS], "
            "[SEP] and [SEP]: set --sequence_length to 5 or more"
        )
    lengths = np.array([(len(a), len(b)) for a, b in pairs], np.int64).reshape(-1, 2)
    first, second = truncated_lengths(lengths[:, 0], lengths[:, 1], budget)
    total = first + second + _RESERVED_TOKENS_OF_PAIRS
    shape = (len(pairs), padded_length(int(total.max(initial=0)), sequence_length))
    token_ids = np.full(shape, vocabulary.pad_id, np.int32)
    token_ids[:, 0] = vocabulary.cls_id
    for row, (a, b) in enumerate(pairs):
        end = first[row] + 1
        token_ids[row, 1:end] = a[: first[row]]
        token_ids[row, end + 1 : end + 1 + second[row]] = b[: second[row]]
    rows, column = np.arange(len(pairs)), np.arange(shape[1])
    token_ids[rows, first + 1] = vocabulary.sep_id
    token_ids[rows, total - 1] = vocabulary.sep_id
    padding_mask = column < total[:, None]
    return {
        "token_ids": token_ids,
        "segment_ids": ((column > first[:, None] + 1) & padding_mask).astype(np.int32),
        "padding_mask": padding_mask,
    }


def read_lengths(lengths: Sequence[int], sequence_length: int) -> list[int]:
    """How many tokens of a text, or of the two texts of a pair, fit into a sequence.

    Args:
        lengths: of the text, or of both texts, in tokens.
        sequence_length: longest sequence.
    """
    room = token_budget(sequence_length, pairs=len(lengths) > 1)
    if len(lengths) == 1:
        return [min(lengths[0], room)]
    first, second = (np.array([length]) for length in lengths)
    return [int(kept[0]) for kept in truncated_lengths(first, second, room)]


def truncated(parts: Sequence[Any], sequence_length: int) -> tuple[Any, ...]:
    """The beginning of a text, or of the two texts of a pair, that fits into a sequence.

    Args:
        parts: the tokens of the text, or of both texts, in any form that can be sliced.
        sequence_length: longest sequence.
    """
    lengths = read_lengths([len(part) for part in parts], sequence_length)
    return tuple(part[:length] for part, length in zip(parts, lengths, strict=True))


def truncated_lengths(
    first: np.ndarray, second: np.ndarray, budget: int
) -> tuple[np.ndarray, np.ndarray]:
    """How many tokens of the two texts of each pair are kept.

    One token at a time is cut from the longer text, or from the second if both are equally long,
    until they fit: `truncate_seq_pair` of https://github.com/google-research/bert in closed form.

    Args:
        first, second: (pairs,) int, the lengths of the texts in tokens.
        budget: how many tokens both may have together.

    Returns:
        Two arrays (pairs,) int.
    """
    # A text always keeps half of the budget, and whatever the other one does not need.
    kept = np.minimum(first, np.maximum(budget - second, budget - budget // 2))
    return kept, np.minimum(second, budget - kept)
