import pytest

from common.errors import OptionError
from training.options.scripts import FineTuningOptions
from training.runs.run_record import RunRecord
from training.runs.side_folder import side_folder


@pytest.fixture
def enter(tiny, tmp_path):
    def enter(**changes):
        values = {"ckpt_dir": "", "ckpt_dir_save": f"{tmp_path}/save/", **changes}
        options = FineTuningOptions(**tiny.fine_tuning(**values))
        return side_folder(options, "ckpt_dir_save", "trials", ["part-*", "result.json"])

    return enter


def fill(folder):
    (folder / "part-1").mkdir()
    (folder / "part-1" / "weights").write_text("x")
    (folder / "result.json").write_text("{}")
    (folder / "notes.txt").write_text("mine")


def names(folder):
    return {path.name for path in folder.iterdir() if path.name[0] != "."}


def test_the_same_run_finds_what_it_left(enter, tmp_path):
    with pytest.raises(KeyError), enter() as folder:
        assert folder == tmp_path / "save_trials"
        fill(folder)
        assert not RunRecord.read(folder).finished
        raise KeyError
    with enter(process_num=2):
        assert {"part-1", "result.json"} <= names(folder)
    assert RunRecord.read(folder).finished


def test_another_run_is_refused_unless_it_overwrites(enter):
    with enter() as folder:
        fill(folder)
    with pytest.raises(OptionError, match=r"another run: --seed=42 there, 1 here.*--overwrite"):
        enter(seed=1).__enter__()
    assert "part-1" in names(folder)
    with enter(seed=1, overwrite=True):
        assert names(folder) == {"notes.txt", "run.json"}
    with enter(seed=1):
        pass


def test_what_may_be_something_else_is_left_alone(enter, tmp_path):
    (tmp_path / "save_trials" / "part-of-my-thesis").mkdir(parents=True)
    with pytest.raises(OptionError, match=r"part-of-my-thesis: there is no run\.json beside it"):
        enter().__enter__()
    with pytest.raises(OptionError, match="--ckpt_dir_save= is empty"):
        enter(ckpt_dir_save="").__enter__()


def test_one_run_at_a_time(enter):
    with enter(), pytest.raises(OptionError, match=r"another run .* is writing to this folder"):
        enter().__enter__()
