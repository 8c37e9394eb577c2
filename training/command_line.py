"""Runs commands that need Keras: configures Keras, then runs them like any other command."""

import functools
import gc
import importlib.util
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from common import command_line
from common.errors import OptionError
from common.parsing import OptionsT
from training.devices.memory import keep_freed_memory

logger = logging.getLogger(__name__)

BACKENDS = ("tensorflow", "jax")
_NEEDED = ("keras", "tensorflow")
# What Keras reads without being asked: the settings in ~/.keras, and limits on `fit`.
_SETTINGS = ("KERAS_HOME", "KERAS_MAX_EPOCHS", "KERAS_MAX_STEPS_PER_EPOCH")


def run(
    main: Callable[[OptionsT], object],
    options_class: type[OptionsT],
    description: str,
    backends: tuple[str, ...] = BACKENDS,
    keep_memory: bool = False,
) -> None:
    """Runs `main` with the options of the command line.

    Args:
        main: the command.
        options_class: the dataclass of its options.
        description: a sentence for `--help`.
        backends: the Keras backends that the command runs on, the preferred one first.
        keep_memory: whether the process keeps the memory that it frees, which makes it faster and
            larger. This must be said before it has threads: see `training.devices.memory`.

    See `common.command_line.run` for how errors are handled.
    """
    if keep_memory:
        keep_freed_memory()
    prepare = functools.partial(_prepare, backends)
    command_line.run(main, options_class, description, prepare=prepare)


def _prepare(backends: tuple[str, ...], options: OptionsT, given: frozenset[str]) -> OptionsT:
    """Applies --test_mode, then imports Keras with the backend that the options require."""
    if getattr(options, "test_mode", False):
        from training.smoke_run import in_test_mode

        options = in_test_mode(options, given)
    # An exported model runs without Keras.
    if not getattr(options, "exported", ""):
        choose_backend(getattr(options, "distribute", "none"), backends)
        quiet_libraries()
    return options


def choose_backend(distribute: str = "none", backends: tuple[str, ...] = BACKENDS) -> None:
    """Selects the Keras backend for a command; call it before Keras is imported.

    The backend is that of KERAS_BACKEND, or else TensorFlow, or JAX where `distribute` requires it.
    A command that cannot run on JAX runs on TensorFlow, and says so.

    Args:
        distribute: the value of the option.
        backends: those that the command runs on, the preferred one first.

    Raises:
        OptionError: KERAS_BACKEND names a backend that is not supported, or the backend is not
            installed.
    """
    chosen = os.environ.get("KERAS_BACKEND") or BACKENDS[0]
    if distribute == "data_parallel":
        chosen = os.environ.setdefault("KERAS_BACKEND", "jax")
        if chosen != "jax":
            raise OptionError(f"--distribute=data_parallel needs KERAS_BACKEND=jax, not {chosen}.")
    if chosen not in BACKENDS:
        raise OptionError(f"KERAS_BACKEND={chosen}: must be {' or '.join(BACKENDS)}.")
    if chosen not in backends:
        logger.info("KERAS_BACKEND=%s: this command runs on %s instead", chosen, backends[0])
        chosen = os.environ["KERAS_BACKEND"] = backends[0]
    if chosen == "jax" and importlib.util.find_spec("jax") is None:
        reason = "--distribute=data_parallel" if distribute == "data_parallel" else "KERAS_BACKEND"
        raise OptionError(
            f"{reason} needs JAX, which is not installed: "
            "pip install jax (for NVIDIA GPUs: pip install 'jax[cuda12]')."
        )


def quiet_libraries() -> None:
    """Imports Keras and TensorFlow without their startup messages on standard error.

    Keras gets its default settings: a run depends on its options, not on what another program
    wrote to `~/.keras/keras.json`.

    Raises:
        OptionError: they are not installed.
    """
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise OptionError(
            f"{' and '.join(missing)}, which checkpoints need, are not installed: run pip install "
            "'.[train]' in the project's folder. Without them, predict.py and serve.py run "
            "exported models (--exported)."
        )
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with standard_error_closed(), _default_settings(), _no_garbage_collected():
        import keras
        import tensorflow as tf

        if keras.backend.backend() != "tensorflow":
            # TensorFlow then only feeds batches, but would claim the memory of every GPU.
            tf.config.set_visible_devices([], "GPU")
    for library in ("absl", "h5py", "jax", "tensorflow"):
        logging.getLogger(library).setLevel(logging.ERROR)


@contextmanager
def _no_garbage_collected() -> Iterator[None]:
    """Looking for garbage in what is just imported takes a sixth of the import's time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@contextmanager
def _default_settings() -> Iterator[None]:
    before = {name: os.environ.pop(name) for name in _SETTINGS if name in os.environ}
    os.environ["KERAS_HOME"] = os.devnull  # Holds no file, and none can be written to it.
    try:
        yield
    finally:
        del os.environ["KERAS_HOME"]
        os.environ.update(before)


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
