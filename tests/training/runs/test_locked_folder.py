"""Links, files and folders that were moved, where a run's folder is to be."""

import pytest

from common.errors import OptionError, TrainingError
from tests.training.runs.folders import begun, folder_of


@pytest.mark.parametrize("name", ["last", "logs", ".lock"])
@pytest.mark.parametrize("overwrite", [False, True])
def test_a_link_in_the_folder_is_not_written_through(tmp_path, model, name, overwrite):
    begun(tmp_path / "out", model)
    path, elsewhere = tmp_path / "out" / name, tmp_path / "elsewhere"
    if name == ".lock":
        elsewhere.write_text("precious")
    else:
        path.rename(elsewhere)
    path.symlink_to(elsewhere)
    before = contents(tmp_path)
    match = rf"--ckpt_dir=.*: {name} in it is a symbolic link"
    with (
        pytest.raises(OptionError, match=match),
        folder_of(tmp_path / "out", overwrite=overwrite) as folder,
    ):
        folder.begin("pretraining")
    assert contents(tmp_path) == before
    # One that leads nowhere would be made.
    path.unlink()
    path.symlink_to(tmp_path / "missing")
    with pytest.raises(OptionError, match=match), folder_of(tmp_path / "out"):
        pass
    assert not (tmp_path / "missing").exists()


@pytest.mark.parametrize("split", [None, "train", "valid"])
def test_a_link_in_the_runs_own_logs_is_not_written_through(tmp_path, model, split):
    begun(tmp_path / "out", model)
    (logs,) = (tmp_path / "out" / "logs").iterdir()
    (tmp_path / "elsewhere").mkdir()
    if split is None:
        logs.rmdir()
    (logs if split is None else logs / split).symlink_to(tmp_path / "elsewhere")
    before = contents(tmp_path)
    with (
        pytest.raises(OptionError, match=r"--ckpt_dir=.*logs/pretraining-.* is a symbolic link"),
        folder_of(tmp_path / "out") as folder,
    ):
        folder.begin("pretraining")
    assert contents(tmp_path) == before


def contents(folder):
    return {
        path: path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
        if path.name != ".lock" or path.is_symlink()
    }


def test_what_is_no_folder(tmp_path):
    (tmp_path / "file").write_text("x")
    for overwrite in (False, True):
        with (
            pytest.raises(OptionError, match=r"--ckpt_dir=.*this is a file"),
            folder_of(tmp_path / "file", overwrite=overwrite),
        ):
            pass
        with pytest.raises(OptionError, match="--ckpt_dir= is empty"):
            folder_of("", overwrite=overwrite)


def test_a_folder_that_is_moved_away_is_not_made_anew(tmp_path, model):
    with folder_of(tmp_path / "out") as folder:
        folder.begin("pretraining")
        (tmp_path / "out").rename(tmp_path / "moved")
        with pytest.raises(TrainingError, match="was moved or removed"):
            folder.save(model, {"best_epoch": 1}, {"epoch": 1}, best=True)
    assert [path.name for path in tmp_path.iterdir()] == ["moved"]
