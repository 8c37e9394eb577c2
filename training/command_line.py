"""Runs commands that need Keras: configures Keras, then runs them like any other command."""

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
    """Runs `main` with the options of the command line.

    Args:
        main: the command.
        options_class: the dataclass of its options.
        description: a sentence for `--help`.

    See `common.command_line.run` for how errors are handled.
    """
    command_line.run(main, options_class, description, prepare=_prepare)


def _prepare(options: OptionsT, given: frozenset[str]) -> OptionsT:
    """Applies --test_mode, then imports Keras with the backend that the options require."""
    if getattr(options, "test_mode", False):
        from training.smoke_run import in_test_mode

        options = in_test_mode(options, given)
    choose_backend(getattr(options, "distribute", "none"))
    quiet_libraries()
    return options


def choose_backend(distribute: str) -> None:
    """Selects the Keras backend that `--distribute` requires; call it before Keras is imported.

    Args:
        distribute: the value of the option.

    Raises:
        OptionError: KERAS_BACKEND names another backend, or the required one is not installed.
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
    """Imports Keras and TensorFlow without their startup messages on standard error."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with standard_error_closed():
        import keras
        import tensorflow as tf

        if keras.backend.backend() != "tensorflow":
            # TensorFlow then only feeds batches, but would claim the memory of every GPU.
            tf.config.set_visible_devices([], "GPU")
    for library in ("absl", "h5py", "tensorflow"):
        logging.getLogger(library).setLevel(logging.ERROR)


@contextmanager
def standard_error_closed() -> Iterator[None]:
    """A context in which all output to standard error is discarded; exceptions are not."""
    # While it is loaded, TensorFlow's C++ code writes to the file descriptor regardless of the log
    # level. If loading fails, it raises an exception, which is still reported.
    sys.stderr.flush()
    original = os.dup(2)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(original, 2)
        os.close(original)
