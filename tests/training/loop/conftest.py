"""Runs of both stages on the tiny files, and their like that were not killed."""

import functools

import pytest

from tests import toys
from tests.training.loop.killed_runs import always
from train_bert_fine_tuning import fine_tune
from train_bert_lm import pretrain
from training.loop.callbacks import StepCallback
from training.options.scripts import FineTuningOptions, PretrainingOptions
from training.runs.run_folder import RunFolder


@pytest.fixture(scope="module")
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
