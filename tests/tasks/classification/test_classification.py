"""Results, records and thresholds of both classification tasks."""

import numpy as np
import pytest
from scipy.special import logit

from common.errors import OptionError
from data_util.reading.labels import LabelSet
from data_util.tokens.ngram_table import NgramTable
from data_util.tokens.tokenizers import make_tokenizer
from data_util.tokens.vocabulary import RESERVED, Vocabulary
from tasks.classification.task import MultiClass, MultiLabel
from tasks.data import TextEncoder
from train_bert_fine_tuning import fine_tune
from training.fine_tuning import prepare_data
from training.options.scripts import FineTuningOptions
from training.prediction import Predictor

LABELS = LabelSet(["A", "B", "C"])
TEXT = TextEncoder(make_tokenizer("space"), Vocabulary([*RESERVED, "a", "b"]), 16)


def results(task, probabilities, top_k=0):
    outputs = [logit(np.array([probabilities], np.float32))]
    return task.results([()], outputs, top_k)[0]


def test_results():
    task = MultiLabel(LABELS, threshold=0.5)
    assert results(task, [0.25, 0.75, 0.5]) == {
        "labels": [
            {"label": "B", "probability": 0.75, "above_threshold": True},
            {"label": "C", "probability": 0.5, "above_threshold": True},
        ]
    }
    # None reaches its threshold: the most probable one alone.
    found = results(task, [0.1, 0.2, 0.3], top_k=2)
    assert [entry["label"] for entry in found["labels"]] == ["C"]
    assert [entry["label"] for entry in found["top"]] == ["C", "B"]
    assert not any(entry["above_threshold"] for entry in found["labels"] + found["top"])
    assert len(results(task, [0.1, 0.2, 0.3], top_k=99)["top"]) == 3
    task.use_decision(0.2)
    assert len(results(task, [0.25, 0.75, 0.1])["labels"]) == 2
    assert task.results([], []) == []


def test_results_without_labels():
    task = MultiLabel(LABELS, threshold=0.5)
    task.use_decision(at_least_one=False)
    assert results(task, [0.1, 0.2, 0.3]) == {"labels": []}
    found = results(task, [0.1, 0.2, 0.6], top_k=2)
    assert [entry["label"] for entry in found["labels"]] == ["C"]
    assert [entry["above_threshold"] for entry in found["top"]] == [True, False]
    task.use_decision(at_least_one=True)
    assert [entry["label"] for entry in results(task, [0.1, 0.2, 0.3])["labels"]] == ["C"]
    assert task.config()["at_least_one"] is True


def test_exactly_one_label_is_never_none():
    task = MultiClass(LABELS)
    with pytest.raises(OptionError, match="exactly one label"):
        task.use_decision(at_least_one=False)
    (found,) = task.results([()], [np.log(np.array([[0.3, 0.3, 0.4]], np.float32))])
    assert found == {
        "labels": [{"label": "C", "probability": pytest.approx(0.4), "above_threshold": False}]
    }


def test_thresholds_of_a_file(tmp_path):
    """They replace those of the labels that it names, after `--threshold`."""
    path = tmp_path / "thresholds.tsv"
    path.write_text("C\t0.125\n\nA\t1\n")
    task = MultiLabel(LABELS, threshold=0.5)
    task.use_decision(threshold_file=str(path))
    assert task.thresholds.tolist() == [1, 0.5, 0.125]
    task.use_decision(0.25, str(path))
    assert task.thresholds.tolist() == [1, 0.25, 0.125]


@pytest.mark.parametrize("length", [0, 14, 15])
def test_tokens_that_are_read_of_a_text(length):
    assert MultiLabel(LABELS).read_lengths([length], TEXT) == [min(length, 14)]


def test_tokens_that_are_read_of_a_pair():
    task = MultiLabel(LABELS, pairs=True)
    assert task.read_lengths([20, 3], TEXT) == [10, 3]
    assert task.read_lengths([9, 9], TEXT) == [7, 6]
    assert task.read_lengths([0, 4], TEXT) == [0, 4]


def test_records():
    single, pairs = MultiLabel(LABELS), MultiLabel(LABELS, pairs=True)
    assert single.record({"text": "a"}) == "a"
    assert pairs.record({"text_a": "a", "text_b": "b"}) == ("a", "b")
    for task, values in ((single, {"text": "a"}), (pairs, {"text_a": "a", "text_b": "b"})):
        assert task.values(task.record(values)) == values
    assert single.is_empty(" \n") and not single.is_empty("a")
    assert pairs.is_empty(("a", " ")) and not pairs.is_empty(("a", "b"))


def test_a_result_as_a_row_of_a_table():
    def entries(*found):
        return [
            {"label": label, "probability": value, "above_threshold": value >= 0.7}
            for label, value in found
        ]

    task = MultiLabel(LabelSet(["A", "B", "C"]))
    result = {"labels": entries(("B", 0.8), ("A", 0.6)), "top": entries(("B", 0.8), ("A", 0.6))}
    assert task.columns() == ["label", "probability", "above_threshold", "labels"]
    assert task.cells(result) == ["B", 0.8, True, "B|A"]
    assert task.columns(2)[4:] == ["top_1", "probability_1", "top_2", "probability_2"]
    assert task.cells(result, 2)[4:] == ["B", 0.8, "A", 0.6]
    # There are only as many labels as there are.
    assert task.cells(result, 3)[8:] == [None, None]
    assert task.cells(task.empty_result(), 1) == [None] * 6


def test_inputs_of_pairs():
    task = MultiLabel(LABELS, pairs=True)
    encoded = task.encode([("a b", "b"), ("x", "a")], TEXT)
    inputs = task.inputs(encoded, TEXT)
    assert inputs["token_ids"][:, :6].tolist() == [[2, 5, 6, 3, 6, 3], [2, 1, 3, 5, 3, 0]]
    assert inputs["segment_ids"][:, :6].tolist() == [[0, 0, 0, 0, 1, 1], [0, 0, 0, 1, 1, 0]]
    assert inputs["example"].tolist() == [0, 1]


def test_inputs_with_ngrams():
    """Those of the tokens that the network reads, and no more."""
    table = NgramTable.build([["a", "b"], ["b", "c"], ["c"]], min_documents=1)
    task = MultiLabel(LABELS, ngrams=table)
    texts = ["a b", "x", " ".join(["b"] * 14 + ["c"])]
    encoded = task.encode(texts, TEXT)
    assert [one.tokens for (one,) in encoded] == [tuple(text.split()) for text in texts]
    inputs = task.inputs(encoded, TEXT)
    assert inputs["token_ids"][0, :4].tolist() == [2, 5, 6, 3]
    assert len(inputs["token_ids"][2]) == 16
    for row, tokens in enumerate([["a", "b"], [], ["b"] * 14]):
        ids, values = table.features(tokens)
        found = inputs["ngram_values"][row] > 0
        assert found.sum() == len(ids)
        np.testing.assert_array_equal(inputs["ngram_ids"][row, found], ids)
        np.testing.assert_array_equal(inputs["ngram_values"][row, found], values)
    # [CLS], seven tokens and [SEP].
    assert [len(one.tokens) for one in task.sample(9, TEXT)] == [7]


def test_without_ngrams_tokens_are_not_kept():
    task = MultiLabel(LABELS)
    assert task.encode(["a b"], TEXT)[0][0].tokens == ()
    assert "ngram_ids" not in task.inputs(task.encode(["a b"], TEXT), TEXT)


def test_what_a_checkpoint_has_of_ngrams():
    table = NgramTable.build([["a", "b"]], min_documents=1)
    task = MultiLabel(LABELS, ngrams=table)
    assert task.config()["num_ngrams"] == len(table) == 7
    assert task.texts()["ngrams.txt"] == task.serving_files()["ngrams.txt"] == table.to_text()
    assert "TF-IDF" in task.summary()
    without = MultiLabel(LABELS)
    assert without.config()["num_ngrams"] == 0
    assert set(without.texts()) == {"labels.txt"}
    assert "TF-IDF" not in without.summary()


@pytest.mark.usefixtures("eagerly")
def test_a_run_with_windows(tiny, run_of, tmp_path):
    folder = tmp_path / "save"
    values = {"ckpt_dir": str(run_of().pretrained), "ckpt_dir_save": str(folder), "num_epochs": 1}
    options = FineTuningOptions(**tiny.fine_tuning(sequence_length=12, windows=3, **values))
    fine_tune(options)
    predictor = Predictor(folder)
    assert predictor.task.config()["windows"] == 3
    # [CLS], ten tokens of each window, [SEP].
    assert predictor.text.sequence_length == 32
    assert predictor.model.window_length == 12
    long = "被告人盗窃手机一部。" * 9
    (result,) = predictor.predict([long])
    assert result["labels"]


def test_windows_are_of_single_texts(pairs, tmp_path):
    options = pairs.options(ckpt_dir="", ckpt_dir_save=str(tmp_path / "x"), windows=2)
    with pytest.raises(OptionError, match="--windows=2: it is for single texts, not for pairs"):
        prepare_data(options, None)
