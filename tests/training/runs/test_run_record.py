"""Whether the run of a folder goes on, has finished, or is another one."""

import shutil

import pytest

from common.errors import OptionError
from models.checkpoints.folder import read_checkpoint
from tests.hostile_files import make_irregular
from tests.training.runs.folders import begun, folder_of
from training.loop.training_state import TrainingState


def test_an_unfinished_run_goes_on_and_a_finished_one_does_not(tmp_path, model, text, caplog):
    caplog.set_level("INFO")
    begun(tmp_path / "out", model, text)
    # Neither of these changes the result; nor does it matter where the same text lies.
    moved = text.rename(tmp_path / "moved.txt")
    changes = {"process_num": 3, "data_path": "elsewhere", "save_every_steps": 7}
    with folder_of(tmp_path / "out", moved, **changes) as folder:
        assert not folder.finished
        assert folder.begin("pretraining").json("training_state.json") == {"epoch": 1}
        folder.finish(model, {"best_epoch": 1, "end": True}, {})
    with folder_of(tmp_path / "out", moved) as folder:
        assert folder.finished
        assert folder.metrics() == {"best_epoch": 1, "end": True}
    assert "already finished, nothing to do (--overwrite starts over, a" in caplog.messages[-1]
    (logs,) = (tmp_path / "out" / "logs").iterdir()
    assert logs.name.startswith("pretraining-2")


@pytest.mark.parametrize("finished", [False, True])
def test_another_run_is_refused_with_what_differs(tmp_path, model, text, finished):
    begun(tmp_path / "out", model, text, finished=finished)
    start = r"--ckpt_dir=.*holds a checkpoint of another run: "
    with (
        pytest.raises(OptionError, match=start + r"--batch_size=64 there, 32 here; --seed=42") as e,
        folder_of(tmp_path / "out", text, batch_size=32, seed=1),
    ):
        pass
    assert "--overwrite" in str(e.value)
    with (
        pytest.raises(OptionError, match=r"--d_model=\(not given\) there, 64 here"),
        folder_of(tmp_path / "out", text, d_model=64),
    ):
        pass
    text.write_text("被告人诈骗。\n", encoding="utf-8")
    with (
        pytest.raises(OptionError, match=r"--mask_lm_source_file: other text \(.*text.txt"),
        folder_of(tmp_path / "out", text),
    ):
        pass
    # It is given free again, and as it was.
    assert not (tmp_path / "out" / ".lock").exists()
    assert read_checkpoint(tmp_path / "out").json("metrics.json") == {"best_epoch": 1}


def trained(path, model, text, epochs, **changes):
    """A finished run of so many epochs."""
    state = TrainingState("pretraining", epoch=epochs, ended=True).to_dict()
    with folder_of(path, text, num_epochs=epochs, **changes) as folder:
        folder.begin("pretraining")
        folder.save(model, {"best_epoch": 1}, state, best=True)
        folder.finish(model, {"best_epoch": 1}, {})


def test_more_epochs_resume_a_run(tmp_path, model, text):
    trained(tmp_path / "out", model, text, epochs=3)
    with (
        pytest.raises(OptionError, match=r"--num_epochs=2: .*already trained 3 epochs"),
        folder_of(tmp_path / "out", text, num_epochs=2),
    ):
        pass
    with (
        pytest.raises(OptionError, match=r"another run: --seed=42 there, 1 here\."),
        folder_of(tmp_path / "out", text, num_epochs=4, seed=1),
    ):
        pass
    with folder_of(tmp_path / "out", text, num_epochs=3) as folder:
        assert folder.finished
    with folder_of(tmp_path / "out", text, num_epochs=5) as folder:
        assert not folder.finished
        assert folder.begin("pretraining").json("training_state.json")["epoch"] == 3
        (logs,) = (tmp_path / "out" / "logs").iterdir()
        assert folder.logs == logs
    # Killed there, the run is one of five epochs, or of any other number above three.
    with folder_of(tmp_path / "out", text, num_epochs=5) as folder:
        assert not folder.finished
    with folder_of(tmp_path / "out", text, num_epochs=4) as folder:
        folder.begin("pretraining")
        folder.finish(model, {"best_epoch": 1}, {})
    with folder_of(tmp_path / "out", text, num_epochs=4) as folder:
        assert folder.finished
    shutil.rmtree(tmp_path / "out" / "last")
    with (
        pytest.raises(OptionError, match=r"no checkpoint in .*last any more.*--num_epochs=9"),
        folder_of(tmp_path / "out", text, num_epochs=9),
    ):
        pass


def test_another_vocabulary_is_refused(tmp_path, model):
    begun(tmp_path / "out", model)
    with (
        pytest.raises(OptionError, match=r"another vocab.txt \(1 lines there, 2 here\)"),
        folder_of(tmp_path / "out", vocabulary="[PAD]\n被告人\n") as folder,
    ):
        folder.begin("pretraining")


@pytest.mark.parametrize("kind", ["pipe", "device", "deep", "array"])
def test_a_record_that_is_none_does_not_hold_a_run(tmp_path, model, kind):
    begun(tmp_path / "out", model)
    record = tmp_path / "out" / "run.json"
    record.unlink()
    if kind in ("pipe", "device"):
        make_irregular(record, kind)
    else:
        record.write_text("[" * 100_000 if kind == "deep" else "[1]")
    with (
        pytest.raises(OptionError, match="not the files that are needed to resume its run"),
        folder_of(tmp_path / "out"),
    ):
        pass
