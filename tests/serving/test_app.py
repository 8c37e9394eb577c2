"""The addresses, in this process, on a toy model and on the tiny checkpoint."""

import asyncio
import html
import json
import re
import threading
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient

from common.errors import OptionError
from data_util.reading.labels import LabelSet
from data_util.tokens.sparse_rows import ngram_inputs
from data_util.tokens.tokenizers import make_tokenizer
from data_util.tokens.vocabulary import RESERVED, Vocabulary
from models.checkpoints.folder import Checkpoint, read_checkpoint
from serving.app import make_app
from serving.batching import MicroBatcher
from serving.options import ServingOptions
from serving.page.document import page_of
from serving.server import warm_up
from tasks.classification.task import MultiLabel
from tasks.data import TextEncoder
from tasks.loading import load_task_model
from tests.language_models import write_language_model
from training.prediction import Predictor

NEUTRAL = "今天天气很好 大家 一起 去 公园"


class ToyPredictor:
    """Label B if the text has "bomb" in it, label A if not."""

    def __init__(self, pairs=False):
        self.task = MultiLabel(LabelSet(["A", "B"]), pairs=pairs, threshold=0.5)
        vocabulary = Vocabulary([*RESERVED, "bomb", "peace"])
        self.checkpoint = Checkpoint(
            Path("toy"), {"test_mode": True, "backbone": {"backbone": "toy"}}, {}
        )
        self.metrics = {}
        # 30 tokens beside [CLS] and each [SEP].
        self.text = TextEncoder(make_tokenizer("space"), vocabulary, 33 if pairs else 32)
        self.rows = []

    def encode(self, records):
        return self.task.encode(records, self.text)

    def batch_outputs(self, encoded):
        self.rows.append(len(encoded))
        # Of a pair, the second text is what counts.
        counted = [row[-1].ids for row in encoded]
        bombs = np.array([float((ids == 5).sum()) - (ids == 6).sum() for ids in counted])
        return list(np.stack([2 - 4 * bombs, 4 * bombs - 2], axis=1).astype(np.float32)[:, None])


def app_of(predictor, **changes):
    app = make_app(predictor, ServingOptions(**changes))
    return TestClient(app, base_url="http://localhost", raise_server_exceptions=False)


# Of an alphabetic script, as a token that is covered.
NO_TOKEN = "\x01"


def covered(sequence, place, replacement):
    return [*sequence[:place], replacement, *sequence[place + 1 :]]


def explain(client, **body):
    answer = client.post("/v1/explain", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_explain_finds_the_planted_word():
    text = f"{NEUTRAL} 😀 bomb {NEUTRAL}"
    with app_of(ToyPredictor()) as client:
        answer = explain(client, input=text)
        assert answer["label"] == "B"
        assert answer["characters_read"] == len(text)
        marked = {text[part["start"] : part["end"]]: part["importance"] for part in answer["parts"]}
        assert marked.pop("bomb") == pytest.approx(4)
        assert set(marked.values()) == {0}
        # Of the other label, and where a word speaks against it.
        other = explain(client, input=text, label="A")
        assert {part["importance"] for part in other["parts"]} == {0, -4}
        against = explain(client, input="bomb peace", label="B")
        assert [part["importance"] for part in against["parts"]] == [4, -4]


def test_explain_covers_a_few_tokens_together_where_the_queue_is_short():
    predictor = ToyPredictor()
    text = " ".join(["x"] * 20 + ["bomb"] + ["x"] * 50)
    with app_of(predictor, max_queue=8, max_texts=8) as client:
        answer = explain(client, input=text)
    assert sum(predictor.rows) <= 8
    # What stands behind the 30th token is not read.
    assert answer["characters_read"] == len(" ".join(text.split()[:30]))
    strongest = max(answer["parts"], key=lambda part: part["importance"])
    assert "bomb" in text[strongest["start"] : strongest["end"]]


def test_explain_nothing():
    with app_of(ToyPredictor()) as client:
        assert explain(client, input=" \n")["parts"] == []


def test_explain_is_the_fall_of_the_real_models_log_odds(run_of):
    checkpoint = run_of().fine_tuned
    classifier, model = Predictor(checkpoint), load_task_model(read_checkpoint(checkpoint))[1]
    for each in (classifier.model, model):
        each.ngram_classifier.mix(1.0, 0.5, 0.0)  # validation may have chosen the network alone
    text = "被告人盗窃 手机。"
    with app_of(classifier) as client:
        answer = explain(client, input=text, label="盗窃")
    tokens = classifier.text.tokenizer.tokenize(text)
    assert [text[part["start"] : part["end"]] for part in answer["parts"]] == tokens

    def logit(ids, tokens):
        ids = np.array([[2, *ids, 3]], np.int32)
        inputs = {"token_ids": ids, "segment_ids": ids * 0, "padding_mask": ids >= 0}
        inputs |= ngram_inputs([classifier.task.ngrams.features(tokens)])
        return float(np.asarray(model(inputs))[0, classifier.task.label_set.ids(["盗窃"])[0]])

    ids = list(classifier.text.vocabulary.encode(tokens))
    whole = logit(ids, tokens)
    expected = [
        # [MASK] for the network, and what is in no n-gram.
        whole - logit(covered(ids, place, 4), covered(tokens, place, NO_TOKEN))
        for place in range(len(ids))
    ]
    found = [part["importance"] for part in answer["parts"]]
    np.testing.assert_allclose(found, expected, atol=1e-4)
    # The n-grams have their part in it.
    network = [whole - logit(covered(ids, place, 4), tokens) for place in range(len(ids))]
    assert np.abs(np.subtract(network, expected)).max() > 1e-3


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


@pytest.fixture
def pair_predictor():
    return ToyPredictor(pairs=True)


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


def importances(explained, text):
    return {text[part["start"] : part["end"]]: part["importance"] for part in explained["parts"]}


def test_both_texts_of_a_pair_are_explained(pair_predictor):
    a, b = f"{NEUTRAL} bomb", f"😀 bomb {NEUTRAL}"
    with app_of(pair_predictor) as client:
        answer = explain(client, input={"text_a": a, "text_b": b})
        assert set(answer) == {"label", "probability", "text_a", "text_b"}
        assert answer["label"] == "B"
        # The toy looks at the second text alone.
        assert set(importances(answer["text_a"], a).values()) == {0}
        marked = importances(answer["text_b"], b)
        assert marked.pop("bomb") == pytest.approx(4) and set(marked.values()) == {0}
        assert set(marked) == {"😀", *NEUTRAL.split()}
        read = [answer[name]["characters_read"] for name in ("text_a", "text_b")]
        assert read == [len(a), len(b)]
        other = explain(client, input={"text_a": a, "text_b": b}, label="A")
        assert importances(other["text_b"], b)["bomb"] == pytest.approx(-4)
        nothing = explain(client, input={"text_a": " ", "text_b": "bomb"})
        assert (nothing["text_a"]["parts"], nothing["text_a"]["characters_read"]) == ([], 0)
        assert len(nothing["text_b"]["parts"]) == 1
        blank = explain(client, input={"text_a": "", "text_b": "\n"})
        assert blank["text_a"] == blank["text_b"] == {"parts": [], "characters_read": 0}
        schema = client.get("/openapi.json").json()["paths"]["/v1/explain"]["post"]
        assert "ExplainAnswer" in str(schema["responses"]["200"])


def test_a_long_pair_is_cut_as_the_model_cuts_it_and_has_few_parts(pair_predictor):
    a, b = " ".join(["x"] * 100), " ".join(["y"] * 9 + ["bomb"])
    with app_of(pair_predictor, max_queue=8, max_texts=8) as client:
        answer = explain(client, input={"text_a": a, "text_b": b})
    assert sum(pair_predictor.rows) <= 8
    # Of 30 tokens the short text has its 10.
    assert answer["text_a"]["characters_read"] == len("x " * 20) - 1
    assert answer["text_b"]["characters_read"] == len(b)
    strongest = max(answer["text_b"]["parts"], key=lambda part: part["importance"])
    assert "bomb" in b[strongest["start"] : strongest["end"]]


def test_explain_is_the_fall_of_the_real_models_log_odds_for_a_pair(fine_tuned_on_pairs):
    classifier = Predictor(fine_tuned_on_pairs)
    model = load_task_model(read_checkpoint(fine_tuned_on_pairs))[1]
    a, b = "甲天地人" * 4, "甲 人"
    with app_of(classifier) as client:
        answer = explain(client, input={"text_a": a, "text_b": b}, label="same")
    kept = a[:11]  # of 16 - 3 places, the longer text cut first
    assert [answer[name]["characters_read"] for name in ("text_a", "text_b")] == [11, 3]
    ids_a, ids_b = (list(classifier.text.vocabulary.encode(list(text))) for text in (kept, "甲人"))

    def log_odds(place_a=None, place_b=None):
        first, second, tokens = ids_a, ids_b, [list(kept), list("甲人")]
        if place_a is not None:
            first = covered(first, place_a, 4)
            tokens[0] = covered(tokens[0], place_a, NO_TOKEN)
        if place_b is not None:
            second = covered(second, place_b, 4)
            tokens[1] = covered(tokens[1], place_b, NO_TOKEN)
        ids = np.array([[2, *first, 3, *second, 3]], np.int32)
        segments = np.array([[0] * (len(first) + 2) + [1] * (len(second) + 1)], np.int32)
        inputs = {"token_ids": ids, "segment_ids": segments, "padding_mask": ids > 0}
        inputs |= ngram_inputs([classifier.task.ngrams.features(*tokens)])
        same, other = np.asarray(model(inputs), "float64")[0][classifier.task.label_set.ids(LABELS)]
        return same - other

    expected_a = [log_odds() - log_odds(place_a=place) for place in range(11)]
    expected_b = [log_odds() - log_odds(place_b=place) for place in range(2)]
    for name, expected in (("text_a", expected_a), ("text_b", expected_b)):
        found = [part["importance"] for part in answer[name]["parts"]]
        np.testing.assert_allclose(found, expected, atol=1e-4)
    assert np.abs(expected_a).max() > 1e-3 and np.abs(expected_b).max() > 1e-3
    assert [(part["start"], part["end"]) for part in answer["text_b"]["parts"]] == [(0, 1), (2, 3)]


LABELS = ("same", "different")


def test_the_page_knows_whether_it_takes_pairs(pair_predictor):
    for predictor, number in ((ToyPredictor(), 1), (pair_predictor, 2)):
        with app_of(predictor) as client:
            (shown,) = re.findall('<body data-task="(.*)">', client.get("/").text)
            shown = json.loads(html.unescape(shown))
            assert len(shown["fields"]) == number and set(shown["fields"].values()) == {"text"}
            assert "labels" in shown["result"] and shown["explains"]


def error_of(answer):
    return answer.status_code, answer.json()["error"]["message"]


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
