"""How every script starts: read the options, set up the log, turn a user's mistake into a line."""

import importlib.util
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from common.errors import OptionError, StoppedError, UserError
from training.options import OptionsT, help_text, parse_options


def run(
    main: Callable[[OptionsT], object], options_class: type[OptionsT], description: str
) -> None:
    """Runs `main` with the options of the command line.

    The exit status is 0 at the end of `main` and after `--help`, 2 where the user made a mistake
    or the run cannot go on (a line on standard error says why), 130 after Ctrl-C, 143 after
    SIGTERM.
    """
    start_log()

    def act() -> None:
        if {"--help", "-h", "-help", "-?"} & set(sys.argv[1:]):
            # Flushed here, where a reader that has seen enough is no error.
            print(help_text(options_class, _program(), description), flush=True)
            return
        options, given = parse_options(options_class, sys.argv)
        if getattr(options, "test_mode", False):
            from training.test_mode import in_test_mode

            options = in_test_mode(options, given)
        choose_backend(getattr(options, "distribute", "none"))
        quiet_libraries()
        main(options)

    guarded(act)


def start_log() -> None:
    """Sends the log to standard error, as text for people."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)


def guarded(act: Callable[[], object]) -> None:
    """Runs `act`; ends the program with the status and the line that `run` describes."""
    before = signal.signal(signal.SIGTERM, _stop)
    try:
        act()
    except KeyboardInterrupt:
        print("stopped.", file=sys.stderr)
        sys.exit(130)
    except StoppedError as stopped:
        print(stopped, file=sys.stderr)
        sys.exit(stopped.status)
    except BrokenPipeError:
        # Whoever read our output has seen enough (`predict.py ... | head`).
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (UserError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    finally:
        signal.signal(signal.SIGTERM, before)


def _stop(number: int, frame: FrameType | None) -> None:
    """As Ctrl-C does, so that what is half written is removed on the way out."""
    raise StoppedError(number)


def _program() -> str:
    """`predict.py`, or `models.export` where it was started with `python -m models.export`."""
    specification = getattr(sys.modules["__main__"], "__spec__", None)
    return os.path.basename(sys.argv[0]) if specification is None else specification.name


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
