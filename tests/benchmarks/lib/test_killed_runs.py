"""What is read from the folders of killed runs."""

import h5py
import numpy as np
import pytest

from benchmarks.lib.killed_runs import (
    is_half_written,
    largest_difference,
    last_logged_step,
    nearly_equal,
    training_state,
)


def test_a_checkpoint_that_is_being_written(tmp_path):
    assert not is_half_written(tmp_path)
    assert training_state(tmp_path) == {}
    last = tmp_path / "last"
    last.mkdir()
    (last / "training_state.json").write_text('{"step": 3}')
    assert training_state(tmp_path) == {"step": 3}
    assert not is_half_written(tmp_path)
    (last / ".complete").mkdir()
    (last / ".complete/training_state.json").write_text('{"step": 6}')
    assert is_half_written(tmp_path)
    # It is whole, and only has to be moved.
    assert training_state(tmp_path) == {"step": 6}


def test_the_last_step_of_a_log_that_was_cut_short(tmp_path):
    import tensorflow as tf

    assert last_logged_step(tmp_path) == 0
    folder = tmp_path / "logs" / "pretraining" / "train"
    with tf.summary.create_file_writer(str(folder)).as_default():
        for step in (3, 6, 9):
            tf.summary.scalar("loss", 1.0, step=step)
    assert last_logged_step(tmp_path) == 9
    (path,) = folder.iterdir()
    path.write_bytes(path.read_bytes()[:-5])
    assert last_logged_step(tmp_path) == 6


def test_differences_of_arrays(tmp_path):
    for name, key, value in (("a", "w", 1.0), ("b", "w", 1.25), ("c", "v", 1.0)):
        with h5py.File(tmp_path / name, "w") as file:
            file[f"layer/{key}"] = np.full((2, 2), value)
    assert largest_difference(tmp_path / "a", tmp_path / "a") == 0
    assert largest_difference(tmp_path / "a", tmp_path / "b") == 0.25
    with pytest.raises(RuntimeError, match="different arrays"):
        largest_difference(tmp_path / "a", tmp_path / "c")


@pytest.mark.parametrize(
    ("theirs", "equal"),
    [
        ({"loss": [1.0, {"f1": 0.5}], "best": 2}, True),
        ({"loss": [1.0 + 1e-7, {"f1": 0.5}], "best": 2}, True),
        ({"loss": [1.001, {"f1": 0.5}], "best": 2}, False),
        ({"loss": [1.0, {"f1": 0.5}], "best": 3}, False),
        ({"loss": [1.0], "best": 2}, False),
        ({"loss": [1.0, {"f1": 0.5}]}, False),
    ],
)
def test_metrics_that_are_the_same(theirs, equal):
    assert nearly_equal({"loss": [1.0, {"f1": 0.5}], "best": 2}, theirs) is equal
