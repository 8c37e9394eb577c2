"""The three training scripts with --test_mode, one after the other in a process."""

import json

import pytest

from tests.root_scripts import CHATTER, ROOT, flags_of, process

# Several scripts in one process, which imports the libraries once. Each has files of its own for
# its output, and the first that fails ends the process.
SEVERAL = """
import json, os, runpy, sys
for number, arguments in enumerate(json.loads(sys.argv[1])):
    for descriptor, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(f"{sys.argv[2]}/{number}.{name}", os.O_CREAT | os.O_WRONLY), descriptor)
    before, sys.argv = sys.argv, arguments
    runpy.run_path(arguments[0], run_name="__main__")
    sys.argv = before
"""


@pytest.fixture(scope="module")
def in_test_mode(tiny, tmp_path_factory):
    """The three scripts with --test_mode and their own folders, in a folder of their own.

    Returns:
        The folder, the exit status, and (standard output, standard error) of each script.
    """
    folder, texts = tmp_path_factory.mktemp("test_mode"), tmp_path_factory.mktemp("texts")
    sizes = ["--d_model=16", "--num_header=2", "--max_position=128", "--min_count=1"]
    source = f"--mask_lm_source_file={tiny.file('free')},{tiny.file('train')}"
    files = flags_of(
        {f"{split}_data_file": tiny.file(split.removesuffix("ing")) for split in ("valid", "test")}
    )
    files.append(f"--training_data_file={tiny.file('train')}")
    commands = [
        ["train_bert_lm.py", source, *sizes, "--num_filters=8"],
        ["train_bert_fine_tuning.py", *files],
        ["train_transform.py", "--num_layer=1", *sizes, *files],
    ]
    commands = [[str(ROOT / name), "--test_mode", *options] for name, *options in commands]
    done = process("-c", SEVERAL, json.dumps(commands), texts, cwd=folder, PYTHONPATH=str(ROOT))
    read = lambda name: (texts / name).read_text(encoding="utf-8")  # noqa: E731
    return folder, done, [(read(f"{number}.out"), read(f"{number}.err")) for number in range(3)]


def test_test_mode_of_the_three_scripts(in_test_mode):
    folder, done, texts = in_test_mode
    assert done.returncode == 0, texts
    names = {path.name for path in folder.iterdir()}
    assert names == {
        "data",
        "checkpoint_lm_test",
        "checkpoint_lm_save_test",
        "checkpoint_transformer_test",
    }
    assert [path.name for path in (folder / "data").iterdir()] == ["cache"]
    for name in names - {"data"}:
        config = json.loads((folder / name / "config.json").read_text())
        assert config["test_mode"] is True
        assert len(json.loads((folder / name / "metrics.json").read_text())["history"]) == 1
    assert config["backbone"]["d_model"] == 16
    assert "restored 40 of 40 variables" in texts[1][1]
    assert "(100.0%)" in texts[1][1]
    transformer = json.loads((folder / "checkpoint_transformer_test" / "config.json").read_text())
    assert transformer["backbone"]["backbone"] == "transformer"
    metrics = json.loads((folder / "checkpoint_transformer_test" / "metrics.json").read_text())
    assert metrics["restored"] is None


def test_no_chatter_of_libraries(in_test_mode):
    for out, err in in_test_mode[2]:
        assert out == ""
        assert [word for word in CHATTER if word in err] == []
        assert "epoch 1/1 | train: loss" in err


def test_a_full_run_refuses_a_test_mode_checkpoint(in_test_mode, tiny, refused, tmp_path):
    checkpoint = in_test_mode[0] / "checkpoint_lm_test"
    values = tiny.fine_tuning(ckpt_dir=checkpoint, ckpt_dir_save=tmp_path / "save")
    line = refused("train_bert_fine_tuning.py", *flags_of(values))
    assert str(checkpoint) in line
    assert "made in --test_mode" in line
