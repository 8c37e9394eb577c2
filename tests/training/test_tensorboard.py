import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util.tensor_util import make_ndarray

from training.options import FineTuningOptions
from training.tensorboard import TensorBoardWriter


def events_of(folder):
    events = EventAccumulator(str(folder))
    events.Reload()
    return events


def points_of(events, tag):
    return [(event.step, float(make_ndarray(event.tensor_proto))) for event in events.Tensors(tag)]


@pytest.fixture
def run(tmp_path):
    writer = TensorBoardWriter(tmp_path / "logs", "fine_tuning", FineTuningOptions().to_dict())
    writer.write("train", 5, {"loss": 2.5, "learning_rate": 1e-3})
    writer.write("train", 10, {"loss": 1.5, "learning_rate": 2e-3})
    writer.write("valid", 10, {"loss": 1.75, "f1": 0.5})
    writer.close()
    return writer.folder


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
    assert {path.name for path in run.iterdir()} == {"train", "valid"}


def test_points_are_there_before_the_end(tmp_path):
    # A run of hours is looked at while it goes on.
    writer = TensorBoardWriter(tmp_path, "pretraining", {})
    writer.write("valid", 3, {"masked_lm_loss": 4.0})
    events = events_of(writer.folder / "valid")
    assert points_of(events, "pretraining/masked_lm_loss") == [(3, 4.0)]
    writer.close()
