"""Seeds, precision, and what a run computes on."""

import os
import platform

import keras

from training.options.groups import RunOptions


def start(options: RunOptions) -> None:
    """Seeds everything that Keras draws and sets the arithmetic of the layers."""
    keras.utils.set_random_seed(options.seed)
    keras.config.set_dtype_policy(options.precision)


def device() -> str:
    """What the model runs on, for people."""
    devices = [name for name in keras.distribution.list_devices() if "cpu" not in name.lower()]
    return ", ".join(devices) or f"CPU ({platform.machine()}, {os.cpu_count()} cores)"
