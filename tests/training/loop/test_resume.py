"""Runs that are killed and resume, compared with runs that never were.

Here a kill is an exception that nothing catches, at a chosen place. `benchmarks/crash_test.py` and
its test kill real processes.
"""

import json
import os
import shutil
import signal

import pytest

from common.errors import CheckpointError, OptionError, StoppedError
from models.checkpoints.folder import read_checkpoint
from models.registry import BACKBONES
from tasks.classification import evaluation
from tests.tasks.examples import FILES, OPTIONS
from tests.training.loop.killed_runs import (
    KilledError,
    assert_same_result,
    history_of,
    kill,
    once,
    points_of,
)
from train_bert_fine_tuning import fine_tune
from training import pretraining
from training.options.scripts import FineTuningOptions
from training.runs.run_folder import RunFolder

# What a run restores of its model is tested with each backbone; the rest with the fastest one.
TOY = "toy"
# Enough for what is tested here, and several times faster; the crash test runs them compiled.
pytestmark = pytest.mark.usefixtures("with_toys", "eagerly")


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
