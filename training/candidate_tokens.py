"""The tokens that may be given for [MASK]: a list of a file, such as the items of a catalogue."""

import logging

import numpy as np

from common.errors import InputError
from common.files import read_lines
from tasks.data import TextEncoder

logger = logging.getLogger(__name__)


def read_candidates(path: str, text: TextEncoder) -> np.ndarray:
    """Reads a file of tokens, one per line; blank lines are skipped.

    Tokens that the checkpoint has never seen cannot be predicted: the log says how many there are.

    Args:
        path: the file.
        text: of the checkpoint.

    Returns:
        (candidates,) int32, the ids of those that the vocabulary has, each once, ascending.

    Raises:
        InputError: the file cannot be read, a line is not one token, or the vocabulary has none.
    """
    lines = [(number, line.strip()) for number, line in enumerate(read_lines(path), 1)]
    lines = [(number, line) for number, line in lines if line]
    if not lines:
        raise InputError("no token: one on each line is expected", path)
    encoded = text.encode([line for _, line in lines])
    for (number, line), ids in zip(lines, encoded, strict=True):
        if len(ids) != 1:
            raise InputError(
                f"{line!r:.80} is {len(ids):,} tokens for this checkpoint, and each line must be "
                "one, such as the number of an item",
                path,
                number,
            )
    ids = np.concatenate(encoded)
    is_known = np.isin(ids, text.vocabulary.ordinary_ids)
    unknown = [line for line, known in zip(lines, is_known.tolist(), strict=True) if not known]
    if len(unknown) == len(lines):
        raise InputError(
            f"{unknown[0][1]!r:.80} is not in the vocabulary of the checkpoint, and neither is any "
            "other line: is it the right file?",
            path,
            unknown[0][0],
        )
    if unknown:
        number, line = unknown[0]
        logger.warning(
            "%s:%d: %.80r is not in the vocabulary, so it cannot be given (%s of %s lines)",
            path,
            number,
            line,
            f"{len(unknown):,}",
            f"{len(lines):,}",
        )
    return np.unique(ids[is_known])
