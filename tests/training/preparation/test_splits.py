import pytest

from common.errors import OptionError
from common.parsing import parse_options
from data_util.reading.documents import read_documents
from training.fine_tuning import prepare_data
from training.options.scripts import FineTuningOptions
from training.preparation.splits import split_files

SAMPLE = {split: [f"data/sample_{split}.txt"] for split in ("train", "valid", "test")}


@pytest.fixture
def options_of(tmp_path):
    lines = [f"甲 乙 {number} __label__{'AB'[number % 2]}\n" for number in range(100)]
    (tmp_path / "train.txt").write_text("".join(lines), encoding="utf-8")
    (tmp_path / "other.txt").write_text("丙 __label__A\n", encoding="utf-8")

    def make(**changes):
        values = {
            "training_data_file": [str(tmp_path / "train.txt")],
            "data_path": str(tmp_path / "data"),
            "process_num": 1,
            "tokenize_style": "space",
            "sequence_length": 8,
            "batch_size": 8,
        }
        return FineTuningOptions(**values | changes)

    return make


def test_the_sample_is_used_as_a_whole_or_not_at_all(options_of, tmp_path):
    assert split_files(FineTuningOptions()) == SAMPLE
    assert options_of().valid_data_file == options_of().test_data_file == []
    for changes in ({}, {"valid_data_file": [str(tmp_path / "other.txt")]}):
        named = [file for files in split_files(options_of(**changes)).values() for file in files]
        assert not [file for file in named if "data/sample_" in file]
    for given in ("--valid_data_file=x", "--test_data_file=x"):
        with pytest.raises(OptionError, match="--training_data_file= is empty: name at least one"):
            parse_options(FineTuningOptions, [given])


def test_a_run_is_repeated_by_its_options(options_of):
    for options in (FineTuningOptions(), options_of(), options_of(test_ratio=0.1)):
        assert FineTuningOptions(**options.to_dict()) == options


def test_validation_is_held_out_of_the_training_file(options_of):
    files = split_files(options_of())
    assert list(files) == ["train", "valid"]
    sizes = {s: len(list(read_documents(f, labelled=True))) for s, f in files.items()}
    assert sizes == {"train": 90, "valid": 10}
    files = split_files(options_of(valid_ratio=0.25, test_ratio=0.05))
    sizes = {s: len(list(read_documents(f, labelled=True))) for s, f in files.items()}
    assert sizes == {"train": 70, "valid": 25, "test": 5}
    assert split_files(options_of(seed=1))["valid"] != split_files(options_of(seed=2))["valid"]


def test_what_is_named_is_not_held_out(options_of, tmp_path):
    other = [str(tmp_path / "other.txt")]
    options = options_of(valid_data_file=other)
    assert split_files(options) == {"train": options.training_data_file, "valid": other}
    files = split_files(options_of(valid_data_file=other, test_ratio=0.2))
    assert files["valid"] == other and files["test"] != other
    files = split_files(options_of(test_data_file=other))
    assert files["test"] == other and files["valid"] != other
    for split in ("valid", "test"):
        with pytest.raises(OptionError, match=rf"--{split}_ratio=0\.2: --{split}_data_file names"):
            options_of(**{f"{split}_data_file": other, f"{split}_ratio": 0.2})


def test_the_data_of_a_run_with_one_table(options_of, tmp_path, caplog):
    path = tmp_path / "mine.csv"
    rows = [f"{number} 甲 乙,topic {number % 2},{number}" for number in range(60)]
    path.write_text("\n".join(["body,topic,n", *rows, "0 甲 乙,topic 1,0"]) + "\n", "utf-8")
    options = options_of(
        training_data_file=[str(path)], text_field=["body"], label_field="topic", test_ratio=0.2
    )
    with caplog.at_level("INFO"):
        data = prepare_data(options, None)
    assert sum(len(batches) for batches in data.batches.values()) == 61
    assert set(data.task.labels) == {"topic 0", "topic 1"}
    assert f"{path}: a table (CSV) with the columns body, topic" in caplog.messages
    assert len(data.remarks) == 2 and "with different labels" in data.remarks[0]
    assert "1 texts are there several times, with different labels" in caplog.text
    assert "each document has exactly one label: --task=multi_class" in caplog.text


def test_documents_without_labels(options_of, tmp_path, caplog):
    lines = [*(f"甲 {number} __label__A" for number in range(30)), *(f"乙 {n}" for n in range(10))]
    for split in ("train", "valid"):
        (tmp_path / f"{split}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    options = options_of(valid_data_file=[str(tmp_path / "valid.txt")])
    data = prepare_data(options, None)
    assert data.targets("train").sum(axis=1).tolist() == [1] * 30 + [0] * 10
    assert (
        "train.txt: 10 documents have no labels and are learned as examples of none" in caplog.text
    )


def test_a_file_without_any_label_is_no_training_file(options_of, tmp_path):
    from common.errors import InputError

    (tmp_path / "train.txt").write_text("甲\n乙\n", encoding="utf-8")
    options = options_of(valid_data_file=[str(tmp_path / "other.txt")])
    with pytest.raises(InputError, match=r"train\.txt: no document of the training files has a l"):
        prepare_data(options, None)
