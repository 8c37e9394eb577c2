"""Random seeds, precision, memory, and a description of the device."""

import os
import platform

import keras

from training.devices.memory import keep_freed_memory
from training.options.groups import RunOptions


def start(options: RunOptions) -> None:
    """Seeds the random generators, sets the dtype policy of the layers, and keeps memory."""
    keep_freed_memory()  # Commands have done so already; programs that call the functions have not.
    keras.utils.set_random_seed(options.seed)
    keras.config.set_dtype_policy(options.precision)


def device() -> str:
    """A description of the device that the model runs on, for messages."""
    devices = [name for name in keras.distribution.list_devices() if "cpu" not in name.lower()]
    return ", ".join(devices) or f"CPU ({platform.machine()}, {os.cpu_count()} cores)"
