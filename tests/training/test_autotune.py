import json

import numpy as np
import pytest

from common.errors import OptionError, StoppedError, TrainingError
from models.checkpoints.folder import read_checkpoint
from models.checkpoints.weights import load_model
from train_bert_fine_tuning import fine_tune
from training import autotune
from training.autotune import settings, tuned
from training.options.scripts import FineTuningOptions
from training.preparation.splits import split_files


@pytest.fixture
def options_of(tiny, tmp_path):
    def make(**changes):
        values = {"ckpt_dir": "", "ckpt_dir_save": str(tmp_path / "save"), "num_epochs": 9}
        values |= {"autotune_minutes": 10.0, "preset": "tiny"}
        return FineTuningOptions(**tiny.fine_tuning(**(values | changes)))

    return make


class Clock:
    """Time that passes only in trials."""

    def __init__(self, monkeypatch, seconds_per_epoch):
        self.now, self.seconds_per_epoch, self.runs = 0.0, seconds_per_epoch, []
        monkeypatch.setattr(autotune.time, "monotonic", lambda: self.now)
        # No model is made, and looking for those of other tests takes half a second.
        monkeypatch.setattr(autotune.keras.utils, "clear_session", lambda: None)

    def train(self, score):
        """A trainer whose validation score is `score(options)`."""

        def run(options):
            self.runs.append(options)
            self.now += self.seconds_per_epoch * options.num_epochs
            history = [{"valid": {"f1": score(options)}}]
            return {"score": "f1", "best_epoch": 1, "history": history}

        return run


def test_without_the_option_nothing_changes(options_of):
    options = options_of(autotune_minutes=0.0)
    assert tuned(options, train=None) is options


def test_the_best_third_is_trained_three_times_as_long(monkeypatch, options_of):
    clock = Clock(monkeypatch, seconds_per_epoch=22.2)  # 3 * 600 / (22.2 * 9): 9 settings
    best = tuned(options_of(), clock.train(lambda options: -options.head_learning_rate))
    assert [run.num_epochs for run in clock.runs] == [1] * 9 + [3] * 3
    rates = [run.head_learning_rate for run in clock.runs]
    assert sorted(rates[9:]) == sorted(rates[:9])[:3]
    assert best.head_learning_rate == min(rates)
    assert (best.num_epochs, best.autotune_minutes) == (9, 0)
    assert best.test_data_file == options_of().test_data_file
    assert best.ckpt_dir_save == options_of().ckpt_dir_save


def test_trials_do_not_read_the_test_file_and_leave_no_folder(monkeypatch, options_of, tmp_path):
    clock = Clock(monkeypatch, seconds_per_epoch=60)
    tuned(options_of(), clock.train(lambda options: 0.5))
    assert all(run.test_data_file == [] for run in clock.runs)
    assert not any(run.tfidf_classifier for run in clock.runs)
    assert {path.name for path in (tmp_path / "save_autotune").iterdir()} == {
        "run.json",
        "trials.jsonl",
    }


def test_no_trial_begins_when_the_time_is_up(monkeypatch, options_of):
    clock = Clock(monkeypatch, seconds_per_epoch=400)
    tuned(options_of(), clock.train(lambda options: options.learning_rate))
    assert len(clock.runs) == 1  # A second one would end after 800 of 600 seconds.


def test_a_killed_search_repeats_no_trial(monkeypatch, options_of):
    clock = Clock(monkeypatch, seconds_per_epoch=22.2)
    train = clock.train(lambda options: options.learning_rate)

    def killed(options):
        if len(clock.runs) == 5:
            raise StoppedError(15)
        return train(options)

    with pytest.raises(StoppedError):
        tuned(options_of(), killed)
    resumed = tuned(options_of(), train)
    assert len(clock.runs) == 12
    assert tuned(options_of(), train) == resumed  # All trials are known.
    assert len(clock.runs) == 12


def test_trials_of_other_data_are_not_used(monkeypatch, options_of, tiny):
    train = Clock(monkeypatch, seconds_per_epoch=60).train(lambda options: 0.5)
    tuned(options_of(), train)
    with pytest.raises(
        OptionError, match=r"save_autotune: this folder belongs to another run: --seed=42"
    ):
        tuned(options_of(seed=1), train)
    assert tuned(options_of(seed=1, overwrite=True), train).seed == 1


def test_settings_that_diverge_lose(monkeypatch, options_of):
    clock = Clock(monkeypatch, seconds_per_epoch=22.2)
    normal, highest = clock.train(lambda options: options.learning_rate), 3e-3

    def train(options):
        metrics = normal(options)
        if options.learning_rate > highest:
            raise TrainingError("the training loss is nan")
        return metrics

    rates = [setting["learning_rate"] for setting in settings(options_of(), 3e-3, 9)]
    assert max(rates) > highest
    best = tuned(options_of(learning_rate=3e-3), train)
    assert best.learning_rate == max(rate for rate in rates if rate <= highest)

    def never(options):
        normal(options)
        raise TrainingError("the training loss is nan")

    with pytest.raises(TrainingError, match="diverged in every trial"):
        tuned(options_of(ckpt_dir_save=f"{options_of().ckpt_dir_save}2"), never)


def test_settings(options_of):
    options = options_of(batch_size=64, head_learning_rate=1e-3)
    found = settings(options, 2e-3, 200)
    assert found[0] == {
        "learning_rate": 2e-3,
        "head_learning_rate": 1e-3,
        "batch_size": 64,
        "dropout_keep_prob": 0.9,
    }
    assert found[:7] == settings(options, 2e-3, 7)
    columns = {name: [setting[name] for setting in found[1:]] for name in found[0]}
    assert set(columns["batch_size"]) == {16, 32, 64}
    for name, base in (("learning_rate", 2e-3), ("head_learning_rate", 1e-3)):
        logs = np.log(np.array(columns[name]) / base) / np.log(3)
        assert logs.min() < -0.9 and logs.max() > 0.9 and abs(logs).max() < 1.02
        assert abs(logs.mean()) < 0.15  # The middle of a uniform distribution from -1 to 1.


def test_documents_held_out_for_the_test_are_in_no_trial(monkeypatch, options_of, tmp_path):
    clock = Clock(monkeypatch, seconds_per_epoch=60)
    held_out = {"valid_data_file": None, "test_data_file": None, "test_ratio": 0.2}
    held_out["data_path"] = str(tmp_path)
    options = options_of(**held_out)
    tuned(options, clock.train(lambda options: 0.5))
    files = split_files(options)
    for run in clock.runs:
        assert run.training_data_file == files["train"] and run.test_data_file == []
        assert split_files(run) == {"train": files["train"], "valid": files["valid"]}


def test_the_command_gives_the_same_weights(options_of, tmp_path, eagerly):
    changes = {"num_epochs": 1, "batch_size": 32, "tfidf_classifier": False}
    fine_tune(options_of(autotune_minutes=0.0001, **changes))
    lines = (tmp_path / "save_autotune" / "trials.jsonl").read_text().splitlines()
    trial = json.loads(lines[0])
    assert 0 <= trial["score"] <= 1 and trial["seconds"] > 0
    setting = trial["setting"]
    again = tmp_path / "again"
    fine_tune(options_of(**(changes | setting), autotune_minutes=0.0, ckpt_dir_save=str(again)))
    weights = [
        load_model(read_checkpoint(folder)).get_weights() for folder in (tmp_path / "save", again)
    ]
    for one, other in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, other)
