"""The addresses of a service that fills in masks or continues texts."""

import json

import pytest

from serving.page.document import page_of
from serving.server import warm_up
from tests.language_models import write_language_model
from tests.serving.toy_app import app_of, error_of
from training.prediction import Predictor


@pytest.fixture(scope="module")
def language_model_of(tmp_path_factory):
    """Gives a predictor with a pre-trained checkpoint of an objective."""

    def make(objective, **metrics):
        folder = tmp_path_factory.mktemp("language_model") / objective
        return Predictor(write_language_model(folder, objective, **metrics))

    return make


def test_masks_are_filled_in(language_model_of):
    predictor = language_model_of(
        "masked_lm", best_epoch=1, history=[{"epoch": 1, "valid": {"masked_lm_accuracy": 0.5}}]
    )
    warm_up(predictor, 2)
    texts = ["甲[MASK]地[MASK]", " ", "[MASK]" + "天" * 30]
    with app_of(predictor, max_texts=3) as client:
        answer = client.post("/v1/predict", json={"input": texts, "top_k": 2})
        assert answer.status_code == 200, answer.text
        results = answer.json()["results"]
        assert [len(result["masks"]) for result in results] == [2, 0, 1]
        assert all(len(candidates) == 2 for candidates in results[0]["masks"])
        assert results[1] == {"masks": [], "text": ""}
        first, second = (each[0]["token"] for each in results[0]["masks"])
        assert results[0]["text"] == f"甲{first}地{second}"
        assert results == predictor.predict(texts[:1], top_k=2) + results[1:]
        for given, where in (("甲天", "input"), (["[MASK]", "甲天"], "input.1")):
            refused = client.post("/v1/predict", json={"input": given})
            assert (refused.status_code, refused.json()["error"]["where"]) == (422, where)
            assert "this text has no [MASK]: write it" in refused.json()["error"]["message"]
        many = client.post("/v1/predict", json={"input": "[MASK]" * 33})
        assert error_of(many) == (
            422, "this text has [MASK] 33 times, and at most 32 are filled in together: give its "
            "parts one by one",
        )  # fmt: skip
        assert client.post("/v1/predict", json={"input": ["[MASK]"] * 4}).status_code == 422
        assert client.post("/v1/explain", json={"input": "[MASK]"}).status_code == 404
        model = client.get("/v1/model").json()
        assert (model["task"], model["labels"]) == ("language_model", 0)
        assert model["metrics"] == {"masked_lm_accuracy": 0.5}
        assert client.get("/v1/labels").json() == {"task": "language_model", "labels": []}
        assert client.get("/healthz").json() == {"status": "ok"}
        assert "masks" in client.get("/openapi.json").text
        for example in model["examples"]:
            assert client.post("/v1/predict", json={"input": example["prompt"]}).status_code == 200


def test_texts_are_continued(language_model_of):
    predictor = language_model_of("causal_lm")
    warm_up(predictor, 2)
    sizes, outputs = [], predictor.batch_outputs
    predictor.batch_outputs = lambda encoded: sizes.append(len(encoded)) or outputs(encoded)
    texts = ["甲天", "乙", " ", "丙丁"]
    with app_of(predictor) as client:
        answer = client.post("/v1/predict", json={"input": texts})
        assert answer.status_code == 200, answer.text
        results = answer.json()["results"]
        assert sizes == [3]
        assert results[2] == {"continuation": "", "text": "", "score": None}
        for text, result in zip(texts, results, strict=True):
            assert result["text"] == text.strip() + result["continuation"]
        assert all(
            len(results[place]["continuation"]) == 23 - len(texts[place]) for place in (0, 3)
        )
        alone = client.post("/v1/predict", json={"input": texts[0]}).json()["results"]
        assert alone[0]["continuation"] == results[0]["continuation"]
        refused = client.post("/v1/predict", json={"input": "甲[MASK]"})
        assert refused.status_code == 422
        assert "fills in no [MASK]" in refused.json()["error"]["message"]


def test_the_table_of_results_is_that_of_predict_py(language_model_of):
    for objective in ("masked_lm", "causal_lm"):
        task = language_model_of(objective).task
        assert f"columns: {json.dumps(task.columns())}" in page_of(task)
