import pickle
import signal

import pytest

from common.errors import (
    CheckpointError,
    ConfigError,
    InputError,
    OptionError,
    StoppedError,
    TrainingError,
    UserError,
)


@pytest.mark.parametrize(
    ("path", "line", "expected"),
    [
        (None, None, "wrong"),
        ("a.txt", None, "a.txt: wrong"),
        ("a.txt", 3, "a.txt:3: wrong"),
        (None, 3, "3: wrong"),
    ],
)
def test_str_names_the_place_where_there_is_one(path, line, expected):
    assert str(InputError("wrong", path, line)) == expected


def test_survives_the_way_back_from_a_worker_process():
    error = pickle.loads(pickle.dumps(InputError("wrong", "a.txt", 3)))
    assert (error.message, error.path, error.line) == ("wrong", "a.txt", 3)
    assert str(error) == "a.txt:3: wrong"


def test_what_a_user_can_put_right_is_one_family():
    kinds = (InputError, OptionError, ConfigError, CheckpointError, TrainingError)
    assert all(issubclass(kind, UserError) for kind in kinds)
    # Nor is a stop an error that a library may catch.
    assert not issubclass(StoppedError, Exception)


@pytest.mark.parametrize(
    ("error", "text", "status"),
    [
        (StoppedError(signal.SIGINT, "resume"), "stopped by Ctrl-C: resume", 130),
        (StoppedError(signal.SIGTERM), "stopped by SIGTERM", 143),
    ],
)
def test_a_stopped_run_has_the_status_that_shells_give(error, text, status):
    assert (str(error), error.status) == (text, status)
