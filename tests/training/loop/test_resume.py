"""Runs that are killed and resume, compared with runs that never were.

Here a kill is an exception that nothing catches, at a chosen place. `benchmarks/crash_test.py` and
its test kill real processes.
"""

import functools
import json
import os
import shutil
import signal

import numpy as np
import pytest
from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator
from tensorboard.util.tensor_util import make_ndarray

from common.errors import CheckpointError, OptionError, StoppedError
from models.checkpoints.folder import Checkpoint, read_checkpoint
from models.registry import BACKBONES
from tasks.classification import evaluation
from tests import toys
from tests.stored_arrays import arrays_of
from tests.tasks.examples import FILES, OPTIONS
from train_bert_fine_tuning import fine_tune
from train_bert_lm import pretrain
from training import pretraining
from training.loop.callbacks import StepCallback
from training.loop.run_history import RunHistory
from training.loop.training_state import TrainingState
from training.options.scripts import FineTuningOptions, PretrainingOptions
from training.runs.run_folder import RunFolder

# What a run restores of its model is tested with each backbone; the rest with the fastest one.
TOY = "toy"
# Enough for what is tested here, and several times faster; the crash test runs them compiled.
pytestmark = pytest.mark.usefixtures("eagerly")


class KilledError(BaseException):
    """Nothing of ours catches it."""


@pytest.fixture(scope="module", autouse=True)
def with_toys():
    with toys.registered():
        yield


@pytest.fixture(scope="module")
def runner(tiny, with_toys):
    """Gives what runs a step on the tiny files into a folder."""

    def make(stage, backbone, folder, start="", **changes):
        if stage == "pretraining":
            # Five steps an epoch: a step costs more than its rows.
            changes = {"ckpt_dir": str(folder), "batch_size": 32, **changes}
            values = tiny.pretraining(backbone, **changes)
            return lambda: pretrain(PretrainingOptions(**values))
        values = {"ckpt_dir": str(start), "ckpt_dir_save": str(folder), **changes}
        options = FineTuningOptions(**tiny.fine_tuning(**values))
        return lambda: fine_tune(options)

    return make


@pytest.fixture(scope="module")
def published():
    """How often each run that was not killed has published a checkpoint, by its folder."""
    return {}


@pytest.fixture(scope="module")
def unkilled(runner, published, tmp_path_factory):
    """Gives the folder of a run that was not killed. Not to be written to."""

    @functools.cache
    def make(stage, backbone):
        folder = tmp_path_factory.mktemp("unkilled") / "out"
        start = make("pretraining", backbone) if stage == "fine_tuning" else ""
        published[folder] = 0

        def count():
            published[folder] += 1

        with pytest.MonkeyPatch.context() as patch:
            always(patch, RunFolder, "publish", count)
            runner(stage, backbone, folder, start)()
        return folder

    return make


@pytest.fixture
def step(runner, unkilled, tmp_path):
    """A step on the tiny files: how to run it, its folder, and the folder of an unkilled run."""

    def make(stage, backbone, **changes):
        folder, reference = tmp_path / "out", unkilled(stage, backbone)
        start = changes.pop("start", unkilled("pretraining", backbone))
        return runner(stage, backbone, folder, start, **changes), folder, reference

    return make


@pytest.fixture
def after_step(monkeypatch):
    """Does something once, after a step of the run; what that step would have saved is not."""

    def patch(number, action):
        original = StepCallback.on_train_batch_end

        def on_train_batch_end(self, batch, logs=None):
            if self._state.step + 1 == number:
                monkeypatch.setattr(StepCallback, "on_train_batch_end", original)
                action()
            original(self, batch, logs)

        monkeypatch.setattr(StepCallback, "on_train_batch_end", on_train_batch_end)

    return patch


def once(monkeypatch, owner, name, action, call=1):
    """Does something before the `call`-th call of a function."""
    calls = []

    def act():
        calls.append(1)
        if len(calls) == call:
            action()

    always(monkeypatch, owner, name, act)


def always(monkeypatch, owner, name, action):
    """Does something before each call of a function."""
    original = getattr(owner, name)

    def replaced(*args, **kwargs):
        action()
        return original(*args, **kwargs)

    monkeypatch.setattr(owner, name, replaced)


def kill():
    raise KilledError


def history_of(metrics):
    timeless = json.loads(json.dumps(metrics))
    for entry in timeless["history"]:
        entry.pop("seconds")
    return timeless


def points_of(folder):
    """tag -> [(step, value)] of a run's curves, of each split; speeds left out."""
    (logs,) = (folder / "logs").iterdir()
    points = {}
    for split in ("train", "valid"):
        events = EventAccumulator(str(logs / split), size_guidance={"tensors": 0})
        events.Reload()
        for tag in events.Tags()["tensors"]:
            if not tag.endswith(("examples_per_second", "options")):
                points[split, tag] = [
                    (event.step, float(make_ndarray(event.tensor_proto)))
                    for event in events.Tensors(tag)
                ]
    return points


def assert_same_result(folder, reference):
    """Weights, optimizer, figures and curves are those of a run that was not killed."""
    for name in ("model.weights.h5", "last/model.weights.h5", "last/optimizer.h5"):
        ours, theirs = arrays_of(folder / name), arrays_of(reference / name)
        assert ours.keys() == theirs.keys()
        assert max(np.abs(ours[key] - theirs[key]).max() for key in ours) <= 1e-6, name
    for name in ("test_labels.csv", "test_predictions.jsonl", "report.html"):
        if (reference / name).exists():
            ours, theirs = (path / name for path in (folder, reference))
            # The report shows the command, which may save at other steps, to another folder.
            found = [
                [line for line in path.read_text().splitlines() if "--ckpt_dir" not in line]
                for path in (ours, theirs)
            ]
            assert found[0] == found[1], name
    ours, theirs = (
        json.loads((path / "last" / "training_state.json").read_text())
        for path in (folder, reference)
    )
    for name in (
        "epoch",
        "step",
        "step_in_epoch",
        "ended",
        "validations_without_improvement",
        "rng",
    ):
        assert ours[name] == theirs[name], name
    ours, theirs = (
        history_of(json.loads((path / "metrics.json").read_text())) for path in (folder, reference)
    )
    assert ours.keys() == theirs.keys()
    assert ours["best_epoch"] == theirs["best_epoch"]
    assert ours.get("thresholds") == theirs.get("thresholds")
    for one, other in zip(
        [*ours["history"], {"valid": ours.get("test", {})}],
        [*theirs["history"], {"valid": theirs.get("test", {})}],
        strict=True,
    ):
        assert one.get("epoch") == other.get("epoch")
        for split in ("train", "valid"):
            assert one.get(split) == pytest.approx(other.get(split), abs=1e-5)
    ours, theirs = points_of(folder), points_of(reference)
    assert ours.keys() == theirs.keys()
    for tag in ours:
        assert [step for step, _ in ours[tag]] == [step for step, _ in theirs[tag]], tag
        values = [[value for _, value in points[tag]] for points in (ours, theirs)]
        assert values[0] == pytest.approx(values[1], abs=1e-4), tag
    assert not list(folder.rglob(".*"))


def test_killed_while_it_learns_which_labels_are_named(runner, after_step, tmp_path):
    (tmp_path / "names.txt").write_text("盗窃\n诈骗\t骗取\n", encoding="utf-8")
    changes = {"label_names_file": str(tmp_path / "names.txt"), "save_every_steps": 2}
    changes["batch_size"] = 16
    changes["objectives"] = ["masked_lm", "label_mention"]
    runner("pretraining", TOY, tmp_path / "whole", **changes)()
    run = runner("pretraining", TOY, tmp_path / "killed", **changes)
    after_step(9, kill)
    with pytest.raises(KilledError):
        run()
    run()
    assert_same_result(tmp_path / "killed", tmp_path / "whole")
    # A file of other names is another run.
    (tmp_path / "names.txt").write_text("盗窃\n诈骗\n", encoding="utf-8")
    with pytest.raises(OptionError, match=r"another run: --label_names_file: other text"):
        run()


def test_killed_while_it_denoises(runner, after_step, tmp_path):
    """What is drawn is the damage; a sampled softmax draws, too."""
    changes = {"objectives": ["denoising"], "decoder_layers": 1, "num_sampled": 8}
    changes |= {"save_every_steps": 2, "batch_size": 16}
    runner("pretraining", TOY, tmp_path / "whole", **changes)()
    run = runner("pretraining", TOY, tmp_path / "killed", **changes)
    after_step(3, kill)
    with pytest.raises(KilledError):
        run()
    run()
    assert_same_result(tmp_path / "killed", tmp_path / "whole")


@pytest.mark.parametrize(
    ("stage", "backbone"),
    [*(("pretraining", name) for name in BACKBONES), ("fine_tuning", "transformer")],
)
def test_killed_within_an_epoch(step, after_step, stage, backbone, caplog):
    caplog.set_level("INFO")
    run, folder, reference = step(stage, backbone, save_every_steps=2)
    steps = json.loads((reference / "last" / "training_state.json").read_text())["step"]
    epochs = 2 if stage == "pretraining" else 3
    # In the second epoch, two steps after a checkpoint: those two are done again.
    killed_after = steps // epochs + 4 - steps // epochs % 2
    after_step(killed_after, kill)
    with pytest.raises(KilledError):
        run()
    state = read_checkpoint(folder / "last").json("training_state.json")
    assert state["step"] == killed_after - 2
    assert state["epoch"] == 1
    assert state["step_in_epoch"] > 0
    run()
    (line,) = [line for line in caplog.messages if line.startswith("resuming")]
    assert f"{folder}: epoch 2 of {epochs}, after step {state['step_in_epoch']} of" in line
    assert f"({state['step']} in all)" in line
    assert_same_result(folder, reference)


@pytest.mark.parametrize("task", ["token_classification"])
def test_killed_while_another_task_is_learned(after_step, task, tmp_path):
    files = {}
    for split, count in (("training", 24), ("valid", 8), ("test", 8)):
        path = tmp_path / f"{split}.txt"
        path.write_text("".join(FILES[task][0](count, count)), encoding="utf-8")
        files[f"{split}_data_file"] = [str(path)]
    values = {"task": task, "ckpt_dir": "", "data_path": str(tmp_path / "data"), "process_num": 1}
    values |= {"backbone": TOY, "preset": "tiny", "d_model": 16, "min_count": 1, "num_epochs": 2}
    values |= {"tokenize_style": "char", "sequence_length": 12, "batch_size": 8} | OPTIONS[task]
    options = FineTuningOptions(**values, **files, save_every_steps=2)
    fine_tune(options.replace(ckpt_dir_save=str(tmp_path / "whole" / "out")))
    killed = options.replace(ckpt_dir_save=str(tmp_path / "killed" / "out"))
    after_step(5, kill)
    with pytest.raises(KilledError):
        fine_tune(killed)
    state = read_checkpoint(tmp_path / "killed" / "out" / "last").json("training_state.json")
    assert (state["step"], state["epoch"]) == (4, 1)
    fine_tune(killed)
    assert_same_result(tmp_path / "killed" / "out", tmp_path / "whole" / "out")


@pytest.mark.parametrize("where", ["first step", "validation", "best", "test", "report", "finish"])
def test_killed_elsewhere(step, published, after_step, monkeypatch, where):
    run, folder, reference = step("fine_tuning", TOY)
    best = json.loads((reference / "metrics.json").read_text())["best_epoch"]
    if where == "first step":
        after_step(1, kill)
    elif where == "validation":
        once(monkeypatch, evaluation, "evaluate", kill, call=2)
    elif where in ("best", "report"):
        # The last checkpoint of all adds the test figures to the best one.
        once(monkeypatch, RunFolder, "publish", kill, call=published[reference] - (where == "best"))
    elif where == "test":
        once(monkeypatch, evaluation.ClassificationEvaluation, "test", kill, call=1)
    else:
        once(monkeypatch, RunFolder, "_write_record", kill, call=2)
    with pytest.raises(KilledError):
        run()
    monkeypatch.undo()
    if where == "best":
        # The last checkpoint knows of a best one that was not written.
        metrics = read_checkpoint(folder / "last").json("metrics.json")
        assert metrics["best_epoch"] == best
        try:
            assert read_checkpoint(folder).json("metrics.json")["best_epoch"] < best
        except CheckpointError:
            assert best == 1
    assert not json.loads((folder / "run.json").read_text())["finished"]
    run()
    assert_same_result(folder, reference)
    assert json.loads((folder / "run.json").read_text())["finished"]


def test_asked_to_stop_within_an_epoch(step, after_step, request):
    number = signal.SIGINT
    # A shell ignores it for what it runs in the background.
    before = signal.signal(number, signal.default_int_handler)
    request.addfinalizer(lambda: signal.signal(number, before))
    run, folder, reference = step("fine_tuning", TOY, save_every_steps=0)
    after_step(6, lambda: os.kill(os.getpid(), number))
    with pytest.raises(StoppedError, match="the same command resumes") as stopped:
        run()
    assert stopped.value.status == 128 + number
    # The checkpoint is of this very step.
    state = read_checkpoint(folder / "last").json("training_state.json")
    assert (state["step"], state["epoch"], state["step_in_epoch"]) == (6, 1, 2)
    # Handlers are as they were.
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    run()
    assert_same_result(folder, reference)


def test_asked_to_stop_while_validating(step, monkeypatch):
    # Its metrics serve both training and validation: they must not be mixed up.
    run, folder, reference = step("pretraining", TOY, save_every_steps=0)
    once(monkeypatch, pretraining, "evaluate", lambda: os.kill(os.getpid(), signal.SIGTERM), call=2)
    with pytest.raises(StoppedError):
        run()
    monkeypatch.undo()
    # No step of the epoch is lost, and its validation comes again.
    state = read_checkpoint(folder / "last").json("training_state.json")
    metrics = json.loads((reference / "last" / "training_state.json").read_text())
    assert (state["epoch"], state["step"]) == (1, metrics["step"])
    assert state["step_in_epoch"] > 0
    run()
    assert_same_result(folder, reference)


def test_a_second_ctrl_c_ends_at_once(monkeypatch):
    from training.loop import interruption

    ended = []
    monkeypatch.setattr(interruption.os, "_exit", ended.append)
    with interruption.Interruption() as stop:
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.requested
        os.kill(os.getpid(), signal.SIGTERM)
        assert ended == []
        os.kill(os.getpid(), signal.SIGINT)
        assert ended == [130]


def test_a_signal_while_nobody_reads_standard_error(monkeypatch):
    # Ctrl-C has ended the reader of `2>&1 | tee log`.
    from training.loop import interruption

    def fail(number, text):
        raise BrokenPipeError

    monkeypatch.setattr(interruption.os, "write", fail)
    with interruption.Interruption() as stop:
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.requested


def test_a_terminal_that_is_closed(request):
    from training.loop.interruption import Interruption

    # It is ignored where the tests run under `nohup`.
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    request.addfinalizer(lambda: signal.signal(signal.SIGHUP, before))
    with Interruption() as stop:
        os.kill(os.getpid(), signal.SIGHUP)
        with pytest.raises(StoppedError, match="SIGHUP"):
            stop.check()
    assert signal.getsignal(signal.SIGHUP) == signal.SIG_DFL
    # `nohup`
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with Interruption() as stop:
        os.kill(os.getpid(), signal.SIGHUP)
        assert not stop.requested


def test_a_finished_run_is_left_alone(runner, unkilled, monkeypatch, caplog):
    folder = unkilled("pretraining", TOY)
    caplog.clear()
    caplog.set_level("INFO")
    before = (folder / "manifest.json").stat().st_mtime_ns
    monkeypatch.setattr(pretraining, "prepare_data", lambda options: pytest.fail("it was run"))
    metrics = runner("pretraining", TOY, folder)()
    assert metrics == json.loads((folder / "metrics.json").read_text())
    assert caplog.messages == [
        f"{folder}: this run has already finished, nothing to do (--overwrite starts over, a "
        "higher --num_epochs continues)"
    ]
    assert (folder / "manifest.json").stat().st_mtime_ns == before


def test_a_finished_run_gets_more_epochs(runner, unkilled, tmp_path, caplog):
    # What the loop makes of it for both stages is tested with it.
    caplog.set_level("INFO")
    folder, start = tmp_path / "out", unkilled("pretraining", TOY)
    shutil.copytree(unkilled("fine_tuning", TOY), folder)
    before = json.loads((folder / "metrics.json").read_text())
    steps = read_checkpoint(folder / "last").json("training_state.json")["step"]
    metrics = runner("fine_tuning", TOY, folder, start, num_epochs=4)()
    assert history_of(metrics)["history"][:3] == history_of(before)["history"]
    assert [entry["epoch"] for entry in metrics["history"]] == [1, 2, 3, 4]
    assert metrics["test"]["examples"] == before["test"]["examples"]
    points = points_of(folder)["train", "fine_tuning/loss"]
    assert [step for step, _ in points] == [*range(1, steps // 3 * 4 + 1)]
    (line,) = [line for line in caplog.messages if "instead of" in line]
    assert line.startswith("--num_epochs=4 instead of 3: from here on the learning rate is that")
    assert json.loads((folder / "run.json").read_text())["finished"]


def test_fine_tuning_does_not_resume_from_another_pre_trained_checkpoint(
    step, unkilled, after_step
):
    run, _, reference = step("fine_tuning", TOY, save_every_steps=1)
    after_step(3, kill)
    with pytest.raises(KilledError):
        run()
    changed, _, _ = step("fine_tuning", TOY, start=reference)
    with pytest.raises(OptionError, match="it started from another checkpoint"):
        changed()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("epoch", "1"), ("step", -1), ("ended", 0), ("rng", {}), ("best_score", [])),
        *(("best_score", float("nan")), ("curve", []), ("curve", {"step": "1"})),
        *(("curve", {"means": [1]}), ("curve", {"means": {"loss": None}})),
    ],
)
def test_a_state_that_was_forged(tmp_path, name, value):
    path = tmp_path / "training_state.json"
    content = {**TrainingState("pretraining").to_dict(), name: value}
    path.write_text(json.dumps(content))
    with pytest.raises(CheckpointError, match=rf"training_state\.json: {name} cannot be"):
        TrainingState.of(Checkpoint(tmp_path, {}, {path.name: path}))


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"epoch": 3}, "epoch"),
        ({"epoch": 4, "ended": True}, "epoch"),
        ({"epoch": 10**30}, "epoch"),
        ({"step_in_epoch": 6}, "step_in_epoch"),
        ({"epoch": 3, "step_in_epoch": 1, "ended": True}, "step_in_epoch"),
    ],
)
def test_a_state_that_no_such_run_reaches(tmp_path, values, name):
    # It would train for ever, or nothing.
    checkpoint = Checkpoint(tmp_path, {}, {"training_state.json": tmp_path})
    TrainingState("pretraining", epoch=2, step_in_epoch=5).check(checkpoint, 3, lambda epoch: 5)
    TrainingState("pretraining", epoch=3, ended=True).check(checkpoint, 3, lambda epoch: 5)
    with pytest.raises(CheckpointError, match=rf": {name} cannot be what it is there"):
        TrainingState("pretraining", **values).check(checkpoint, 3, lambda epoch: 5)


@pytest.mark.parametrize("metrics", [{}, {"history": {}}, {"history": [], "best_epoch": "1"}])
def test_a_history_that_was_forged(metrics):
    with pytest.raises(CheckpointError, match=r"metrics\.json: history or best_epoch cannot be"):
        RunHistory("f1").restore(metrics)


@pytest.mark.parametrize("values", [[["a", "b"]], [[1], [2]], [[[1], [2, 3]]], []])
def test_random_states_of_another_model(values):
    import keras

    from training.loop.training_state import _assign

    with pytest.raises(CheckpointError, match="the state of another model"):
        _assign([keras.Variable([1, 2], dtype="int32")], values)
