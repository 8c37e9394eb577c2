"""The addresses, in this process, on a toy model and on the tiny checkpoint."""

import asyncio
import html
import json
import re
import threading

import numpy as np
import pytest

from common.errors import OptionError
from serving.batching import MicroBatcher
from serving.options import ServingOptions
from tests.serving.toy_app import ToyPredictor, app_of, error_of
from training.prediction import Predictor


def test_together_as_one_by_one(run_of):
    classifier = Predictor(run_of().fine_tuned)
    sizes = []
    texts = ["被告人盗窃手机。" * count for count in (1, 9, 3, 1, 5)] + ["殴打", "。", "骗取" * 40]

    async def label(max_batch_size):
        batcher = MicroBatcher(
            classifier.batch_outputs,
            max_batch_size=max_batch_size,
            max_wait=0.5,
            max_queue=99,
            observe=sizes.append,
        )
        batcher.start()
        results = await asyncio.gather(
            *(batcher.submit(classifier.encode([text])) for text in texts)
        )
        await batcher.stop()
        return classifier.task.probabilities(np.concatenate([rows for (rows,) in results]))

    together, alone = asyncio.run(label(8)), asyncio.run(label(1))
    assert sizes == [8] + [1] * 8
    np.testing.assert_allclose(together, alone, atol=1e-5)
    np.testing.assert_allclose(alone, classifier.probabilities(texts), atol=1e-5)


def test_a_defect_is_an_answer_and_the_next_request_is_served():
    predictor = ToyPredictor()
    outputs = predictor.batch_outputs

    def fails_on_two(encoded):
        if len(encoded[0][-1]) == 2:
            raise ValueError("defect")
        return outputs(encoded)

    predictor.batch_outputs = fails_on_two
    with app_of(predictor) as client:
        answer = client.post("/v1/predict", json={"input": "x y"})
        assert answer.status_code == 500
        assert answer.json()["error"]["code"] == "internal_error"
        assert "defect" not in answer.text
        assert client.post("/v1/predict", json={"input": "bomb"}).status_code == 200


def test_a_full_queue_is_503():
    predictor = ToyPredictor()
    with app_of(predictor, max_queue=2, max_texts=2) as client:
        assert client.post("/v1/predict", json={"input": ["a", "b"]}).status_code == 200
        # One request's own texts: the text itself and each of its parts.
        client.app.state.batcher._max_queue = 1
        answer = client.post("/v1/predict", json={"input": ["a", "b"]})
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "overloaded"
    assert int(answer.headers["Retry-After"]) > 0


def test_requests_of_a_checkpoint_that_takes_pairs():
    from pydantic import ValidationError

    from serving.schemas import request_models

    fields = {"text_a": str, "text_b": str}
    body = request_models(fields, max_texts=2, max_characters=5, labels=("A",)).predict
    pair = {"text_a": "a", "text_b": "b"}
    assert body(input=pair).input.text_b == "b"
    assert [item.text_a for item in body(input=[pair, pair]).input] == ["a", "a"]
    for wrong in ("a", ["a"], [pair] * 3, {"text_a": "a"}, {**pair, "text_a": "123456"}, []):
        with pytest.raises(ValidationError):
            body(input=wrong)


def test_no_more_texts_a_request_than_may_wait():
    with pytest.raises(OptionError, match="--max_texts=9: must be at most --max_queue=8"):
        ServingOptions(max_texts=9, max_queue=8)


def test_pairs_are_labelled(pair_predictor):
    pairs = [
        {"text_a": "bomb", "text_b": "peace"},
        {"text_a": "peace", "text_b": "bomb"},
        {"text_a": "bomb", "text_b": " "},
    ]
    with app_of(pair_predictor) as client:
        answer = client.post("/v1/predict", json={"input": pairs})
        assert answer.status_code == 200
        results = [result["labels"] for result in answer.json()["results"]]
        assert [[entry["label"] for entry in labels] for labels in results] == [["A"], ["B"], []]
        for path in ("/v1/predict", "/v1/explain"):
            refused = client.post(path, json={"input": "bomb"})
            assert refused.status_code == 422
            assert "takes objects, not single texts" in refused.json()["error"]["message"]


def test_the_page_knows_whether_it_takes_pairs(pair_predictor):
    for predictor, number in ((ToyPredictor(), 1), (pair_predictor, 2)):
        with app_of(predictor) as client:
            (shown,) = re.findall('<body data-task="(.*)">', client.get("/").text)
            shown = json.loads(html.unescape(shown))
            assert len(shown["fields"]) == number and set(shown["fields"].values()) == {"text"}
            assert "labels" in shown["result"] and shown["explains"]


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({"Content-Encoding": "gzip"}, "neither compressed"),
        ({"Content-Type": "application/json; charset=gb18030"}, "JSON in UTF-8"),
    ],
)
def test_bodies_in_another_encoding_are_named(headers, words):
    with app_of(ToyPredictor()) as client:
        status, message = error_of(client.post("/v1/predict", content=b"{}", headers=headers))
        assert (status, words in message) == (415, True)
        kind = {"Content-Type": 'application/json; charset="UTF-8"'}
        body = b'{"input": "bomb"}'
        assert client.post("/v1/predict", content=body, headers=kind).status_code == 200


def test_other_names_and_pages():
    page = {"Origin": "https://example.org"}
    with app_of(ToyPredictor()) as client:
        for host in ("localhost:8000", "127.0.0.1", "[::1]:8000", "LOCALHOST"):
            assert client.get("/healthz", headers={"Host": host}).status_code == 200
        status, message = error_of(client.get("/healthz", headers={"Host": "rebound.example"}))
        assert (status, "--allowed_hosts" in message) == (400, True)
        assert "access-control-allow-origin" not in client.get("/healthz", headers=page).headers
        assert client.head("/healthz").status_code == 200
    origins = ["https://example.org"]
    with app_of(ToyPredictor(), host="0.0.0.0", cors_origins=origins) as client:
        answer = client.get("/healthz", headers={"Host": "any.example", **page})
        assert answer.headers["access-control-allow-origin"] == "https://example.org"
    with app_of(ToyPredictor(), allowed_hosts=["labels.example"]) as client:
        assert client.get("/healthz", headers={"Host": "labels.example"}).status_code == 200
        assert client.get("/healthz", headers={"Host": "localhost"}).status_code == 400


def test_one_error_of_many_unknown_keys():
    body = {f"key{number}": 0 for number in range(10_000)}
    with app_of(ToyPredictor()) as client:
        answer = client.post("/v1/predict", json={"input": "bomb", **body})
        assert error_of(answer) == (422, "Extra inputs are not permitted")
        assert answer.json()["error"]["where"] == "key0"


def test_a_request_that_takes_too_long_and_a_thread_that_is_left_behind():
    predictor, hold = ToyPredictor(), threading.Event()
    predictor.encode = lambda records: hold.wait(60)
    with app_of(predictor, request_timeout=0.2) as client:
        answer = client.post("/v1/predict", json={"input": "bomb"})
        assert error_of(answer) == (503, "the request took longer than 0.2 s")
        assert client.get("/healthz").status_code == 200
        # What waits behind it is not done: nobody asks for it any more.
        assert client.post("/v1/predict", json={"input": "bomb"}).status_code == 503
    assert client.app.state.idle is False
    hold.set()
    assert predictor.rows == []


def test_the_queue_is_asked_before_anything_is_encoded():
    predictor = ToyPredictor()
    predictor.encode = lambda records: pytest.fail("it was encoded")
    with app_of(predictor) as client:
        client.app.state.batcher._max_queue = 1
        assert client.post("/v1/predict", json={"input": ["bomb", "peace"]}).status_code == 503
