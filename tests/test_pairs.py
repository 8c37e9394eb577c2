"""Pairs of texts through the scripts' functions: pre-training, fine-tuning, prediction."""

import json

import h5py
import numpy as np
import pytest

from common.errors import CheckpointError, InputError, OptionError
from data_util.tokens.sparse_rows import ngram_inputs
from models.checkpoints.folder import read_checkpoint
from models.checkpoints.weights import load_model
from tasks.loading import load_task_model
from tests.pair_runs import WORDS
from training import fine_tuning
from training.options.scripts import FineTuningOptions, PredictionOptions
from training.prediction import Predictor, predict


def test_pre_training_reads_a_pair_as_two_sentences_without_tab_and_label(
    pretrained_on_pairs, pairs
):
    vocabulary = read_checkpoint(pairs.folder / "lm").text("vocab.txt").split()
    assert set(vocabulary[5:]) == {*WORDS, "天", "地", "人"}
    (cache,) = (pairs.folder / "data" / "cache").glob("pretraining-*.h5")
    with h5py.File(cache) as file:
        assert set(np.diff(file["document_offsets"])) == {2}
        assert set(np.diff(file["sentence_offsets"])) == {4}
    history = json.loads((pairs.folder / "lm" / "metrics.json").read_text())["history"]
    assert "next_sentence_accuracy" in history[0]["valid"]


def test_the_checkpoint_says_what_it_takes(fine_tuned_on_pairs, tiny, run_of):
    assert read_checkpoint(fine_tuned_on_pairs).config["pairs"] is True
    assert read_checkpoint(fine_tuned_on_pairs).config["head"] == "alignment"
    assert read_checkpoint(run_of().fine_tuned).config["pairs"] is False
    assert read_checkpoint(run_of().fine_tuned).config["head"] == "max_pooled"


def test_probabilities_are_the_models_one_pair_at_a_time(fine_tuned_on_pairs):
    classifier, model = (
        Predictor(fine_tuned_on_pairs),
        load_task_model(read_checkpoint(fine_tuned_on_pairs))[1],
    )
    texts = [("甲天", "乙"), ("乙", "甲天"), ("丙" * 20, "丁地人"), ("戊", "己" * 20)]
    kept = [(2, 1), (1, 2), (10, 3), (1, 12)]  # of 16 - 3 places, the longer cut first
    expected = []
    for (a, b), (first, second) in zip(texts, kept, strict=True):
        features = classifier.task.ngrams.features(list(a[:first]), list(b[:second]))
        a, b = (classifier.text.vocabulary.encode(list(text)) for text in (a[:first], b[:second]))
        ids = np.array([[2, *a, 3, *b, 3]], np.int32)
        segments = np.array([[0] * (first + 2) + [1] * (second + 1)], np.int32)
        inputs = {"token_ids": ids, "segment_ids": segments, "padding_mask": ids > 0}
        inputs |= ngram_inputs([features])
        logits = np.asarray(model(inputs), "float64")[0]
        expected.append(np.exp(logits) / np.exp(logits).sum())
    for batch_size in (1, 64):
        found = classifier.probabilities(texts, batch_size)
        np.testing.assert_allclose(found, expected, atol=1e-5)


def predicted(folder, content, tmp_path):
    (tmp_path / "in.txt").write_text(content, "utf-8")
    options = PredictionOptions(
        ckpt_dir=str(folder),
        input=str(tmp_path / "in.txt"),
        output=str(tmp_path / "out.jsonl"),
        top_k=2,
    )
    predict(options)
    return [json.loads(line) for line in (tmp_path / "out.jsonl").open(encoding="utf-8")]


def test_predict_reads_lines_and_records(fine_tuned_on_pairs, tmp_path):
    lines = predicted(fine_tuned_on_pairs, "甲天\t乙地\n\n丙\t丙 __label__same\n", tmp_path)
    assert lines[1] == {"labels": []}
    records = [{"text_a": "甲天", "text_b": "乙地"}, {"text_a": "丙", "text_b": "丙"}]
    content = "".join(f"{json.dumps(record)}\n" for record in records)
    assert predicted(fine_tuned_on_pairs, content, tmp_path) == [lines[0], lines[2]]
    assert {entry["label"] for entry in lines[0]["top"]} == {"same", "different"}


def test_predict_says_that_the_input_is_of_the_wrong_kind(fine_tuned_on_pairs, run_of, tmp_path):
    with pytest.raises(InputError, match=r"in\.txt:2: a single text, but the classifier reads p"):
        predicted(fine_tuned_on_pairs, "甲\t乙\n甲 乙\n", tmp_path)
    with pytest.raises(InputError, match=r"in\.txt:1: a pair of texts, but the classifier reads s"):
        predicted(run_of().fine_tuned, '{"text_a": "甲", "text_b": "乙"}\n', tmp_path)
    with pytest.raises(ValueError, match="each record must consist of text_a, text_b"):
        Predictor(fine_tuned_on_pairs).probabilities(["甲"])
    with pytest.raises(ValueError, match="each record must consist of text"):
        Predictor(run_of().fine_tuned).probabilities([("甲", "乙")])


def test_splits_of_different_kinds_are_an_error_that_names_both(pairs, tiny):
    options = pairs.options(test_data_file=[str(tiny.file("test"))])
    with pytest.raises(InputError) as caught:
        fine_tuning.prepare_data(options, None)
    message = str(caught.value)
    assert message.startswith(f"{tiny.file('test')}:1: a single text, but ")
    assert f"{pairs.folder / 'train.txt'} holds pairs" in message


def test_cut_pairs_are_counted_once(pairs, caplog):
    data = fine_tuning.prepare_data(pairs.options(sequence_length=10, tokenize_style="char"), None)
    cut = [message for message in caplog.messages if "are truncated" in message]
    assert cut == [
        "pairs longer than --sequence_length=10 are truncated: 200 of 200 in train, "
        "40 of 40 in valid, 40 of 40 in test"
    ]
    assert data.task.pairs
    with pytest.raises(OptionError, match=r"--sequence_length=4: two texts"):
        fine_tuning.prepare_data(pairs.options(sequence_length=4), None)


def test_a_run_starts_from_the_next_sentence_head(pairs, pretrained_on_pairs, caplog):
    options = pairs.options(ckpt_dir=pretrained_on_pairs, head="next_sentence")
    checkpoint = fine_tuning.open_checkpoint(options)
    data = fine_tuning.prepare_data(options, checkpoint)
    model, report = fine_tuning.build_model(options, data, checkpoint)
    source = load_model(checkpoint)
    head = next(head for head in source.heads if head.name == "next_sentence")
    batch = next(data.batches["train"].batches(0))[0]
    logits = head(source.backbone(batch)["pooled_output"])
    vector = model.head.document(
        {**model.backbone(batch), "segment_ids": batch["segment_ids"]}, None, False
    )
    np.testing.assert_allclose(vector[:, 16:], logits, atol=1e-5)
    assert report.share == 1
    assert model.backbone.pooling.trainable


def test_heads_that_do_not_fit(pairs, pretrained_on_pairs, tiny, eagerly):
    def build(**changes):
        options = pairs.options(**changes)
        checkpoint = fine_tuning.open_checkpoint(options)
        fine_tuning.build_model(options, fine_tuning.prepare_data(options, checkpoint), checkpoint)

    with pytest.raises(OptionError, match="name a checkpoint with --ckpt_dir"):
        build(ckpt_dir="", tokenize_style="char", head="next_sentence")
    options = FineTuningOptions(**tiny.fine_tuning(head="alignment", ckpt_dir=""))
    with pytest.raises(OptionError, match="--head=alignment is for pairs of texts"):
        fine_tuning.build_model(options, fine_tuning.prepare_data(options, None), None)
    without = pairs.pretraining("lm_without", objectives=["masked_lm"])
    with pytest.raises(CheckpointError, match="has no next_sentence head to start from"):
        build(ckpt_dir=without, head="next_sentence")
