import pytest

from common.errors import InputError
from training.options.scripts import FineTuningOptions, PretrainingOptions
from training.runs.run_identity import differences, run_identity


@pytest.fixture
def texts(tmp_path):
    paths = [tmp_path / "a.txt", tmp_path / "b.txt"]
    for number, path in enumerate(paths):
        path.write_text(f"被告人{number}。\n", encoding="utf-8")
    return [str(path) for path in paths]


def identity(files, **changes):
    options = PretrainingOptions(mask_lm_source_file=files, **changes)
    return run_identity(options, "ckpt_dir")


def test_names_of_files_and_neutral_options_make_no_difference(texts, tmp_path):
    once = identity(texts)
    moved = tmp_path / "moved.txt"
    moved.write_bytes((tmp_path / "a.txt").read_bytes())
    again = identity(
        [str(moved), texts[1]],
        ckpt_dir="x",
        overwrite=True,
        process_num=7,
        data_path="y",
        save_every_steps=1,
    )
    assert differences(once, again) == []


def test_every_other_option_makes_one(texts):
    once = identity(texts)
    assert differences(once, identity(texts, dropout_keep_prob=0.5)) == [
        "--dropout_keep_prob=(not given) there, 0.5 here"
    ]
    # The order of files is the order of documents.
    (found,) = differences(once, identity(texts[::-1]))
    assert found.startswith("--mask_lm_source_file: other text (")
    (found,) = differences(once, identity(texts, vocab_file=texts[0]))
    assert found.startswith("--vocab_file: other text (none there, ")
    del once["options"]["seed"]
    assert differences(once, identity(texts)) == ["--seed=unknown there, 42 here"]


def test_a_file_that_is_gone(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        identity([str(tmp_path / "none.txt")])


def test_the_pre_trained_checkpoint_is_known_by_its_content(run_of, texts):
    run = run_of()
    one, other = (
        run_identity(
            FineTuningOptions(
                training_data_file=texts[:1],
                valid_data_file=texts[:1],
                test_data_file=[],
                ckpt_dir=str(folder),
            ),
            "ckpt_dir_save",
        )
        for folder in (run.pretrained, run.fine_tuned)
    )
    assert "ckpt_dir" not in one["options"]
    assert set(one["checkpoint"]) == {"model.weights.h5", "vocab.txt", "tokenizer.json"}
    assert differences(one, other) == ["it started from another checkpoint"]
