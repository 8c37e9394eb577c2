"""The parts of a text that speak for a label, on a toy model and on the tiny checkpoints."""

import numpy as np
import pytest

from data_util.tokens.sparse_rows import ngram_inputs
from models.checkpoints.folder import read_checkpoint
from tasks.loading import load_task_model
from tests.serving.toy_app import ToyPredictor, app_of
from training.prediction import Predictor

NEUTRAL = "今天天气很好 大家 一起 去 公园"

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
