"""A table from 64-bit keys to numbers in which many keys are looked up at once."""

import numpy as np

# Slots for each key, in the first level and in further ones, which have few keys.
_SPACIOUSNESS = (4, 16)
_MIN_BITS = 4
# No key; `KeyTable` says so.
_EMPTY = np.uint64(0xFFFF_FFFF_FFFF_FFFF)


class KeyTable:
    """The numbers of keys.

    A hash table in which nothing is probed one by one. Of the keys with the same slot one is in
    the first level, the others are in a further one with a hash function of its own, and so on:
    each level has far fewer keys than the one before. The hash functions are products with a
    random number, of which the highest bits count (Dietzfelbinger et al. 1997, "A reliable
    randomized algorithm for the closest-pair problem", https://doi.org/10.1006/jagm.1997.0873).

        >>> table = KeyTable(np.array([7, 300], np.uint64), np.array([0, 1]))
        >>> table.find(np.array([300, 5, 7], np.uint64))
        (array([0, 2]), array([1, 0], dtype=int32))

    Args:
        keys: (keys,) uint64, below 2^64 - 1; of equal ones the first counts.
        values: (keys,) of integers, the number of each, below 2^31.
    """

    def __init__(self, keys: np.ndarray, values: np.ndarray) -> None:
        keys, first = np.unique(keys, return_index=True)
        values = values[first]
        generator = np.random.default_rng(0)
        # The hash function, the keys and their numbers by slot.
        self._levels: list[tuple[np.uint64, np.uint64, np.ndarray, np.ndarray]] = []
        while len(keys):
            spaciousness = _SPACIOUSNESS[bool(self._levels)]
            bits = max(_MIN_BITS, (spaciousness * len(keys) - 1).bit_length())
            factor = generator.integers(1 << 63, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
            shift = np.uint64(64 - bits)
            slots, placed = np.unique(_slots(keys, factor, shift), return_index=True)
            slot_keys = np.full(1 << bits, _EMPTY)
            slot_values = np.zeros(1 << bits, np.int32)
            slot_keys[slots], slot_values[slots] = keys[placed], values[placed]
            self._levels.append((factor, shift, slot_keys, slot_values))
            keys, values = np.delete(keys, placed), np.delete(values, placed)

    def find(self, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Looks up keys.

        Args:
            wanted: (wanted,) uint64.

        Returns:
            (found,) int64, the positions in `wanted` of those that the table has, in no order; and
            (found,) int32, their numbers.
        """
        positions, values = [np.zeros(0, np.int64)], [np.zeros(0, np.int32)]
        left = None  # the positions of `wanted` in what was asked for; None: all of them
        for factor, shift, slot_keys, slot_values in self._levels:
            slots = _slots(wanted, factor, shift)
            held = slot_keys.take(slots)
            same = held == wanted
            hits = np.flatnonzero(same)
            values.append(slot_values.take(slots.take(hits)))
            positions.append(hits if left is None else left.take(hits))
            # An empty slot says that no level has the key.
            other = np.flatnonzero((held != _EMPTY) & ~same)
            if not len(other):
                break
            left, wanted = other if left is None else left.take(other), wanted.take(other)
        return np.concatenate(positions), np.concatenate(values)


def _slots(keys: np.ndarray, factor: np.uint64, shift: np.uint64) -> np.ndarray:
    """(keys,) int64, the slot of each in a level."""
    return ((keys * factor) >> shift).view(np.int64)
