"""Multiple choice and regression in all commands: training, prediction, service and export."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient

from bert_language_understanding import load
from common.errors import InputError
from evaluate import evaluate
from predict import predict
from serving.app import make_app
from serving.options import ServingOptions
from tests.tasks.examples import question_lines, valued_lines
from train_bert_fine_tuning import fine_tune
from training.options.conversion import ExportOptions
from training.options.scripts import EvaluationOptions, FineTuningOptions, PredictionOptions
from training.prediction import Predictor

ROOT = Path(__file__).parents[1]
LINES = {"multiple_choice": question_lines, "regression": valued_lines}


@pytest.fixture(scope="module")
def trained(tiny):
    """Gives the checkpoint of a task, which is made on first use, and its metrics.

    The validation examples are held out of the training file.
    """
    made = {}

    def make(task):
        if task not in made:
            for split, count in (("train", 120), ("test", 30)):
                lines = "".join(LINES[task](count, len(split)))
                (tiny.folder / f"{task}_{split}.txt").write_text(lines, encoding="utf-8")
            folder = tiny.folder / f"save_{task}"
            values = tiny.fine_tuning(
                task=task,
                training_data_file=[str(tiny.folder / f"{task}_train.txt")],
                test_data_file=[str(tiny.folder / f"{task}_test.txt")],
                valid_data_file=None,
                valid_ratio=0.2,
                ckpt_dir="",
                ckpt_dir_save=str(folder),
                preset="tiny",
                d_model=16,
                num_filters=8,
                min_count=1,
                tokenize_style="char",
                num_epochs=6,
            )
            made[task] = folder, fine_tune(FineTuningOptions(**values))
        return made[task]

    return make


def test_questions_are_learned(trained, tiny, tmp_path):
    folder, metrics = trained("multiple_choice")
    assert metrics["score"] == "accuracy" and metrics["test"]["examples"] == 30
    assert metrics["test"]["accuracy"] > 0.8
    assert metrics["calibration"]["scale"] > 0
    assert len(metrics["comparison"]) == len(metrics["history"])
    for entry in metrics["comparison"]:
        assert entry["linear_accuracy"] > 0.6 and entry["linear_weight"] > 0
    test = tiny.folder / "multiple_choice_test.txt"
    output = tmp_path / "out.jsonl"
    options = PredictionOptions(ckpt_dir=str(folder), input=str(test), output=str(output))
    assert predict(options) == 30
    results = [json.loads(line) for line in output.open(encoding="utf-8")]
    records = [json.loads(line) for line in test.open(encoding="utf-8")]
    hits = [
        result["choice"] == each["answer"] for result, each in zip(results, records, strict=True)
    ]
    assert np.mean(hits) == pytest.approx(metrics["test"]["accuracy"])
    lines = (folder / "test_predictions.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["correct"] for line in lines] == hits
    assert "always the longest choice" in (folder / "report.html").read_text(encoding="utf-8")
    again = evaluate(
        EvaluationOptions(ckpt_dir=str(folder), input=[str(test)], output_dir=str(tmp_path / "e"))
    )
    assert again["test"] == pytest.approx(metrics["test"])
    options = PredictionOptions(
        ckpt_dir=str(folder), input=str(test), output=str(output), output_format="csv",
        with_text=True,
    )  # fmt: skip
    assert predict(options) == 30
    header = output.read_text(encoding="utf-8").splitlines()[0]
    assert header == '"context","question","choices","choice","probabilities"'


def test_values_are_learned(trained, tiny, tmp_path):
    folder, metrics = trained("regression")
    assert metrics["score"] == "pearson" and metrics["test"]["pearson"] > 0.6
    test = tiny.folder / "regression_test.txt"
    output = tmp_path / "out.jsonl"
    options = PredictionOptions(ckpt_dir=str(folder), input=str(test), output=str(output))
    assert predict(options) == 30
    values = [json.loads(line)["value"] for line in output.open(encoding="utf-8")]
    true = [float(line.split("\t")[2]) for line in test.open(encoding="utf-8")]
    assert np.corrcoef(values, true)[0, 1] == pytest.approx(metrics["test"]["pearson"], abs=1e-5)
    again = evaluate(
        EvaluationOptions(ckpt_dir=str(folder), input=[str(test)], output_dir=str(tmp_path / "e"))
    )
    assert again["test"] == pytest.approx(metrics["test"], abs=1e-6)


def test_python_and_the_service(trained):
    folder, _ = trained("multiple_choice")
    model = load(folder)
    question = {"choices": ["甲乙", "丙丁", "戊"]}
    result = model.predict(question)
    assert len(result["probabilities"]) == 3
    assert model.predict([("", "", ["甲乙", "丙丁", "戊"]), {"choices": []}]) == [
        result,
        {"choice": None, "probabilities": []},
    ]
    with pytest.raises(InputError, match="needs context, question, choices"):
        model.predict({"context": "甲"})
    app = make_app(Predictor(folder), ServingOptions())
    with TestClient(app, base_url="http://localhost") as client:
        answer = client.post("/v1/predict", json={"input": [question, {"choices": [" "]}]})
        assert answer.status_code == 200, answer.text
        first, blank = answer.json()["results"]
        assert first["choice"] == result["choice"]
        assert first["probabilities"] == pytest.approx(result["probabilities"], abs=1e-5)
        assert blank == {"choice": None, "probabilities": []}
        (example,) = client.get("/v1/model").json()["examples"]
        assert client.post("/v1/predict", json={"input": example}).status_code == 200
        assert client.post("/v1/predict", json={"input": {"context": "甲"}}).status_code == 422
        assert 'id="choice-list"' in client.get("/").text
    model = load(trained("regression")[0])
    assert model.predict([("甲甲", "甲"), ("", "甲")])[1] == {"value": None}
    assert model.predict(("甲甲甲", "甲甲"))["value"] > model.predict(("乙", "丙"))["value"]


def test_the_client_of_an_export(trained, tmp_path, monkeypatch):
    from conversion.export import export
    from conversion.exported_predictor import ExportedPredictor

    # What LiteRT can run, the other formats can, too.
    pytest.importorskip("ai_edge_litert", reason="ai-edge-litert is not installed")
    folder, _ = trained("multiple_choice")
    out = str(tmp_path / "exported")
    export(ExportOptions(ckpt_dir=str(folder), out=out, format="litert"))
    page = (ROOT / "docs/multiple_choice.md").read_text(encoding="utf-8")
    code = re.search(r"<!-- choice_client -->\n```python\n(.*?)```", page, flags=re.DOTALL)
    assert code is not None
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(code[1], names)
    expected = load(folder).predict(names["questions"])
    for result, other in zip(names["results"], expected, strict=True):
        assert result["choice"] == other["choice"]
        assert result["probabilities"] == pytest.approx(other["probabilities"], abs=1e-4)
    assert ExportedPredictor(tmp_path / "exported").predict(names["questions"]) == names["results"]
    folder, _ = trained("regression")
    options = ExportOptions(ckpt_dir=str(folder), out=str(tmp_path / "values"), format="onnx")
    pairs = [("甲甲", "甲"), ("乙", "丙")]
    values = [each["value"] for each in ExportedPredictor(export(options)).predict(pairs)]
    assert values == pytest.approx(
        [each["value"] for each in load(folder).predict(pairs)], abs=1e-4
    )
