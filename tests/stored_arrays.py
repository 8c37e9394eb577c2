"""The arrays of an HDF5 file, to compare what two runs have written."""

from pathlib import Path

import h5py
import numpy as np


def arrays_of(path: Path) -> dict[str, np.ndarray]:
    """All arrays of a file, by the path within it."""
    arrays: dict[str, np.ndarray] = {}
    with h5py.File(path) as file:
        file.visititems(
            lambda name, item: (
                arrays.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None
            )
        )
    return arrays
