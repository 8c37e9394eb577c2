import json

import numpy as np
import pytest
from sklearn.metrics import f1_score

from common.errors import InputError, OptionError, StoppedError
from common.parsing import parse_options
from data_util.reading.documents import read_documents
from train_bert_fine_tuning import fine_tune
from training.cross_validation import cross_validated, summary
from training.options.scripts import FineTuningOptions
from training.preparation.splits import split_files


@pytest.fixture
def options_of(tiny, tmp_path):
    def make(**changes):
        values = {"ckpt_dir": "", "ckpt_dir_save": str(tmp_path / "save"), "preset": "tiny"}
        values |= {"test_data_file": None, "valid_data_file": None, "cross_validation": 3}
        values |= {"data_path": str(tmp_path / "data")}
        return FineTuningOptions(**tiny.fine_tuning(**(values | changes)))

    return make


def metrics(score=0.5):
    return {"score": "f1", "best_epoch": 1, "test": {"f1": score, "examples": 20}}


def texts(files):
    return [document.text for document in read_documents(files, labelled=True)]


def test_each_fold_is_tested_once_and_trained_on_in_the_other_runs(options_of, tiny):
    runs = []
    result = cross_validated(options_of(), lambda options: runs.append(options) or metrics())
    documents = texts([tiny.file("train")])
    for run in runs:
        files = split_files(run)
        assert list(files) == ["train", "valid", "test"]
        together = [text for split in files.values() for text in texts(split)]
        assert sorted(together) == sorted(documents)
        assert run.cross_validation is None
    assert sorted(text for run in runs for text in texts(run.test_data_file)) == sorted(documents)
    assert [run.ckpt_dir_save.rpartition("/")[2] for run in runs] == ["fold-1", "fold-2", "fold-3"]
    assert len(result["folds"]) == 3


def test_validation_files_that_are_named_serve_all_folds(options_of, tiny):
    runs, valid = [], [str(tiny.file("valid"))]
    options = options_of(valid_data_file=valid)
    cross_validated(options, lambda options: runs.append(options) or metrics())
    for run in runs:
        assert split_files(run)["valid"] == valid
        assert len(texts(split_files(run)["train"])) == 40


def test_the_sample_is_cross_validated_without_its_test_file():
    options = FineTuningOptions(cross_validation=5)
    assert options.training_data_file == ["data/sample_train.txt"]
    assert options.valid_data_file == ["data/sample_valid.txt"]
    assert options.test_data_file == []
    assert FineTuningOptions(**options.to_dict()) == options


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("--cross_validation=1", "--cross_validation=1: must be at least 2"),
        ("--test_data_file=x --training_data_file=y", "leave out --test_data_file"),
        ("--test_ratio=0.1", "--cross_validation=5: .*leave out --test_ratio"),
        (
            "--num_processes=2 --distribute=data_parallel --coordinator=a:1",
            "--cross_validation needs --num_processes=1",
        ),
    ],
)
def test_options_that_do_not_go_with_it(given, message):
    with pytest.raises(OptionError, match=message):
        parse_options(FineTuningOptions, ["--cross_validation=5", *given.split()])


def test_more_folds_than_texts(options_of, tmp_path):
    path = tmp_path / "few.txt"
    path.write_text("甲 __label__A\n乙 __label__A\n甲  __label__B\n", encoding="utf-8")
    options = options_of(training_data_file=[str(path)])
    with pytest.raises(InputError, match=r"few\.txt: 2 different texts are too few for 3 folds"):
        cross_validated(options, train=None)


def test_a_killed_run_keeps_its_folds_and_other_folds_are_refused(options_of, tmp_path):
    runs = []

    def killed(options):
        if len(runs) == 2:
            raise StoppedError(15)
        runs.append(options)
        return metrics()

    with pytest.raises(StoppedError):
        cross_validated(options_of(), killed)
    folder = tmp_path / "save_cross_validation"
    assert not (folder / "cross_validation.json").exists()
    with pytest.raises(OptionError, match="another run: --cross_validation=3 there, 4 here"):
        cross_validated(options_of(cross_validation=4), killed)
    again = []
    cross_validated(options_of(), lambda options: again.append(options) or metrics())
    assert again[:2] == runs  # Finished runs, which `fine_tune` leaves alone.


def test_summary():
    scores, losses = [0.5, 0.7, 0.9, 0.4], [1.0, 2.0, 4.0, 8.0]
    folds = [
        {"score": "f1", "best_epoch": 2, "test": {"loss": loss, "f1": f1, "examples": 9, "n": None}}
        for f1, loss in zip(scores, losses, strict=True)
    ]
    found = summary(folds)
    assert list(found["mean"]) == ["f1", "loss"]
    for name, values in (("f1", scores), ("loss", losses)):
        assert found["mean"][name] == pytest.approx(np.mean(values))
        assert found["standard_deviation"][name] == pytest.approx(np.std(values, ddof=1))
    assert [fold["test"]["f1"] for fold in found["folds"]] == scores


def test_from_the_command_to_the_figures(options_of, tmp_path, caplog, eagerly):
    changes = {"cross_validation": 2, "num_epochs": 1, "tfidf_classifier": False}
    changes |= {"d_model": 16, "num_filters": 8}
    with caplog.at_level("INFO"):
        result = fine_tune(options_of(**changes))
    folder = tmp_path / "save_cross_validation"
    assert json.loads((folder / "cross_validation.json").read_text("utf-8")) == result
    scores = []
    for number in (1, 2):
        labels = ["盗窃", "故意伤害", "诈骗"]
        lines = (folder / f"fold-{number}" / "test_predictions.jsonl").read_text("utf-8")
        found = [json.loads(line) for line in lines.splitlines()]
        true, predicted = (
            [[label in {one["label"] for one in each[name]} for label in labels] for each in found]
            for name in ("true", "predicted")
        )
        scores.append(f1_score(true, predicted, average="micro", zero_division=0))
    assert result["mean"]["micro_f1"] == pytest.approx(np.mean(scores))
    assert result["standard_deviation"]["micro_f1"] == pytest.approx(np.std(scores, ddof=1))
    mean, spread = result["mean"]["f1"], result["standard_deviation"]["f1"]
    assert f"  f1                 {mean:.4f} ± {spread:.4f}  (" in caplog.text
    caplog.clear()
    with caplog.at_level("INFO"):
        assert fine_tune(options_of(**changes)) == result
    assert caplog.text.count("this run has already finished, nothing to do") == 2
