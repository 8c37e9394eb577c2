"""The root scripts, from end to end, on tiny files."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from scipy.special import logit
from sklearn.metrics import f1_score
from sklearn.preprocessing import MultiLabelBinarizer

from train_bert_fine_tuning import fine_tune
from training import pretraining
from training.options.scripts import FineTuningOptions, PretrainingOptions

ROOT = Path(__file__).parents[1]
BACKBONES = ("text_cnn", "transformer")
FIGURES = {"loss", "micro_f1", "macro_f1", "macro_f1_present", "f1"}
FIGURES |= {"log_loss", "calibration_error"}
CHATTER = (
    "WARNING:",
    "UserWarning",
    "DeprecationWarning",
    "absl",
    "oneDNN",
    "Traceback",
    "0000 00:00:",
)


def flags_of(values):
    """Options as a command line has them."""
    flags = []
    for name, value in values.items():
        text = ",".join(value) if isinstance(value, list) else str(value)
        flags.append(f"--{name}={text}")
    return flags


def weights_of(folder):
    arrays = {}
    with h5py.File(folder / "model.weights.h5") as file:
        file.visititems(
            lambda name, item: (
                arrays.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None
            )
        )
    return arrays


def process(name, *arguments, cwd, stdin="", **environment):
    """Runs a root script as a user does; or Python with `-c`."""
    inherited = {key: value for key, value in os.environ.items() if key != "TF_CPP_MIN_LOG_LEVEL"}
    return subprocess.run(
        [sys.executable, name if name == "-c" else str(ROOT / name), *map(str, arguments)],
        cwd=cwd,
        input=stdin,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
        env={**inherited, **environment},
    )


# Both stages.


@pytest.mark.parametrize("backbone", BACKBONES)
def test_metrics_of_both_stages(run_of, backbone):
    run = run_of(backbone)
    pretraining = json.loads((run.pretrained / "metrics.json").read_text())
    assert pretraining == run.pretraining_metrics
    assert set(pretraining) == {"score", "history", "best_epoch"}
    assert pretraining["score"] == "loss"
    figures = {"loss", "masked_lm_loss", "masked_lm_accuracy"}
    figures |= {"next_sentence_loss", "next_sentence_accuracy"}
    for number, entry in enumerate(pretraining["history"], start=1):
        assert entry["epoch"] == number
        assert set(entry) == {"epoch", "train", "valid", "learning_rate", "seconds"}
        assert set(entry["train"]) == set(entry["valid"]) == figures
    losses = [entry["valid"]["loss"] for entry in pretraining["history"]]
    assert pretraining["best_epoch"] == 1 + int(np.argmin(losses))

    fine_tuning = json.loads((run.fine_tuned / "metrics.json").read_text())
    assert fine_tuning == run.fine_tuning_metrics
    keys = {"history", "best_epoch", "score", "thresholds", "restored", "test"}
    keys |= {"tfidf_classifier", "calibration", "training_documents", "trained_parameters"}
    assert set(fine_tuning) == keys
    assert len(fine_tuning["tfidf_classifier"]) == len(fine_tuning["history"])
    for words, entry in zip(fine_tuning["tfidf_classifier"], fine_tuning["history"], strict=True):
        assert set(words) == {"network_weight", "linear_weight", "network_f1", "linear_f1"}
        # On a near tie the network is not left out.
        assert 0 <= words["linear_f1"] <= entry["valid"]["f1"] + 0.001
        # With a share of 0 the network is alone, so the best share is no worse.
        assert 0 <= words["network_f1"] <= entry["valid"]["f1"]
    for number, entry in enumerate(fine_tuning["history"], start=1):
        assert entry["epoch"] == number
        assert set(entry) == {"epoch", "train", "valid", "learning_rate", "seconds"}
        assert set(entry["train"]) == {"loss"}
        assert set(entry["valid"]) == FIGURES
    scores = [entry["valid"]["f1"] for entry in fine_tuning["history"]]
    # The best score, or nearly so with a better network.
    assert scores[fine_tuning["best_epoch"] - 1] >= max(scores) - 0.001
    assert 0 < fine_tuning["calibration"]["scale"] < 100
    assert set(fine_tuning["thresholds"]) == {"盗窃", "故意伤害", "诈骗"}
    assert all(0 < threshold < 1 for threshold in fine_tuning["thresholds"].values())
    assert set(fine_tuning["restored"]) == {"variables", "of", "parameters", "of_parameters"}
    assert fine_tuning["restored"]["variables"] == fine_tuning["restored"]["of"] > 0
    assert fine_tuning["restored"]["parameters"] == fine_tuning["restored"]["of_parameters"] > 0
    assert set(fine_tuning["test"]) == {*FIGURES, "examples", "labels"}
    assert (fine_tuning["test"]["examples"], fine_tuning["test"]["labels"]) == (24, 3)


def test_checkpoint_folders(run_of):
    run = run_of()
    both = {"config.json", "manifest.json", "metrics.json", "model.weights.h5"}
    both |= {"tokenizer.json", "vocab.txt"}
    for_going_on = {"optimizer.h5", "training_state.json"}
    names = {path.name for path in run.pretrained.iterdir()}
    assert names >= both | {"last", "logs"}
    assert {path.name for path in (run.pretrained / "last").iterdir()} == both | for_going_on
    names = {path.name for path in run.fine_tuned.iterdir()}
    assert names >= both | {"labels.txt", "ngrams.txt", "last", "logs"}
    assert names >= {"test_labels.csv", "test_predictions.jsonl", "report.html"}
    for folder in (run.pretrained, run.fine_tuned):
        assert (folder / "vocab.txt").read_bytes() == (run.pretrained / "vocab.txt").read_bytes()
    state = json.loads((run.pretrained / "last" / "training_state.json").read_text())
    assert (state["stage"], state["epoch"]) == ("pretraining", 2)
    assert not list(run.fine_tuned.rglob("*.pkl")) + list(run.fine_tuned.rglob("*.pickle"))


def test_fine_tuning_learns(run_of):
    # Labels are told by their words: if this isn't learned, something is wrong.
    history = run_of().fine_tuning_metrics["history"]
    assert history[-1]["train"]["loss"] < history[0]["train"]["loss"]
    assert run_of().fine_tuning_metrics["test"]["micro_f1"] > 0.6


@pytest.mark.parametrize("backbone", BACKBONES)
def test_f1_is_scikit_learns_on_what_predict_gives(tiny, run_of, script, backbone):
    run = run_of(backbone)
    _, out, _ = script(
        "predict.py", f"--ckpt_dir={run.fine_tuned}", f"--input={tiny.file('test')}", "--top_k=3"
    )
    results = [json.loads(line) for line in out.splitlines()]
    lines = tiny.file("test").read_text(encoding="utf-8").splitlines()
    assert len(results) == len(lines)
    labels = (run.fine_tuned / "labels.txt").read_text(encoding="utf-8").split()
    binarize = MultiLabelBinarizer(classes=labels)
    truth = binarize.fit_transform([line.split(" __label__")[1:] for line in lines])
    predicted = binarize.transform(
        [[entry["label"] for entry in result["labels"]] for result in results]
    )
    test = run.fine_tuning_metrics["test"]
    thresholds = run.fine_tuning_metrics["thresholds"]
    for average in ("micro", "macro"):
        f1 = f1_score(truth, predicted, average=average, zero_division=0)
        assert test[f"{average}_f1"] == pytest.approx(f1, abs=1e-12)
    assert test["f1"] == pytest.approx((test["micro_f1"] + test["macro_f1"]) / 2)
    for result in results:
        assert set(result) == {"labels", "top"}
        assert len(result["top"]) == 3
        probabilities = [entry["probability"] for entry in result["top"]]
        assert probabilities == sorted(probabilities, reverse=True)
        # Every label from its threshold on, or else the one with the nearest odds.
        margins = [
            logit(entry["probability"]) - logit(thresholds[entry["label"]])
            for entry in result["top"]
        ]
        best = [
            entry
            for entry, margin in zip(result["top"], margins, strict=True)
            if margin >= min(0, max(margins))
        ]
        assert result["labels"] == best


def test_another_seed_other_weights(tiny, tmp_path):
    """That the same seed gives the same weights is tested where runs are killed and resume."""
    models = []
    for seed in (7, 7, 8):
        options = PretrainingOptions(**tiny.pretraining(ckpt_dir=str(tmp_path / "lm"), seed=seed))
        models.append(pretraining.build_model(options, pretraining.prepare_data(options)))
    kernels = [model.backbone.combination.get_weights()[0] for model in models]
    np.testing.assert_array_equal(kernels[0], kernels[1])
    assert np.abs(kernels[0] - kernels[2]).max() > 1e-3


# Variants of step 2.


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


# predict.py.


def test_predict_keeps_order_and_empty_lines(tiny, run_of, script, caplog, tmp_path):
    folder = f"--ckpt_dir={run_of().fine_tuned}"
    lines = tiny.file("test").read_text(encoding="utf-8").splitlines()
    texts = [line.split(" __label__")[0] for line in lines]
    # Batches are made by length; the results must be in the order of the lines.
    texts = ["。".join([text] * (1 + index % 3)) for index, text in enumerate(texts)]
    stdin = "".join(f"{text}\n" for text in [*texts[:5], "", "  ", *texts[5:]])
    status, out, _ = script("predict.py", folder, "--batch_size=4", stdin=stdin)
    assert status == 0
    results = [json.loads(line) for line in out.splitlines()]
    assert results[5:7] == [{"labels": []}] * 2
    assert "standard input:6: nothing to predict from" in caplog.text
    assert "standard input:7: nothing to predict from" in caplog.text

    one_by_one = tmp_path / "one.json"
    source = tmp_path / "texts.json"
    records = [json.dumps({"fact": text, "meta": {}}) for text in texts]
    source.write_text("\n".join(records), encoding="utf-8")
    script("predict.py", folder, "--batch_size=1", f"--input={source}", f"--output={one_by_one}")
    singles = [json.loads(line) for line in one_by_one.read_text(encoding="utf-8").splitlines()]
    together = results[:5] + results[7:]
    assert len(singles) == len(together) == len(texts)
    for single, other in zip(singles, together, strict=True):
        assert [e["label"] for e in single["labels"]] == [e["label"] for e in other["labels"]]
        for ours, theirs in zip(single["labels"], other["labels"], strict=True):
            assert ours["probability"] == pytest.approx(theirs["probability"], abs=2e-5)


def test_predict_threshold(run_of, script):
    folder, text = f"--ckpt_dir={run_of().fine_tuned}", "被告人盗窃手机。\n"
    _, out, _ = script("predict.py", folder, "--threshold=0", stdin=text)
    assert len(json.loads(out)["labels"]) == 3
    _, out, _ = script("predict.py", folder, "--threshold=1", stdin=text)
    assert len(json.loads(out)["labels"]) == 1
    assert script("predict.py", folder, stdin="")[:2] == (0, "")


def test_predict_with_other_decisions(run_of, script, refused, tmp_path):
    folder, text = f"--ckpt_dir={run_of().fine_tuned}", "被告人盗窃手机。\n"
    _, out, _ = script(
        "predict.py", folder, "--threshold=1", "--at_least_one=false", "--top_k=3", stdin=text
    )
    result = json.loads(out)
    assert result["labels"] == []
    assert [entry["above_threshold"] for entry in result["top"]] == [False] * 3
    file = tmp_path / "thresholds.tsv"
    file.write_text("诈骗\t0\n", encoding="utf-8")
    _, out, _ = script(
        "predict.py", folder, "--threshold=1", f"--threshold_file={file}", stdin=text
    )
    (entry,) = json.loads(out)["labels"]
    assert (entry["label"], entry["above_threshold"]) == ("诈骗", True)
    file.write_text("诈骗\t0\n抢夺\t0.5\n", encoding="utf-8")
    status = refused("predict.py", folder, f"--threshold_file={file}")
    assert f"{file}:2: the label '抢夺' is not one of the 3 labels" in status


def test_predict_refuses(tiny, run_of, refused, tmp_path):
    run = run_of()
    folder = f"--ckpt_dir={run.fine_tuned}"
    assert "no such checkpoint folder" in refused("predict.py", f"--ckpt_dir={tmp_path / 'no'}")
    assert "language_model has no such option" in refused(
        "predict.py", f"--ckpt_dir={run.pretrained}", "--threshold=0.5"
    )
    assert "no such file" in refused("predict.py", folder, f"--input={tmp_path / 'no.txt'}")
    assert "this is a folder" in refused("predict.py", folder, f"--input={tmp_path}")
    assert "must be from 0 to 1" in refused("predict.py", folder, "--threshold=1.5")
    assert "test_mode" in refused("predict.py", folder, "--test_mode")
    assert "not an option" in refused("predict.py", folder, "text.txt")
    wrong = tmp_path / "wrong.txt"
    wrong.write_bytes("被告人。\n".encode() + b"\xff\xfe\n")
    target = f"--output={tmp_path / 'out.jsonl'}"
    assert f"{wrong}:2: not UTF-8" in refused("predict.py", folder, f"--input={wrong}", target)
    source = tmp_path / "source.txt"
    source.write_text("被告人盗窃。\n", encoding="utf-8")
    message = refused("predict.py", folder, f"--input={source}", f"--output={source}")
    assert "--output" in message
    assert source.read_text(encoding="utf-8") == "被告人盗窃。\n"


# Mistakes of users.


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file"),
        (b"", "the file is empty"),
        (b"\n\n", "only blank lines"),
        (b"\xe8\xa2\xab\n\xc4\xe3\n", ":2: not UTF-8: byte 0xc4"),
        (b'{"fact": "text", "meta": {"accusation": ["A"]}}\n{"meta": {}}\n', ":2: no text: a re"),
    ],
)
def test_unreadable_files(tiny, run_of, refused, tmp_path, content, message):
    path = tmp_path / "wrong.txt"
    if content is not None:
        path.write_bytes(content)
    values = tiny.pretraining(ckpt_dir=tmp_path / "lm", mask_lm_source_file=path)
    line = refused("train_bert_lm.py", *flags_of(values))
    assert line.startswith(str(path))
    assert message in line
    values = tiny.fine_tuning(
        ckpt_dir=run_of().pretrained, ckpt_dir_save=tmp_path / "save", training_data_file=path
    )
    line = refused("train_bert_fine_tuning.py", *flags_of(values))
    assert line.startswith(str(path))
    assert message in line
    assert {entry.name for entry in tmp_path.iterdir()} <= {"wrong.txt"}


def test_an_empty_folder_instead_of_a_file(tiny, refused, tmp_path):
    values = tiny.pretraining(ckpt_dir=tmp_path / "lm", mask_lm_source_file=tmp_path)
    message = f"{tmp_path}: there is no file in this folder"
    assert message in refused("train_bert_lm.py", *flags_of(values))
    values = tiny.fine_tuning(ckpt_dir="", valid_data_file=tmp_path)
    assert message in refused("train_bert_fine_tuning.py", *flags_of(values))
    values = tiny.fine_tuning(ckpt_dir="", training_data_file="")
    assert "--training_data_file=" in refused("train_bert_fine_tuning.py", *flags_of(values))


@pytest.mark.parametrize(
    ("changes", "messages"),
    [
        ({"objectives": []}, ["--objectives=: must be one or more of masked_lm, next_sentence"]),
        ({"sequence_length_lm": 65}, ["--sequence_length_lm=65", "--max_position=64"]),
        ({"backbone": "rnn"}, ["--backbone=rnn: must be one of text_cnn, transformer"]),
        ({"d_model": 15}, ["d_model (15)", "num_heads (2)"]),
        ({"batch_size": "many"}, ["batch_size", "many"]),
        ({"learning_rat": 1}, ["--learning_rat:", "did you mean --learning_rate?"]),
        ({"num_layer": 2}, ["num_layer", "text_cnn has no use for it"]),
    ],
)
def test_options_of_pretraining_that_cannot_be(tiny, refused, tmp_path, changes, messages):
    values = tiny.pretraining(ckpt_dir=tmp_path / "lm", **changes)
    line = refused("train_bert_lm.py", *flags_of(values))
    assert [message for message in messages if message not in line] == []
    assert not (tmp_path / "lm").exists()


@pytest.mark.parametrize(
    ("changes", "messages"),
    [
        ({"backbone": "transformer"}, ["--backbone=transformer", "backbone=text_cnn"]),
        ({"d_model": 32}, ["--d_model=32", "d_model=16"]),
        ({"preset": "small"}, ["--d_model=128", "preset", "d_model=16"]),
        ({"pooling": "mean"}, ["--pooling=mean", "pooling=max"]),
        ({"tokenize_style": "char"}, ["--tokenize_style=char", "tokenize_style=word"]),
        ({"lower_case": True}, ["--lower_case=True", "lower_case=False"]),
        ({"vocab_size": 10}, ["--vocab_size=10", "vocab_size="]),
        ({"min_count": 2}, ["--min_count=2", "Leave the option out"]),
        (
            {"sequence_length": 65, "max_position": 64},
            ["--sequence_length=65", "--max_position=64"],
        ),
    ],
)
def test_options_that_contradict_the_checkpoint(tiny, run_of, refused, tmp_path, changes, messages):
    values = tiny.fine_tuning(ckpt_dir=run_of().pretrained, ckpt_dir_save=tmp_path / "save")
    line = refused("train_bert_fine_tuning.py", *flags_of(values | changes))
    assert [message for message in messages if message not in line] == []
    assert not (tmp_path / "save").exists()


def test_options_that_repeat_the_checkpoint_are_no_contradiction(run_of, fine_tuned):
    metrics, _ = fine_tuned(
        backbone="text_cnn",
        d_model=16,
        tokenize_style="word",
        vocab_size=30_000,
        vocab_file=str(run_of().pretrained / "vocab.txt"),
    )
    assert metrics["restored"]["variables"] == metrics["restored"]["of"]


def test_vocabulary_of_another_tokenizer(tiny, run_of, refused, tmp_path):
    run = run_of()
    beside = run.pretrained / "vocab.txt"
    values = tiny.pretraining(ckpt_dir=tmp_path / "lm", tokenize_style="char", vocab_file=beside)
    line = refused("train_bert_lm.py", *flags_of(values))
    assert "--min_count=1" in line
    assert f"--vocab_file={beside}" in line
    del values["min_count"]
    line = refused("train_bert_lm.py", *flags_of(values))
    assert "--tokenize_style=word" in line
    assert "not with char" in line
    # The file alone tells nothing of its tokenizer; that it does not fit the text does.
    alone = tmp_path / "vocab.txt"
    alone.write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n##ing\nhouse\n。\n", encoding="utf-8")
    line = refused("train_bert_lm.py", *flags_of(values | {"vocab_file": alone}))
    assert "lacks" in line
    assert "another tokenizer" in line
    values = tiny.fine_tuning(ckpt_dir=run.pretrained, ckpt_dir_save=tmp_path / "save")
    line = refused("train_bert_fine_tuning.py", *flags_of(values | {"vocab_file": alone}))
    assert f"--vocab_file={alone}" in line
    assert str(run.pretrained) in line
    (tmp_path / "broken.txt").write_text("。\n", encoding="utf-8")
    values = tiny.pretraining(ckpt_dir=tmp_path / "lm", vocab_file=tmp_path / "broken.txt")
    del values["min_count"]
    assert "[PAD]" in refused("train_bert_lm.py", *flags_of(values))
    assert not (tmp_path / "lm").exists()


def test_damaged_checkpoints(tiny, run_of, refused, tmp_path):
    run, folder = run_of(), tmp_path / "lm"

    def message():
        values = tiny.fine_tuning(ckpt_dir=folder, ckpt_dir_save=tmp_path / "save")
        fine_tuning = refused("train_bert_fine_tuning.py", *flags_of(values))
        assert refused("predict.py", f"--ckpt_dir={folder}") == fine_tuning
        assert str(folder) in fine_tuning
        return fine_tuning

    assert "no such checkpoint folder" in message()
    folder.mkdir()
    assert "not a complete checkpoint" in message()
    shutil.copytree(run.pretrained, folder, dirs_exist_ok=True)
    weights = (folder / "model.weights.h5").read_bytes()
    (folder / "model.weights.h5").write_bytes(weights[:-100])
    assert "model.weights.h5: truncated or altered" in message()
    other = run_of("transformer").pretrained / "model.weights.h5"
    shutil.copy(other, folder / "model.weights.h5")
    assert "model.weights.h5: truncated or altered" in message()
    assert not (tmp_path / "save").exists()


def test_another_run_is_not_overwritten_unasked(tiny, run_of, refused, tmp_path):
    run = run_of()
    before = (run.pretrained / "model.weights.h5").read_bytes()
    values = tiny.pretraining(ckpt_dir=run.pretrained, batch_size=32)
    line = refused("train_bert_lm.py", *flags_of(values))
    assert f"--ckpt_dir={run.pretrained}" in line
    assert "--batch_size=16 there, 32 here" in line
    assert "--overwrite" in line
    assert (run.pretrained / "model.weights.h5").read_bytes() == before
    values = tiny.fine_tuning(ckpt_dir=run.pretrained, ckpt_dir_save=run.fine_tuned, threshold=0.4)
    line = refused("train_bert_fine_tuning.py", *flags_of(values))
    assert f"--ckpt_dir_save={run.fine_tuned}" in line
    assert "--threshold=(not given) there, 0.4 here" in line
    (tmp_path / "file").write_text("x")
    values = tiny.fine_tuning(ckpt_dir=run.pretrained, ckpt_dir_save=tmp_path / "file")
    assert "this is a file" in refused("train_bert_fine_tuning.py", *flags_of(values))


def test_a_finished_run_is_not_run_again(tiny, run_of, script, caplog):
    caplog.set_level("INFO")
    run = run_of()
    values = tiny.fine_tuning(ckpt_dir=str(run.pretrained), ckpt_dir_save=str(run.fine_tuned))
    before = (run.fine_tuned / "manifest.json").stat().st_mtime_ns
    status, out, _ = script("train_bert_fine_tuning.py", *flags_of(values))
    assert (status, out) == (0, "")
    assert f"{run.fine_tuned}: this run has already finished, nothing to do" in caplog.text
    assert (run.fine_tuned / "manifest.json").stat().st_mtime_ns == before


def test_ctrl_c(monkeypatch, script, tmp_path):
    from training import prediction

    def interrupted(options):
        raise KeyboardInterrupt

    monkeypatch.setattr(prediction, "predict", interrupted)
    status, _, err = script("predict.py")
    assert status == 130
    assert err == "stopped.\n"


def test_sigterm_without_anything_to_save(monkeypatch, script):
    from training import prediction

    monkeypatch.setattr(prediction, "predict", lambda options: os.kill(os.getpid(), signal.SIGTERM))
    before = signal.getsignal(signal.SIGTERM)
    status, _, err = script("predict.py")
    assert status == 128 + signal.SIGTERM
    assert err == "stopped by SIGTERM\n"
    assert signal.getsignal(signal.SIGTERM) is before


# As real processes.


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


def test_predict_as_a_process(tiny, run_of, tmp_path):
    lines = tiny.file("test").read_text(encoding="utf-8").splitlines()
    result = process(
        "predict.py",
        f"--ckpt_dir={run_of().fine_tuned}",
        "--input=/dev/stdin",
        "--with_text",
        cwd=tmp_path,
        stdin="\n".join([lines[0], "", lines[1]]),
        # Text is UTF-8, whatever the locale.
        LC_ALL="C",
        PYTHONCOERCECLOCALE="0",
        PYTHONUTF8="0",
        PYTHONIOENCODING="latin-1:strict",
    )
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout.splitlines()[0])["text"] == lines[0].split(" __label__")[0]
    results = [json.loads(line) for line in result.stdout.splitlines()]
    assert [bool(entry["labels"]) for entry in results] == [True, False, True]
    assert "/dev/stdin:2: nothing to predict from" in result.stderr
    assert [word for word in CHATTER if word in result.stderr] == []


def test_predict_answers_a_pipe_that_pauses_and_ends_at_ctrl_c(run_of):
    with subprocess.Popen(
        [sys.executable, str(ROOT / "predict.py"), f"--ckpt_dir={run_of().fine_tuned}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # A shell that starts the tests in the background ignores it, and so would its children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as child:
        for _ in range(2):
            child.stdin.write("被告人盗窃手机。\n".encode())
            child.stdin.flush()
            assert json.loads(child.stdout.readline())["labels"]
        # Its reader waits for the next line, and must not hold it up.
        child.send_signal(signal.SIGINT)
        try:
            err = child.communicate(timeout=120)[1].decode()
        finally:
            child.kill()
    assert child.returncode == 130
    assert err.endswith("the results of 2 lines are in the output\nstopped.\n")


def test_predict_into_a_closed_pipe(tiny, run_of, tmp_path):
    with subprocess.Popen(
        [sys.executable, str(ROOT / "predict.py"), f"--ckpt_dir={run_of().fine_tuned}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as child:
        child.stdout.close()
        child.stdin.write(tiny.file("test").read_bytes())
        child.stdin.close()
        err = child.stderr.read().decode()
    assert child.returncode == 0
    assert "Error" not in err
    assert "Traceback" not in err


def test_a_mistake_as_a_process(tmp_path):
    result = process("train_bert_lm.py", "--mask_lm_source_file=none.txt", cwd=tmp_path)
    assert result.returncode == 2
    assert result.stderr.startswith("error: none.txt: there is no such file")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "name", ["train_bert_lm.py", "train_bert_fine_tuning.py", "train_transform.py", "predict.py"]
)
def test_help(name, script):
    status, out, err = script(name, "--help")
    assert (status, err) == (0, "")
    assert out.startswith(f"usage: python {name} ")
    assert "--ckpt_dir=" in out


def test_help_into_a_closed_pipe():
    reading, writing = os.pipe()
    os.close(reading)
    result = subprocess.run(
        [sys.executable, str(ROOT / "train_bert_lm.py"), "--help"],
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(writing)
    assert (result.returncode, result.stderr) == (0, "")
