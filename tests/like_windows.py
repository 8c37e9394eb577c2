"""Takes from a Linux process what Windows lacks, and has files behave as they do there.

Only a simulation: it shows that this project's code asks for nothing that is missing, not that
Python and the libraries work there. `process_cpu_count` goes too, so that the oldest way to count
cores is used.
"""

import ctypes
import errno
import fcntl
import os
import shutil
import signal
import sys
from pathlib import Path

MODULES = ("fcntl", "grp", "pty", "pwd", "resource", "termios", "tty")
FUNCTIONS = (
    "O_CLOEXEC O_DIRECTORY O_NOFOLLOW O_NONBLOCK fchmod fork killpg mkfifo posix_fallocate "
    "process_cpu_count sched_getaffinity setsid"
)
SIGNALS = "SIGHUP SIGKILL SIGUSR1 SIGUSR2 SIGPIPE SIGALRM"


def simulate() -> None:
    """Changes this process for good."""
    _fewer_modules_and_functions()
    _files_that_are_open_keep_their_name()
    _no_folder_is_opened()
    _nothing_is_flushed_that_was_opened_for_reading()


def _fewer_modules_and_functions() -> None:
    for name in MODULES:
        sys.modules[name] = None  # type: ignore[assignment]  # Its import fails.
    for module, names in ((os, FUNCTIONS), (signal, SIGNALS)):
        for name in names.split():
            if hasattr(module, name):
                delattr(module, name)
    load = ctypes.CDLL.__init__

    def load_named(self, name, *arguments, **options):
        if name is None:
            raise TypeError("a name is needed")
        load(self, name, *arguments, **options)

    ctypes.CDLL.__init__ = load_named


def _files_that_are_open_keep_their_name() -> None:
    def refuse_open(path):
        path = os.path.realpath(os.fsdecode(path))
        for number in os.listdir("/proc/self/fd"):
            try:
                opened = os.readlink(f"/proc/self/fd/{number}")
            except OSError:
                continue
            if opened == path or opened.startswith(f"{path}/"):
                raise PermissionError(errno.EACCES, "open (as on Windows)", path)

    def wrapped(function, *, replaces):
        def wrapper(path, *others, **options):
            if "src_dir_fd" not in options and "dir_fd" not in options:
                refuse_open(path)
                for other in others:
                    refuse_open(other)
                    if not replaces and os.path.lexists(other):
                        raise FileExistsError(errno.EEXIST, "exists (as on Windows)", str(other))
            return function(path, *others, **options)

        return wrapper

    os.replace = wrapped(os.replace, replaces=True)
    os.rename = wrapped(os.rename, replaces=False)
    os.unlink = os.remove = wrapped(os.unlink, replaces=True)
    shutil._use_fd_functions = False


def _no_folder_is_opened() -> None:
    open_file = os.open

    def open_no_folder(path, *arguments, **options):
        if os.path.isdir(path):
            raise PermissionError(errno.EACCES, "a folder (as on Windows)", str(path))
        return open_file(path, *arguments, **options)

    os.open = open_no_folder


def _nothing_is_flushed_that_was_opened_for_reading() -> None:
    flush, look, flags = os.fsync, fcntl.fcntl, fcntl.F_GETFL

    def flush_written(descriptor):
        if look(descriptor, flags) & os.O_ACCMODE == os.O_RDONLY:
            raise OSError(errno.EBADF, "opened for reading (as on Windows)")
        flush(descriptor)

    os.fsync = flush_written


if __name__ == "__main__":
    # A folder with the tiny files, see `tests/conftest.py`: the small road, from text to labels.
    simulate()
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from common.whole_files import whole_folder
    from tests.conftest import Tiny
    from training.command_line import quiet_libraries

    quiet_libraries()
    import tensorflow as tf

    from predict import main as predict
    from serving import server  # noqa: F401  # It can be imported.
    from serving.connections import possible_connections
    from train_bert_fine_tuning import fine_tune
    from train_bert_lm import pretrain
    from training.options.scripts import FineTuningOptions, PretrainingOptions

    # Faster for a few steps.
    tf.config.run_functions_eagerly(True)
    folder = Path(sys.argv[1])
    tiny = Tiny(folder)
    first, second = str(folder / "lm"), str(folder / "labels")
    epochs = {"num_epochs": 1, "process_num": 0}
    pretrain(PretrainingOptions(**tiny.pretraining(ckpt_dir=first, **epochs)))
    options = tiny.fine_tuning(ckpt_dir=first, ckpt_dir_save=second, **epochs)
    fine_tune(FineTuningOptions(**options))
    output = folder / "out.jsonl"
    for _ in range(2):
        sys.argv[1:] = [
            f"--ckpt_dir={second}",
            f"--input={tiny.file('free')}",
            f"--output={output}",
        ]
        predict()
    for number in range(2):
        with whole_folder(folder / "export", replace=True) as incoming:
            (incoming / str(number)).touch()
    assert possible_connections(100_000) == 100_000
