"""Sequences of items, one per user: from MovieLens' ratings, a file of sequences, or synthetic."""

from collections import Counter, defaultdict
from collections.abc import Container, Sequence
from pathlib import Path

import numpy as np

from common.errors import InputError
from common.random_streams import random_generator

# A user, and an item, is left out with fewer items, or users, than this, as in BERT4Rec.
LEAST = 5
_RATING = "a rating is UserID::MovieID::Rating::Timestamp, as in MovieLens-1M's ratings.dat"


def read_sequences(path: Path) -> list[list[str]]:
    """Reads the items of each user, in the order of time.

    Args:
        path: `UserID::MovieID::Rating::Timestamp` lines, as in MovieLens-1M, in any order; or one
            user's items per line, with spaces between them.

    Raises:
        InputError: the file cannot be read, or a line has another form.
    """
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise InputError(f"this file cannot be read: {error.strerror}", path) from None
    is_ratings = bool(lines) and b"::" in lines[0]
    sequences: list[list[str]] = []
    rated: dict[str, list[tuple[int, int, str]]] = defaultdict(list)
    for number, line in enumerate(lines, 1):
        try:
            text = line.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise InputError("not UTF-8: save the file as UTF-8", path, number) from None
        if not text.strip():
            continue
        if not is_ratings:
            if "::" in text:
                raise InputError(f"a rating among users' items: {text!r:.80}", path, number)
            sequences.append(text.split())
            continue
        fields = text.split("::")
        is_whole = len(fields) == 4 and bool(fields[0]) and len(fields[1].split()) == 1
        if not is_whole or not (fields[3].isascii() and fields[3].isdigit()):
            raise InputError(f"{_RATING}, not {text!r:.80}", path, number)
        user, item, _, time = fields
        rated[user].append((int(time), number, item))
    sequences += [[item for *_, item in sorted(found)] for found in rated.values()]
    if not sequences:
        raise InputError(f"no items: one user's items per line are expected; or {_RATING}", path)
    return sequences


def without_rare(sequences: Sequence[Sequence[str]], least: int = LEAST) -> list[list[str]]:
    """Leaves out items of fewer than `least` users and users with fewer items, until none is left.

    Only the first of a user's equal items counts.
    """
    kept = [list(dict.fromkeys(items)) for items in sequences]
    while True:
        users = Counter(item for items in kept for item in items)
        now = [[item for item in items if users[item] >= least] for items in kept]
        now = [items for items in now if len(items) >= least]
        if now == kept:
            return kept
        kept = now


def synthetic_sequences(
    users: int, items: int = 300, *, interruptions: float = 0.3, seed: int = 1
) -> list[list[str]]:
    """Draws the items of each user from a Markov chain over the items that is interrupted.

    Each item has four successors, with probabilities of 0.4, 0.3, 0.2 and 0.1. Between two items of
    the chain may stand others that have nothing to do with it. Where the chain would repeat an
    item, it begins anew. Its first item and those in between are drawn by popularity: the number r
    in proportion to 1 / (r + 10).

    Args:
        users: the number of sequences.
        items: the number of items.
        interruptions: the fraction of the items that are not of the chain.
        seed: of everything that is drawn.

    Returns:
        From 10 to 40 different items for each user, named "0", "1", ...
    """
    generator = random_generator(seed, "item sequences")
    successors = generator.integers(0, items, (items, 4))
    popularity = np.cumsum(1 / (np.arange(items) + 10))
    popularity /= popularity[-1]

    def popular(seen: Container[int]) -> int:
        while True:
            item = int(np.searchsorted(popularity, generator.random(), side="right"))
            if item not in seen:
                return item

    sequences = []
    for _ in range(users):
        state = popular(())
        found = {state: None}  # in this order, each once
        for _ in range(int(generator.integers(9, 40))):
            if generator.random() < interruptions:
                found[popular(found)] = None
                continue
            choice = int(np.searchsorted([0.4, 0.7, 0.9], generator.random(), side="right"))
            following = int(successors[state, choice])
            state = popular(found) if following in found else following
            found[state] = None
        sequences.append([str(item) for item in found])
    return sequences
