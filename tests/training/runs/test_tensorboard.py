import os
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData
from tensorboard.util.tensor_util import make_ndarray

from common.errors import TrainingError
from training.options.scripts import FineTuningOptions
from training.runs import tensorboard as module
from training.runs.tensorboard import TensorBoardWriter, new_log_folder, write_test_figures


def events_of(folder):
    events = EventAccumulator(str(folder))
    events.Reload()
    return events


def points_of(events, tag):
    return [(event.step, float(make_ndarray(event.tensor_proto))) for event in events.Tensors(tag)]


@pytest.fixture
def run(tmp_path):
    folder = new_log_folder(tmp_path / "logs", "fine_tuning")
    writer = TensorBoardWriter(folder, "fine_tuning", FineTuningOptions().to_dict())
    writer.write("train", 5, {"loss": 2.5, "learning_rate": 1e-3})
    writer.write("train", 10, {"loss": 1.5, "learning_rate": 2e-3})
    writer.write("valid", 10, {"loss": 1.75, "f1": 0.5})
    writer.close()
    return folder


def test_options_with_the_name_of_a_file_that_is_not_utf8(tmp_path):
    TensorBoardWriter(tmp_path, "pretraining", {"ckpt_dir": os.fsdecode(b"\xff")}).close()
    (event,) = events_of(tmp_path / "train").Tensors("pretraining/options")
    assert b"\\udcff" in make_ndarray(event.tensor_proto).item()


def test_options_are_compared_by_hparams(run):
    data = events_of(run).summary_metadata["_hparams_/session_start_info"].plugin_data.content
    found = HParamsPluginData.FromString(data).session_start_info.hparams
    assert found["batch_size"].number_value == FineTuningOptions().batch_size
    assert found["tfidf_classifier"].bool_value is True
    assert found["training_data_file"].string_value == "['data/sample_train.txt']"


def test_figures_of_the_test_set_are_shown_once(run):
    for _ in range(2):  # The run was killed after it had written them.
        write_test_figures(run, "fine_tuning", 10, {"f1": 0.25, "labels": 3, "other": {}})
    assert points_of(events_of(run / "test"), "fine_tuning/f1") == [(10, 0.25)]


def test_curves(run):
    train, valid = events_of(run / "train"), events_of(run / "valid")
    assert points_of(train, "fine_tuning/loss") == [(5, 2.5), (10, 1.5)]
    assert points_of(train, "fine_tuning/learning_rate") == [
        (5, pytest.approx(1e-3)),
        (10, pytest.approx(2e-3)),
    ]
    assert points_of(valid, "fine_tuning/f1") == [(10, 0.5)]
    # The same name in both, so that a chart shows both.
    assert points_of(valid, "fine_tuning/loss") == [(10, 1.75)]


def test_tags_begin_with_the_stage(run):
    for split in ("train", "valid"):
        tags = events_of(run / split).Tags()["tensors"]
        assert tags
        assert all(tag.startswith("fine_tuning/") for tag in tags)


def test_options_are_a_table(run):
    (event,) = events_of(run / "train").Tensors("fine_tuning/options")
    text = make_ndarray(event.tensor_proto).item()
    text = text.decode() if isinstance(text, bytes) else text
    lines = text.splitlines()
    assert lines[:2] == ["| option | value |", "|---|---|"]
    assert "| batch_size | 64 |" in lines
    assert "| ckpt_dir_save | checkpoint_lm_save |" in lines
    assert len(lines) == 2 + len(FineTuningOptions().to_dict())


def test_a_run_has_a_folder_of_its_own(run):
    assert run.name.startswith("fine_tuning-2")
    assert run.parent.name == "logs"
    assert {path.name for path in run.iterdir() if path.is_dir()} == {"train", "valid"}


def test_points_are_there_before_the_end(tmp_path):
    # A run of hours is looked at while it goes on.
    writer = TensorBoardWriter(tmp_path, "pretraining", {})
    writer.write("valid", 3, {"masked_lm_loss": 4.0})
    events = events_of(tmp_path / "valid")
    assert points_of(events, "pretraining/masked_lm_loss") == [(3, 4.0)]
    writer.close()


def test_two_runs_of_one_second_have_two_folders(tmp_path, monkeypatch):
    class Stopped(module.datetime):
        @classmethod
        def now(cls):
            return cls(2026, 1, 2, 3, 4, 5)

    monkeypatch.setattr(module, "datetime", Stopped)
    names = [new_log_folder(tmp_path, "pretraining").name for _ in range(3)]
    first = "pretraining-20260102-030405"
    assert names == [first, f"{first}-2", f"{first}-3"]


def test_a_run_that_goes_on_leaves_no_fold(tmp_path):
    def session(done, steps, factor):
        with TensorBoardWriter(tmp_path, "pretraining", {"seed": 1}, done=done) as writer:
            for step in steps:
                writer.write("train", step, {"loss": float(factor * step)})
            writer.write("valid", steps[-1], {"loss": float(factor)})

    session(0, range(1, 8), 1)
    # Killed: half a record. Its last checkpoint was that of step 4.
    (file,) = (tmp_path / "train").iterdir()
    file.write_bytes(file.read_bytes()[:-5])
    session(4, range(5, 7), 10)
    session(6, range(7, 10), 100)
    train, valid = events_of(tmp_path / "train"), events_of(tmp_path / "valid")
    assert points_of(train, "pretraining/loss") == [
        *[(step, step) for step in range(1, 5)],
        *[(step, 10 * step) for step in range(5, 7)],
        *[(step, 100 * step) for step in range(7, 10)],
    ]
    assert points_of(valid, "pretraining/loss") == [(6, 10.0), (9, 100.0)]
    assert len(train.Tensors("pretraining/options")) == 1


def test_a_run_that_begins_again_leaves_nothing_of_before(tmp_path):
    for factor in (1.0, 2.0):
        with TensorBoardWriter(tmp_path, "pretraining", {"seed": 1}) as writer:
            writer.write("train", 1, {"loss": factor})
    events = events_of(tmp_path / "train")
    assert points_of(events, "pretraining/loss") == [(1, 2.0)]
    assert len(events.Tensors("pretraining/options")) == 1


def test_a_full_disk_is_told(tmp_path):
    # Linux' device that is always full.
    with TensorBoardWriter(tmp_path, "pretraining", {}) as writer:
        full = Path("/dev/full").open("wb", buffering=0)  # noqa: SIM115 (the writer closes it)
        writer._writers["valid"] = module.RecordWriter(full)
        with pytest.raises(TrainingError, match=r"curves cannot be written \(No space left"):
            writer.write("valid", 1, {"loss": 1.0})


def test_what_fails_at_the_start_and_at_the_end_is_told(tmp_path):
    writer = TensorBoardWriter(tmp_path, "pretraining", {})
    writer._writers["valid"].close()
    full = Path("/dev/full").open("wb")  # noqa: SIM115 (the writer closes it)
    writer._writers["valid"] = module.RecordWriter(full)
    module._add(writer._writers["valid"], step=1)
    with pytest.raises(TrainingError, match=r"curves cannot be written \(No space left"):
        writer.close()
    (tmp_path / "file").touch()
    with pytest.raises(TrainingError, match=r"curves cannot be written \(Not a directory"):
        TensorBoardWriter(tmp_path / "file", "pretraining", {})
