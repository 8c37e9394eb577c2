"""Perplexity, [MASK] and continuation, against the objectives' own losses and full passes."""

import json
import math

import keras
import numpy as np
import pytest

from common.errors import CheckpointError, InputError, OptionError
from data_util.inputs import documents_to_inputs
from data_util.tokens.tokenizers import make_tokenizer
from data_util.tokens.vocabulary import RESERVED, Vocabulary
from models.backbones.base import make_backbone
from models.build import build
from models.generation.settings import GenerationSettings
from models.presets import backbone_config
from models.pretraining_model import PretrainingModel
from tasks.data import TextEncoder
from training.candidate_tokens import read_candidates
from training.language_model import TextModel
from training.language_model_run import run_language_model
from training.options.language_model import LanguageModelOptions

VOCABULARY = Vocabulary([*RESERVED, *"甲乙丙天地人"])
TEXT = "甲天地乙人丙?天"  # "?" is unknown


def text_model(objective, seed=1, backbone="text_cnn", **own):
    keras.utils.set_random_seed(seed)
    sizes = {"d_model": 16, "num_heads": 2, "max_position": 12, **(own or {"num_filters": 8})}
    config = backbone_config(backbone, "tiny", len(VOCABULARY), initializer_range=0.5, **sizes)
    model = build(PretrainingModel(make_backbone(config), [objective]))
    return TextModel(model, TextEncoder(make_tokenizer("char"), VOCABULARY, 12), "here", 3)


@pytest.fixture(scope="module")
def causal():
    return text_model("causal_lm")


@pytest.fixture(scope="module")
def masked():
    return text_model("masked_lm")


def ids_of(model, text):
    return model.text.encode([text])[0]


def batch(model, ids):
    return documents_to_inputs([ids], VOCABULARY, model.text.sequence_length)


def logits(model, inputs, visibility):
    head = model._model.heads[0]
    outputs = model._model.backbone(inputs, visibility=visibility)["sequence_output"]
    return np.array(head(outputs, token_embedding=model._model.backbone.token_embedding))[0]


def log_softmax(values):
    return values - np.log(np.exp(values).sum(axis=-1, keepdims=True))


def test_perplexity_is_that_of_pre_training(causal):
    ids = ids_of(causal, TEXT)
    inputs = batch(causal, ids)
    next_ids, weights = np.zeros((1, 12), np.int32), np.zeros((1, 12), np.float32)
    next_ids[0, : len(ids)] = ids
    weights[0, : len(ids)] = ids != VOCABULARY.unk_id
    model = causal._model
    model.compile(run_eagerly=True)
    given = {**inputs, "next_ids": next_ids, "next_weights": weights}
    loss = model.test_on_batch(given, return_dict=True)["causal_lm_loss"]
    score = causal.score(TEXT)
    assert (score.tokens, score.unknown, score.characters) == (7, 1, 8)
    assert score.nats / score.tokens == pytest.approx(float(loss), rel=1e-5)
    found = score.to_dict()
    assert found["perplexity"] == pytest.approx(math.exp(loss), rel=1e-4)
    assert found["bits_per_character"] == pytest.approx(7 * loss / math.log(2) / 8, abs=1e-4)


def test_a_prefix_is_seen_both_ways():
    model = text_model("prefix_lm", backbone="transformer", num_layers=1)

    def scores(ids, prefix):
        """The probabilities of the next token, where the segments begin after so many tokens."""
        inputs = batch(model, np.array(ids, np.int32))
        after = np.arange(12)[None] > prefix
        inputs["segment_ids"] = (after & inputs["padding_mask"]).astype(np.int32)
        return log_softmax(logits(model, inputs, "prefix"))

    # Of a text that is scored only [CLS] is the prefix.
    ids = ids_of(model, TEXT)
    known = np.flatnonzero(ids != VOCABULARY.unk_id)
    expected = -scores(ids, 0)[known, ids[known]].sum()
    assert model.score(TEXT).nats == pytest.approx(expected, rel=1e-4)
    assert abs(expected - -scores(ids, len(ids))[known, ids[known]].sum()) > 0.01
    # Of a text that is continued all that was given.
    found = model.write_on("甲天", GenerationSettings(max_length=4))
    written, total = [5, 8], 0.0
    for _ in range(4):
        last = scores(written, 2)[len(written)]
        total += last[5:].max()
        written.append(int(last[5:].argmax()) + 5)
    assert found["continuation"] == "".join(VOCABULARY.tokens[one] for one in written[2:])
    assert found["score"] == pytest.approx(total / 4, abs=1e-4)


def test_each_token_is_masked_in_turn(masked):
    ids, total = ids_of(masked, TEXT), 0.0
    for place in np.flatnonzero(ids != VOCABULARY.unk_id):
        hidden = ids.copy()
        hidden[place] = VOCABULARY.mask_id
        scores = log_softmax(logits(masked, batch(masked, hidden), "both"))
        total -= scores[place + 1, ids[place]]
    assert masked.score(TEXT).nats == pytest.approx(total, rel=1e-5)


def test_long_and_empty_texts(causal):
    whole = causal.score(TEXT * 2)  # 16 tokens, in parts of 10
    parts = causal.score((TEXT * 2)[:10]) + causal.score((TEXT * 2)[10:])
    assert whole.nats == pytest.approx(parts.nats, rel=1e-6) and whole.tokens == 14
    assert causal.score("").to_dict()["perplexity"] is None
    assert causal.score("?").to_dict()["bits_per_character"] is None


def test_masks_are_filled(masked):
    found = masked.fill("甲[MASK]地[MASK]", top_k=3)
    hidden = np.array([5, VOCABULARY.mask_id, 9, VOCABULARY.mask_id], np.int32)
    scores = logits(masked, batch(masked, hidden), "both")
    scores[:, VOCABULARY.reserved_ids] = -np.inf
    for place, entries in zip((2, 4), found["masks"], strict=True):
        probabilities = np.exp(log_softmax(scores[place]))
        best = np.argsort(-probabilities)[:3]
        assert [each["token"] for each in entries] == [VOCABULARY.tokens[one] for one in best]
        assert entries[0]["probability"] == pytest.approx(probabilities[best[0]], abs=1e-5)
    first, second = (entries[0]["token"] for entries in found["masks"])
    assert found["text"] == f"甲{first}地{second}"
    with pytest.raises(InputError, match=r"no \[MASK\]"):
        masked.fill("no mask")


def test_only_candidates_are_given(masked):
    given = VOCABULARY.encode("乙地人")
    (entries,) = masked.fill("甲天[MASK]", 10, given)["masks"]
    (of_all,) = masked.fill("甲天[MASK]", 10)["masks"]
    assert len(of_all) == 6 and sum(each["probability"] for each in of_all) == pytest.approx(1)
    expected = [each for each in of_all if each["token"] in "乙地人"]
    assert [each["token"] for each in entries] == [each["token"] for each in expected]
    share = sum(each["probability"] for each in expected)
    for mine, other in zip(entries, expected, strict=True):
        assert mine["probability"] == pytest.approx(other["probability"] / share, abs=1e-5)
    (unseen,) = masked.fill("甲天[MASK]", 10, exclude_seen=True)["masks"]
    assert {each["token"] for each in unseen} == set("乙丙地人")
    with pytest.raises(InputError, match="no token is left"):
        masked.fill("甲乙[MASK]", 10, VOCABULARY.encode("甲乙"), exclude_seen=True)


def test_a_long_text_is_read_where_its_masks_are(masked):
    text = "乙丙天地人甲天地[MASK]"  # 9 tokens, and room for 10
    assert masked.fill("甲人" + text)["masks"] == masked.fill("人" + text)["masks"]
    # At both ends, farther from each other than a sequence is long.
    begin = "[MASK]" + "乙丙天地人甲天地甲"
    both = masked.fill(f"{begin}人人{text}")
    for found, alone in zip(both["masks"], (begin, "人" + text), strict=True):
        (expected,) = masked.fill(alone)["masks"]
        assert [each["token"] for each in found] == [each["token"] for each in expected]
        for one, other in zip(found, expected, strict=True):
            assert one["probability"] == pytest.approx(other["probability"], abs=2e-6)
    # What is not read has been seen all the same.
    (entries,) = masked.fill("人" + "甲天" * 6 + "[MASK]", 9, exclude_seen=True)["masks"]
    assert {each["token"] for each in entries} == set("乙丙地")


def test_a_file_of_candidates(masked, tmp_path, caplog):
    path = tmp_path / "items.txt"

    def read(text):
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_candidates(str(path), masked.text)

    assert read("乙\r\n\n 甲\n乙\n").tolist() == [5, 6]
    assert not caplog.text
    assert read("乙\n丁\n戊\n").tolist() == [6]
    assert "items.txt:2: '丁' is not in the vocabulary" in caplog.text
    assert "(2 of 3 lines)" in caplog.text
    for text, wrong in {
        "乙\n甲乙\n": r"items\.txt:2: '甲乙' is 2 tokens",
        "丁\n": r"items\.txt:1: '丁' is not in the vocabulary",
        "\n[MASK]\n": r"items\.txt:2: .* is 6 tokens",
        "\n": r"items\.txt: no token",
        b"\xe4\n\xff": r"items\.txt:1: not UTF-8",
    }.items():
        with pytest.raises(InputError, match=wrong):
            read(text)


def test_a_text_is_continued(causal):
    settings = GenerationSettings(max_length=5)
    found = causal.write_on("甲天", settings)
    ids, total = [5, 8], 0.0
    for _ in range(5):
        scores = log_softmax(logits(causal, batch(causal, np.array(ids, np.int32)), "left"))[
            len(ids)
        ]
        total += scores[5:].max()
        ids.append(int(scores[5:].argmax()) + 5)
    assert found["continuation"] == "".join(VOCABULARY.tokens[one] for one in ids[2:])
    assert found["text"] == "甲天" + found["continuation"]
    assert found["score"] == pytest.approx(total / 5, abs=1e-5)
    # Of 12 positions, [CLS] and the text leave 9.
    assert len(causal.write_on("甲天", GenerationSettings(max_length=50))["continuation"]) == 9
    drawn = GenerationSettings(max_length=6, sample=True)
    one, same, other = (causal.write_on("甲", drawn, 1, number) for number in (1, 1, 2))
    assert one == same != other
    # Of a text that is too long the end is read: 6 tokens, if 5 more are to be written.
    long = causal.write_on("乙丙人人" + "甲天" * 4, settings)
    assert long["continuation"] == causal.write_on("甲天" * 3, settings)["continuation"]
    assert long["text"].startswith("乙丙人人")


def test_what_a_checkpoint_cannot_do(causal, masked):
    with pytest.raises(CheckpointError, match="objectives=masked_lm"):
        causal.fill("[MASK]")
    with pytest.raises(CheckpointError, match="objectives=causal_lm"):
        masked.write_on("甲", GenerationSettings(max_length=2))
    with pytest.raises(CheckpointError, match="predicts no tokens"):
        TextModel(object(), causal.text)


def test_the_command(causal, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(TextModel, "load", lambda folder, batch_size: causal)
    texts, output = tmp_path / "texts.txt", tmp_path / "out.jsonl"
    texts.write_text(f"{TEXT}\n\n甲天\n", encoding="utf-8")
    options = LanguageModelOptions(input=str(texts), output=str(output))
    caplog.set_level("INFO")
    assert run_language_model(options) == 3
    lines = list(map(json.loads, output.read_text(encoding="utf-8").splitlines()))
    assert lines[0] == causal.score(TEXT).to_dict() and lines[1]["perplexity"] is None
    assert "9 tokens, 1 unknown" in caplog.text
    options = options.replace(action="continue", max_length=2, output=str(tmp_path / "more.jsonl"))
    assert run_language_model(options) == 3
    with pytest.raises(CheckpointError):
        run_language_model(options.replace(action="fill"))


def test_the_command_fills_with_candidates(masked, tmp_path, monkeypatch):
    monkeypatch.setattr(TextModel, "load", lambda folder, batch_size: masked)
    texts, items = tmp_path / "texts.txt", tmp_path / "items.txt"
    texts.write_text("甲天[MASK]\n[MASK]\n", encoding="utf-8")
    items.write_text("甲\n乙\n地\n", encoding="utf-8")
    output = tmp_path / "out.jsonl"
    files = {"input": str(texts), "output": str(output), "candidates_file": str(items)}
    options = LanguageModelOptions(action="fill", exclude_seen=True, **files)
    assert run_language_model(options) == 2
    lines = list(map(json.loads, output.read_text(encoding="utf-8").splitlines()))
    given = [{each["token"] for each in line["masks"][0]} for line in lines]
    assert given == [set("乙地"), set("甲乙地")]
    with pytest.raises(OptionError, match="--candidates_file goes with --action=fill"):
        LanguageModelOptions(candidates_file=str(items))
