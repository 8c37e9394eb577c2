"""How the commands that need Keras run: as all commands do, with Keras set up first."""

import importlib.util
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from common import command_line
from common.errors import OptionError
from common.parsing import OptionsT


def run(
    main: Callable[[OptionsT], object], options_class: type[OptionsT], description: str
) -> None:
    """Runs `main` with the options of the command line; see `common.command_line.run`."""
    command_line.run(main, options_class, description, prepare=_prepare)


def _prepare(options: OptionsT, given: frozenset[str]) -> OptionsT:
    """Applies --test_mode, then loads Keras with the backend that the options need."""
    if getattr(options, "test_mode", False):
        from training.smoke_run import in_test_mode

        options = in_test_mode(options, given)
    choose_backend(getattr(options, "distribute", "none"))
    quiet_libraries()
    return options


def choose_backend(distribute: str) -> None:
    """Sets Keras' backend to the one that `--distribute` needs, before Keras is loaded.

    Raises:
        OptionError: the environment names another one, or it is not installed.
    """
    if distribute != "data_parallel":
        return
    if importlib.util.find_spec("jax") is None:
        raise OptionError(
            "--distribute=data_parallel needs JAX, which is not installed: "
            "pip install jax (for NVIDIA GPUs: pip install 'jax[cuda12]')."
        )
    if os.environ.setdefault("KERAS_BACKEND", "jax") != "jax":
        raise OptionError(
            f"--distribute=data_parallel needs KERAS_BACKEND=jax, not "
            f"{os.environ['KERAS_BACKEND']}."
        )


def quiet_libraries() -> None:
    """Imports the libraries without their own messages on the user's screen."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with standard_error_closed():
        import keras
        import tensorflow as tf

        if keras.backend.backend() != "tensorflow":
            # It feeds the batches then, and would take the memory of every GPU for that.
            tf.config.set_visible_devices([], "GPU")
    for library in ("absl", "h5py", "tensorflow"):
        logging.getLogger(library).setLevel(logging.ERROR)


@contextmanager
def standard_error_closed() -> Iterator[None]:
    """Drops what C++ libraries write to standard error in between; exceptions come through."""
    # TensorFlow's C++ side writes to the file descriptor while it is loaded, whatever its log
    # level. An error in loading it is an exception, which is seen all the same.
    sys.stderr.flush()
    original = os.dup(2)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(original, 2)
        os.close(original)
