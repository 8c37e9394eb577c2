"""The reader of caches: what it gives is within its own bounds, and what it doesn't, is None."""

import numpy as np

from data_util.cache.reading import fingerprint, open_cache
from data_util.cache.writing import RaggedWriter
from tests.fuzz.scratch import folder

_PATH = folder() / "cache.h5"
_DESCRIPTION = {"kind": "labelled"}
_KEY = fingerprint(_DESCRIPTION)
_OFFSETS = {"offsets": "ids"}


def one_input(data: bytes) -> None:
    """Reads the bytes as a cache."""
    _PATH.write_bytes(data)
    arrays = open_cache(_PATH, _KEY, values={"ids": 100}, offsets=_OFFSETS)
    if arrays is None:
        return
    ids, offsets = np.array(arrays["ids"]), arrays["offsets"]
    assert ids.min(initial=0) >= 0 and ids.max(initial=0) < 100
    assert offsets[0] == 0 and offsets[-1] == len(ids) and (np.diff(offsets) >= 0).all()


def seeds() -> list[bytes]:
    """A cache of three documents."""
    with RaggedWriter(_PATH, _DESCRIPTION, values=("ids",), offsets=_OFFSETS) as writer:
        writer.append("ids", np.arange(9))
        writer.append_lengths("offsets", np.array([2, 0, 7]))
    return [_PATH.read_bytes()]
