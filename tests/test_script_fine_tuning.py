"""Fine-tuning with other options than usual: heads, files, labels, precision."""

import json

import h5py
import keras
import numpy as np
import pytest
from sklearn.metrics import f1_score

from tests.root_scripts import flags_of
from train_bert_fine_tuning import fine_tune
from training.options.scripts import FineTuningOptions


def weights_of(folder):
    arrays = {}
    with h5py.File(folder / "model.weights.h5") as file:
        file.visititems(
            lambda name, item: (
                arrays.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None
            )
        )
    return arrays


@pytest.fixture
def fine_tuned(tiny, run_of, tmp_path, eagerly):
    """Fine-tunes the TextCNN for an epoch with some options changed: (metrics, folder)."""

    def run(**changes):
        folder = tmp_path / "save"
        values = {"ckpt_dir": str(run_of().pretrained), "ckpt_dir_save": str(folder)}
        values |= {"num_epochs": 1, "batch_size": 64}
        return fine_tune(FineTuningOptions(**tiny.fine_tuning(**(values | changes)))), folder

    return run


def test_without_a_checkpoint(fine_tuned):
    metrics, folder = fine_tuned(
        ckpt_dir="", backbone="text_cnn", preset="tiny", max_position=32, min_count=1
    )
    assert metrics["restored"] is None
    config = json.loads((folder / "config.json").read_text())
    assert (config["backbone"]["d_model"], config["backbone"]["max_position"]) == (64, 32)


def test_multi_class(tiny, run_of, fine_tuned, refused, script, tmp_path):
    status = refused(
        "train_bert_fine_tuning.py",
        *flags_of(tiny.fine_tuning(task="multi_class", ckpt_dir=run_of().pretrained)),
    )
    # Line 6 of the tiny files is the first with two labels.
    assert f"{tiny.file('train')}:6: --task=multi_class requires exactly one label" in status
    files = {}
    for split in ("train", "valid", "test"):
        lines = tiny.file(split).read_text(encoding="utf-8").splitlines(keepends=True)
        files[split] = tmp_path / f"{split}.txt"
        files[split].write_text(
            "".join(line for line in lines if line.count("__label__") == 1), encoding="utf-8"
        )
    metrics, folder = fine_tuned(
        task="multi_class",
        training_data_file=[str(files["train"])],
        valid_data_file=[str(files["valid"])],
        test_data_file=[str(files["test"])],
    )
    assert metrics["test"]["examples"] == 20
    _, out, _ = script("predict.py", f"--ckpt_dir={folder}", f"--input={files['test']}")
    _, everything, _ = script(
        "predict.py", f"--ckpt_dir={folder}", "--top_k=3", stdin="被告人殴打他人。\n"
    )
    results = [json.loads(line) for line in out.splitlines()]
    assert [len(result["labels"]) for result in results] == [1] * 20
    top = json.loads(everything)["top"]
    assert sum(entry["probability"] for entry in top) == pytest.approx(1, abs=1e-5)
    true = [line.split("__label__")[1] for line in files["test"].read_text("utf-8").splitlines()]
    predicted = [result["labels"][0]["label"] for result in results]
    f1 = f1_score(true, predicted, average="micro")
    assert metrics["test"]["micro_f1"] == pytest.approx(f1)


def record_of(line):
    text, *labels = line.rstrip("\n").split(" __label__")
    meta = {"accusation": labels, "relevant_articles": [200 + len(label) for label in labels]}
    return json.dumps({"fact": text, "meta": meta}, ensure_ascii=False)


@pytest.fixture
def json_files(tiny, tmp_path):
    """The tiny files as CAIL2018 JSON lines."""
    files = {}
    for split in ("train", "valid", "test"):
        lines = tiny.file(split).read_text(encoding="utf-8").splitlines()
        files[split] = tmp_path / f"{split}.json"
        records = "".join(f"{record_of(line)}\n" for line in lines)
        files[split].write_text(records, encoding="utf-8")
    return files


def test_json_lines_with_relevant_articles(fine_tuned, json_files):
    metrics, folder = fine_tuned(
        label_field="relevant_articles",
        training_data_file=[str(json_files["train"])],
        valid_data_file=[str(json_files["valid"])],
        test_data_file=[str(json_files["test"])],
    )
    # 200 + the length of the name: 盗窃 and 诈骗 have 2 characters, 故意伤害 has 4.
    assert sorted((folder / "labels.txt").read_text().split()) == ["202", "204"]
    assert set(metrics["thresholds"]) == {"202", "204"}


def test_several_files_and_no_test_file(tiny, fine_tuned, json_files):
    metrics, folder = fine_tuned(
        training_data_file=[str(tiny.file("train")), str(json_files["train"])], test_data_file=[]
    )
    keys = {"history", "best_epoch", "score", "thresholds", "restored", "tfidf_classifier"}
    assert set(metrics) == keys | {"calibration", "training_documents", "trained_parameters"}
    assert not (folder / "test_labels.csv").exists()
    assert not (folder / "test_predictions.jsonl").exists()
    assert "There was no test file" in (folder / "report.html").read_text()
    counts = [line.count("__label__盗窃") for line in tiny.file("train").open(encoding="utf-8")]
    assert sum(counts) > 0
    assert set(metrics["thresholds"]) == {"盗窃", "故意伤害", "诈骗"}


def test_labels_that_train_lacks(tiny, fine_tuned, tmp_path, caplog):
    files = {}
    for split in ("valid", "test"):
        files[split] = tmp_path / f"{split}.txt"
        text = tiny.file(split).read_text(encoding="utf-8")
        files[split].write_text(text + f"被告人当日。 __label__新罪{split}\n", encoding="utf-8")
    metrics, folder = fine_tuned(
        valid_data_file=[str(files["valid"])], test_data_file=[str(files["test"])]
    )
    assert "valid has 1 labels that train does not have (新罪valid)" in caplog.text
    assert "test has 1 labels that train does not have (新罪test)" in caplog.text
    labels = (folder / "labels.txt").read_text(encoding="utf-8").split()
    assert labels[3:] == ["新罪valid", "新罪test"]
    assert metrics["test"]["labels"] == 5
    table = (folder / "test_labels.csv").read_text(encoding="utf-8").splitlines()
    assert table[-1].startswith("新罪test,0,1,0,0.0000,0.0000,0.0000")


def test_long_documents_are_cut_counted_and_said_once(tiny, fine_tuned, tmp_path, caplog):
    caplog.set_level("INFO")
    long = tmp_path / "train.txt"
    text = tiny.file("train").read_text(encoding="utf-8")
    long.write_text(text + "被告人殴打商店。" * 40 + " __label__诈骗\n", encoding="utf-8")
    fine_tuned(training_data_file=[str(long)], sequence_length=64)
    messages = [m for m in caplog.messages if "longer than" in m or "are truncated" in m]
    assert messages == [
        "documents longer than --sequence_length=64 are truncated: 1 of 61 in train"
    ]


def test_half_precision_and_rates(tiny, fine_tuned, caplog):
    caplog.set_level("INFO")
    policy = keras.config.dtype_policy()
    try:
        metrics, folder = fine_tuned(
            precision="mixed_bfloat16", head_learning_rate=0.02, dropout_keep_prob=0.8
        )
    finally:
        keras.config.set_dtype_policy(policy)
    assert np.isfinite(metrics["history"][0]["train"]["loss"])
    config = json.loads((folder / "config.json").read_text())
    assert (config["backbone"]["dropout"], config["head_dropout"]) == (0.2, 0.2)
    assert "learning rate 0.01 (head 0.02), mixed_bfloat16" in caplog.text
    assert {array.dtype.name for array in weights_of(folder).values()} == {"float32"}


def test_options_that_repeat_the_checkpoint_are_no_contradiction(run_of, fine_tuned):
    metrics, _ = fine_tuned(
        backbone="text_cnn",
        d_model=16,
        tokenize_style="word",
        vocab_size=30_000,
        vocab_file=str(run_of().pretrained / "vocab.txt"),
    )
    assert metrics["restored"]["variables"] == metrics["restored"]["of"]
