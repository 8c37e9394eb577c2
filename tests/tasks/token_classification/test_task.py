"""From files to entities through the scripts' functions, and through an export."""

import io
import json
import re
from pathlib import Path

import numpy as np
import pytest

from common.errors import CheckpointError, OptionError
from models.checkpoints.folder import read_checkpoint
from tests.conftest import functions_run
from tests.tasks.examples import entity_lines
from training.options.scripts import (
    EvaluationOptions,
    PredictionOptions,
    TransformOptions,
)
from training.prediction import Predictor, predict

DOCS = Path(__file__).parents[3] / "docs" / "token_classification.md"


def options(folder, **changes):
    values = {
        f"{option}_data_file": [str(folder / f"{split}.jsonl")]
        for option, split in (("training", "train"), ("valid", "valid"), ("test", "test"))
    }
    values |= {
        "task": "token_classification",
        "ckpt_dir_save": str(folder / "save"),
        "data_path": str(folder / "data"),
        "process_num": 1,
        "backbone": "text_cnn",
        "preset": "tiny",
        "d_model": 16,
        "num_filters": 8,
        "min_count": 1,
        "tokenize_style": "char",
        # Eight characters in windows of six.
        "sequence_length": 8,
        "window_overlap": 2,
        "crf": True,
        "batch_size": 16,
        "num_epochs": 12,
        "learning_rate": 2e-2,
        "head_learning_rate": 2e-2,
    }
    return TransformOptions(**(values | changes))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A folder with files and a fine-tuned checkpoint, and its metrics."""
    from train_bert_fine_tuning import fine_tune

    folder = tmp_path_factory.mktemp("entities")
    for seed, (split, count) in enumerate((("train", 120), ("valid", 30), ("test", 30))):
        lines = "".join(entity_lines(count, seed))
        (folder / f"{split}.jsonl").write_text(lines, encoding="utf-8")
    with functions_run(eagerly=False):
        return folder, fine_tune(options(folder))


@pytest.fixture(scope="module")
def predictor(run):
    return Predictor(run[0] / "save")


def test_it_learns_and_reports(run):
    folder, metrics = run
    assert metrics["test"]["entity_f1"] > 0.95
    assert metrics["score"] == "entity_f1"
    assert metrics["training_entities"] == {"A": 120, "B": 120}
    assert metrics["calibration"]["scale"] > 0 and metrics["test"]["calibration_error"] < 0.3
    table = (folder / "save" / "test_entities.csv").read_text(encoding="utf-8").splitlines()
    assert table[0].startswith("label,training,true") and table[1].startswith("A,120,30,")
    lines = (folder / "save" / "test_predictions.jsonl").read_text(encoding="utf-8").splitlines()
    first = json.loads(lines[0])
    assert first["line"] == 1 and first["true"][0]["text"] in ("甲乙", "丙")
    report = (folder / "save" / "report.html").read_text(encoding="utf-8")
    assert "Entities of each label" in report and "Texts with most errors" in report


def test_a_crf_starts_with_what_the_order_of_tags_tells(run, tmp_path):
    from training.fine_tuning import build_model, prepare_data

    chosen = options(run[0], data_path=str(tmp_path), learning_rate=0.0, head_learning_rate=0.0)
    data = prepare_data(chosen, None)
    model, _ = build_model(chosen, data, None)
    inputs, targets = next(data.batches["train"].batches(0))

    def loss():
        values, weights = data.task.loss(inputs, targets, model(inputs, training=False))
        return float(np.average(values, weights=weights))

    started = loss()
    model.head.crf.transitions.assign(np.zeros((7, 5), np.float32))
    # With zeros it knows how often each tag stands, and not what follows what.
    assert started < loss() - 0.03


def test_entities_of_lines_and_of_words(run, predictor, tmp_path):
    source, target = tmp_path / "in.jsonl", tmp_path / "out"
    text = "天人甲乙地丙人天地地天人甲乙"
    records = [{"text": text}, {"tokens": list("甲乙天"), "id": 7}, {"text": " "}]
    source.write_text("".join(json.dumps(each) + "\n" for each in records))
    values = {"ckpt_dir": str(run[0] / "save"), "input": str(source), "output": str(target)}
    predict(PredictionOptions(**values))
    long, words, empty = map(json.loads, target.read_text(encoding="utf-8").splitlines())
    found = [(each["label"], each["start"], each["end"]) for each in long["entities"]]
    assert found == [("A", 2, 4), ("B", 5, 6), ("A", 12, 14)]
    assert all(0 < each["probability"] <= 1 for each in long["entities"])
    assert [each["text"] for each in long["entities"]] == ["甲乙", "丙", "甲乙"]
    assert words["id"] == 7 and words["entities"][0]["end"] == 2
    assert empty == {"entities": []}
    predict(PredictionOptions(**values, output_format="conll"))
    texts = target.read_text(encoding="utf-8").split("\n\n")
    assert texts[1] == "甲\tB-A\n乙\tI-A\n天\tO"
    assert len(texts[0].splitlines()) == len(text)
    with pytest.raises(OptionError, match="jsonl, csv, conll"):
        predict(PredictionOptions(**values, output_format="squad"))
    # All at once, or one by one.
    passages = [predictor.task.record({"text": each}) for each in (text, "甲乙", text[3:])]
    together = predictor.predict(passages)
    assert together == [predictor.predict([each])[0] for each in passages]


def test_other_files_are_measured(run, tmp_path):
    from training.evaluation import evaluate

    lines = ["甲\tS-A\n", "天\tO\n", "\n", "乙\tS-C\n"]
    (tmp_path / "other.conll").write_text("".join(lines), encoding="utf-8")
    found = evaluate(
        EvaluationOptions(
            ckpt_dir=str(run[0] / "save"),
            input=[str(tmp_path / "other.conll")],
            output_dir=str(tmp_path / "out"),
        )
    )
    # C is no label of the checkpoint: it counts as missed.
    table = (tmp_path / "out" / "test_entities.csv").read_text(encoding="utf-8")
    assert re.search(r"^C,,1,0,0,0.0000,0.0000,0.0000$", table, re.MULTILINE)
    assert found["test"]["examples"] == 2 and found["test"]["recall"] <= 0.5


def test_the_client_of_the_docs_finds_the_same(run, predictor, tmp_path):
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    pytest.importorskip("tf2onnx", reason="tf2onnx is not installed")
    from conversion.export import export
    from training.options.conversion import ExportOptions

    out = tmp_path / "exported"
    export(ExportOptions(ckpt_dir=str(run[0] / "save"), out=str(out), format="onnx"))
    about = json.loads((out / "model.json").read_text(encoding="utf-8"))
    assert about["outputs"]["names"] == ["transitions", "logits"]
    assert about["outputs"]["shape"] == ["batch", "length", 5]
    code = re.search(r"<!-- client -->\n```python\n(.*?)```", DOCS.read_text("utf-8"), re.DOTALL)
    for text in ("甲乙丙", "丙 甲乙 天", "天地"):
        values = {"FOLDER": str(out), "TEXT": text}
        exec(code[1], values)
        (expected,) = predictor.predict([predictor.task.record({"text": text})])
        assert values["entities"] == [
            {name: each[name] for name in ("label", "start", "end")}
            for each in expected["entities"]
        ]


def test_the_service_and_the_interface(run, predictor):
    pytest.importorskip("fastapi", reason="fastapi is not installed")
    from fastapi.testclient import TestClient

    from bert_language_understanding import load
    from serving.app import make_app
    from serving.options import ServingOptions

    text = "天甲乙丙" * 5
    (expected,) = predictor.predict([predictor.task.record({"text": text})])
    app = make_app(predictor, ServingOptions())
    with TestClient(app, base_url="http://localhost") as client:
        answer = client.post("/v1/predict", json={"input": [text, " "]}).json()
        assert answer == {"results": [expected, {"entities": []}]}
        assert client.get("/v1/labels").json()["labels"] == [{"label": "A"}, {"label": "B"}]
        model = client.get("/v1/model").json()
        assert model["labels"] == 2 and model["examples"][0]["text"]
        assert "&quot;entities&quot;" in client.get("/").text
    assert load(str(run[0] / "save")).predict(text) == expected


def test_a_checkpoint_that_was_changed_is_refused(run, tmp_path):
    from tasks.loading import load_task

    checkpoint = read_checkpoint(run[0] / "save")
    for key, value in (
        *(("tags", "x"), ("window_overlap", -1), ("crf", 1), ("ngrams", 0), ("num_labels", 3)),
    ):
        before = checkpoint.config[key]
        checkpoint.config[key] = value
        with pytest.raises(CheckpointError):
            load_task(checkpoint)
        checkpoint.config[key] = before


def test_a_checkpoint_of_an_earlier_version_has_no_ngrams(run):
    from tasks.loading import load_task

    checkpoint = read_checkpoint(run[0] / "save")
    assert load_task(checkpoint).ngrams
    del checkpoint.config["ngrams"]
    assert not load_task(checkpoint).ngrams


def test_the_head_continues_if_the_tags_are_the_same(predictor):
    from tasks.token_classification.task import TokenClassification

    task = predictor.task
    other = TokenClassification(task_labels("A", "C"), crf=True)
    assert other.continue_head(None, task, None) is None
    before = [np.array(each) for each in predictor.model.head.get_weights()]
    said = task.continue_head(predictor.model, task, predictor.model)
    assert said == "the 5 tags keep their weights"
    for one, each in zip(before, predictor.model.head.get_weights(), strict=True):
        np.testing.assert_array_equal(one, each)


def test_the_head_continues_without_ngrams(predictor):
    from models.backbones.base import make_backbone
    from models.build import build
    from tasks.token_classification.task import TokenClassification

    source = predictor.model
    without = TokenClassification(task_labels("A", "B"), crf=True)
    model = build(without.build_model(make_backbone(source.backbone.config), 0.0))
    assert model.head.ngrams is None
    assert without.continue_head(model, predictor.task, source)
    for part in ("scores", "crf"):
        found, expected = (getattr(each.head, part).get_weights() for each in (model, source))
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_array_equal(one, other)


def task_labels(*names):
    from data_util.reading.labels import LabelSet

    return LabelSet(names)


def test_labels_without_thresholds(predictor):
    assert predictor.task.known_labels() == [{"label": "A"}, {"label": "B"}]
    (line,) = predictor.task.read(io.BytesIO("甲\n".encode()), "in")
    assert predictor.task.values(line.record) == {"text": "甲"}
