"""Several devices and several processes, compared with one device and the same global batch.

Each layout runs in processes of its own: devices are made, and backends chosen, once a process.
What is tested does not depend on the backbone. So it is the toy, the fastest to compile, but for
one stage with a Transformer, whose kernels run in the threads of several devices there.
"""

import functools
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest

from tasks.classification.evaluation import ClassificationEvaluation
from tests import toys
from train_bert_fine_tuning import fine_tune
from train_bert_lm import pretrain
from training import pretraining
from training.options.scripts import FineTuningOptions, PretrainingOptions
from training.prediction import Predictor

ROOT = Path(__file__).parents[3]
# What validates, by stage.
STAGES = {
    "pretraining": (pretraining, "evaluate"),
    "fine_tuning": (ClassificationEvaluation, "validate"),
}
# Numbers of rows that neither two devices nor the number of documents can be divided by; without
# dropout, whose draws are not those of one device.
PRETRAINING = {"batch_size": 15, "dropout_keep_prob": 1.0, "save_every_steps": 4}
FINE_TUNING = {"batch_size": 13, "dropout_keep_prob": 1.0, "num_epochs": 2}
# Without optimizations XLA compiles twice as fast.
JAX = {"KERAS_BACKEND": "jax", "JAX_DISABLE_MOST_OPTIMIZATIONS": "1"}
RUNS = """
import functools, json, logging, os, sys
settings = json.loads(sys.argv[1])
if settings["devices"] > 1:
    import tensorflow as tf

    device = tf.config.LogicalDeviceConfiguration()
    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [device] * settings["devices"])
logging.basicConfig(level=logging.INFO, format="%(message)s")
from tests import toys
from train_bert_fine_tuning import fine_tune
from train_bert_lm import pretrain
from training import command_line
from training.options.scripts import FineTuningOptions, PretrainingOptions

if os.environ.get("KERAS_BACKEND") == "jax":
    # A script has one stage, and JAX connects once a process: the stages share the connection.
    import jax

    jax.distributed.initialize = functools.cache(jax.distributed.initialize)
    shutdown, jax.distributed.shutdown = jax.distributed.shutdown, lambda: None
with toys.registered():
    if "pretraining" in settings:
        pretrain(PretrainingOptions(**settings["pretraining"]))
    if "fine_tuning" in settings:
        fine_tune(FineTuningOptions(**settings["fine_tuning"]))
    if "stopped" in settings:
        jax.distributed.shutdown = shutdown
        # With all that a script has around it.
        sys.argv[1:] = [f"--{name}={value}" for name, value in settings["stopped"].items()]
        command_line.run(pretrain, PretrainingOptions, "")
"""


class KilledError(BaseException):
    """Nothing of ours catches it."""


@pytest.fixture(scope="module", autouse=True)
def with_toys():
    with toys.registered():
        yield


@pytest.fixture(scope="module")
def options(tiny, tmp_path_factory, with_toys):
    """The options of both stages, into folders of their own."""
    folder = tmp_path_factory.mktemp("distribution")

    def make(stage, name, backbone="toy", **changes):
        out = str(folder / f"{backbone}_{stage}_{name}")
        if stage == "pretraining":
            values = {**PRETRAINING, "backbone": backbone, "ckpt_dir": out, **changes}
            return tiny.pretraining(**values)
        start = str(folder / f"{backbone}_pretraining_one")
        return tiny.fine_tuning(**FINE_TUNING, ckpt_dir=start, ckpt_dir_save=out, **changes)

    return make


@pytest.fixture(scope="module")
def one_device(options):
    """Runs a stage in this process; killed before the second epoch where that is asked for."""
    import tensorflow as tf

    @functools.cache
    def run(stage, name="one", kill=False, backbone="toy"):
        if stage == "fine_tuning":
            run("pretraining", backbone=backbone)
        values = options(stage, name, backbone)
        act = pretrain if stage == "pretraining" else fine_tune
        kind = PretrainingOptions if stage == "pretraining" else FineTuningOptions
        with pytest.MonkeyPatch.context() as patch:
            if kill:
                original, calls = getattr(*STAGES[stage]), []

                def evaluate(*args, **kwargs):
                    calls.append(1)
                    if len(calls) == 2:
                        raise KilledError
                    return original(*args, **kwargs)

                patch.setattr(*STAGES[stage], evaluate)
            tf.config.run_functions_eagerly(True)
            try:
                act(kind(**values))
            except KilledError:
                assert kill
            finally:
                tf.config.run_functions_eagerly(False)
        return Path(values["ckpt_dir" if stage == "pretraining" else "ckpt_dir_save"])

    return run


def start(arguments, log, **environment):
    # Into a file: a pipe that nobody reads would fill up while another process is waited for.
    return subprocess.Popen(
        [sys.executable, *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3", **environment},
        stdout=subprocess.DEVNULL,
        stderr=log.open("w"),
    )


def runs_of(settings):
    """What `start` takes to run the stages of `settings`."""
    return ["-c", RUNS, json.dumps(settings)]


@pytest.fixture(scope="module")
def two_processes(one_device, options, tmp_path_factory):
    """Two on JAX. Both stages, which were begun on TensorFlow; then a run that the second ends.

    Returns:
        The folders of both stages, the exit statuses and the logs of both processes.
    """
    pytest.importorskip("jax", reason="JAX is not installed")
    folders = {stage: one_device(stage, "processes", kill=True) for stage in STAGES}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    runs = []
    logs = [tmp_path_factory.mktemp("processes") / f"log_{number}" for number in range(2)]
    for number, log in enumerate(logs):
        layout = {
            "distribute": "data_parallel",
            "coordinator": f"127.0.0.1:{port}",
            "num_processes": 2,
            "process_id": number,
        }
        settings = {stage: options(stage, "processes", **layout) for stage in STAGES}
        endless = {"num_epochs": 5000, "validate_every": 5000, "objectives": "masked_lm"}
        stopped = options("pretraining", "stopped", **layout, **endless)
        stopped["mask_lm_source_file"] = ",".join(stopped["mask_lm_source_file"])
        runs.append(start(runs_of({"devices": 1, **settings, "stopped": stopped}), log, **JAX))
    try:
        give_up = time.monotonic() + 600
        while not (Path(stopped["ckpt_dir"]) / "last").exists() and not any(
            run.poll() for run in runs
        ):
            assert time.monotonic() < give_up, [log.read_text()[-3000:] for log in logs]
            time.sleep(0.1)
        runs[1].send_signal(signal.SIGTERM)
        statuses = [run.wait(timeout=600) for run in runs]
    finally:
        for run in runs:
            run.kill()
    return folders, statuses, [log.read_text() for log in logs]


def assert_same_run(folder, reference):
    """All figures are the same, and so are the weights."""
    ours, theirs = (json.loads((path / "metrics.json").read_text()) for path in (folder, reference))
    assert len(ours["history"]) == len(theirs["history"]) == 2
    for one, other in zip(ours["history"], theirs["history"], strict=True):
        for split in ("train", "valid"):
            assert one[split] == pytest.approx(other[split], abs=1e-4)
        assert one["learning_rate"] == pytest.approx(other["learning_rate"])
    if "test" in theirs:
        assert ours["test"] == pytest.approx(theirs["test"], abs=1e-4)
    for name in ("model.weights.h5", "last/optimizer.h5"):
        with h5py.File(folder / name) as one, h5py.File(reference / name) as other:
            found = []

            def compare(path, item, one=one, found=found):
                if isinstance(item, h5py.Dataset):
                    found.append(path)
                    np.testing.assert_allclose(one[path][()], item[()], atol=2e-3, err_msg=path)

            other.visititems(compare)
            assert found
    assert not list(folder.rglob(".*"))


def test_two_devices_are_as_one(one_device, options, tmp_path):
    # The second stage was begun on one device.
    killed = one_device("fine_tuning", "mirrored", kill=True)
    settings = {
        "devices": 2,
        "pretraining": options("pretraining", "mirrored", "transformer", distribute="mirrored"),
        "fine_tuning": options("fine_tuning", "mirrored", distribute="mirrored"),
    }
    run = start(runs_of(settings), tmp_path / "log")
    assert run.wait() == 0, (tmp_path / "log").read_text()[-3000:]
    log = (tmp_path / "log").read_text()
    assert "batches of 15 over 2 devices" in log
    assert "resuming the run" in log
    reference = one_device("pretraining", backbone="transformer")
    assert_same_run(Path(settings["pretraining"]["ckpt_dir"]), reference)
    assert_same_run(killed, one_device("fine_tuning"))
    # What two devices made is read by one.
    ours, theirs = Predictor(killed), Predictor(one_device("fine_tuning"))
    texts = ["被告人盗窃手机。", "殴打致轻伤。"]
    np.testing.assert_allclose(ours.probabilities(texts), theirs.probabilities(texts), atol=1e-3)


def test_two_processes_are_as_one_device(one_device, two_processes):
    """On another backend, too."""
    folders, _, logs = two_processes
    assert "over 2 devices, 2 processes" in logs[0]
    for stage, folder in folders.items():
        assert_same_run(folder, one_device(stage))
        # One process speaks, and one writes: a folder of curves, each split in one more file.
        (curves,) = (folder / "logs").iterdir()
        assert len(list((curves / "train").iterdir())) == 2
    assert "epoch" not in logs[1]


def test_a_process_that_is_asked_to_stop_stops_all(two_processes):
    """SIGTERM to the second alone: both end after the same step, and the first has saved it."""
    _, statuses, logs = two_processes
    assert statuses == [143, 143], [log[-3000:] for log in logs]
    assert "resumes from the last checkpoint" in logs[0]
    assert "Traceback" not in "".join(logs)
