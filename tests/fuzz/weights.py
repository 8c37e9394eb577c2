"""What looks through an HDF5 file of weights before Keras reads it."""

import h5py
import numpy as np

from common.errors import CheckpointError
from common.hdf5 import array_shapes
from tests.fuzz.scratch import folder

_PATH = folder() / "model.weights.h5"


def one_input(data: bytes) -> None:
    """Looks through the bytes; what is found to be in order can be read."""
    _PATH.write_bytes(data)
    try:
        shapes = array_shapes(_PATH, max_elements=1000)
    except CheckpointError:
        return
    with h5py.File(_PATH, "r") as file:
        for name, shape in shapes.items():
            array = np.array(file[name])
            assert array.shape == shape and array.size <= 1000


def seeds() -> list[bytes]:
    """Three arrays, one of them empty and one with an attribute."""
    with h5py.File(_PATH, "w") as file:
        file["head/scores/vars/0"] = np.ones((2, 3), np.float32)
        file["head/scores/vars/0"].attrs["variable"] = "kernel"
        file["seed/vars/0"] = np.uint32(7)
        file.create_dataset("empty", (0, 5), np.float32)
    return [_PATH.read_bytes()]
