"""Labelled files, and texts that only are likely to have labels, as the data of a run."""

import numpy as np
import pytest

from common.errors import OptionError
from data_util.labelled.corpus import LabelledCorpus
from data_util.tokens.ngram_table import NgramTable
from tasks.classification import data as module
from tasks.classification.class_weights import balanced_weights
from tests.tasks.examples import model_for
from training.fine_tuning import prepare_data
from training.options.scripts import FineTuningOptions

FILES = {
    "training_data_file": [
        "甲 乙 丙 __label__A",
        "甲 乙 __label__B __label__A",
        "乙 丁 丁 丁 丁 丁 丁 戊 __label__A",
    ],
    "valid_data_file": ["甲 丁 __label__B", "乙 __label__A"],
    "test_data_file": ["丙 __label__A"],
}
MORE = {
    "mention_source_file": ["甲 是 A 。", "没 有", "B 和 A", "丁 B"],
    "label_descriptions_file": ["B\t丙 丙", "C\t丁"],
}


@pytest.fixture
def data_of(tmp_path):
    """The data of these files."""

    def make(more=None, **changes):
        values = {
            "data_path": str(tmp_path / "data"),
            "process_num": 1,
            "tokenize_style": "space",
            "min_count": 1,
            "sequence_length": 8,
            "batch_size": 4,
        }
        for name, lines in (FILES | (more or {})).items():
            path = tmp_path / f"{name}.txt"
            path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
            values[name] = [str(path)]
        return prepare_data(FineTuningOptions(**(values | changes)), None)

    return make


def test_words_are_found_where_the_network_reads_characters(data_of):
    files = {"training_data_file": ["盗窃手机 __label__A", "盗窃汽车 __label__B"]}
    table = data_of(files, tokenize_style="char").table
    assert table.segmented
    assert {"盗窃", "手机", "汽车"} <= set(table.ngrams[0])
    assert not data_of(tokenize_style="space").table.segmented


def test_ngrams_are_of_what_the_network_reads_of_the_training_texts(data_of):
    data = data_of()
    files = {"train": "training_data_file", "valid": "valid_data_file", "test": "test_data_file"}
    texts = {
        split: [line.split(" __label__")[0].split()[:6] for line in FILES[file]]
        for split, file in files.items()
    }
    table = NgramTable.build(texts["train"], min_documents=1)
    assert "戊" not in table.ngrams[0]
    assert data.task.ngrams.to_text() == table.to_text()
    assert set(data.ngrams) == {"train", "valid", "test"}
    assert data.table is data.task.ngrams
    for split, tokens in texts.items():
        for number, of_text in enumerate(tokens):
            for ours, theirs in zip(
                data.ngrams[split].row(number), table.features(of_text), strict=True
            ):
                np.testing.assert_array_equal(ours, theirs)
    # Training does without, and validation has those of its texts.
    inputs, _ = next(data.batches["train"].batches(0))
    assert "ngram_ids" not in inputs and "example_weights" not in inputs
    inputs, _ = next(data.batches["valid"].batches(0))
    for row, number in enumerate(inputs["example"]):
        ids, _ = data.ngrams["valid"].row(number)
        assert inputs["ngram_ids"][row, : len(ids)].tolist() == ids.tolist()


def test_no_ngrams_where_they_are_not_wanted(data_of):
    data = data_of(tfidf_classifier=False)
    assert data.ngrams is data.table is data.task.ngrams is None


def test_weighted_texts_are_trained_on_with_their_weights(data_of):
    data = data_of(MORE, mention_weight=0.25, description_weight=2.0)
    assert data.task.labels == ("A", "B")
    assert data.weights.tolist() == [0.25, 0.25, 0.25, 2.0]
    np.testing.assert_array_equal(data.targets("weighted"), [[1, 0], [1, 1], [0, 1], [0, 1]])
    assert data.label_counts().tolist() == [3.5, 1 + 0.25 + 0.25 + 2]
    assert len(data.ngrams["weighted"]) == 4
    assert set(data.batches) == {"train", "valid", "test"}
    assert (len(data.batches["train"]), len(data.batches["valid"])) == (7, 2)
    seen = {}
    for inputs, targets in data.batches["train"].batches(0):
        for row, number in enumerate(inputs["example"].tolist()):
            tokens = [data.text.vocabulary.tokens[id] for id in inputs["token_ids"][row]]
            seen[number] = (inputs["example_weights"][row], targets[row].tolist(), tokens[1:3])
    # Neither the vocabulary nor the n-grams are of these texts; names are hidden.
    assert seen[1] == (1, [1, 1], ["甲", "乙"])
    assert seen[3] == (0.25, [1, 0], ["甲", "[UNK]"])
    assert seen[6] == (2, [0, 1], ["丙", "丙"])
    assert data.task.ngrams.to_text() == data_of().task.ngrams.to_text()
    # Only labelled texts have a place in the labelled files.
    places = data.locate(np.array([6, 2, 3]))
    assert [place.rpartition("training_data_file.txt:")[2] for place in places] == ["3"]


def test_label_counts_of_labelled_texts_alone(data_of):
    assert data_of().label_counts().tolist() == [3, 1]


@pytest.mark.parametrize("task", ["multi_label", "multi_class"])
def test_the_loss_is_the_weighted_mean(data_of, task):
    """A text of weight 2 counts as two."""
    one_label = {"training_data_file": ["甲 乙 丙 __label__A", "丁 丁 __label__B"]}
    more = {"label_descriptions_file": ["B\t丙 丙"]}
    data = data_of(one_label | more, task=task, description_weight=2.0)
    model = model_for(data)
    inputs, targets = next(data.batches["train"].batches(0))
    assert sorted(inputs["example_weights"]) == [1, 1, 2]
    model.compile(optimizer="sgd", run_eagerly=True)
    model.optimizer.learning_rate.assign(0.0)
    found = model.train_on_batch(inputs, targets, return_dict=True)["loss"]
    logits = model(inputs, training=True)
    losses, weights = data.task.loss(inputs, targets, logits)
    assert len(np.unique(np.asarray(losses).round(4))) > 1
    expected = np.average(np.asarray(losses), weights=inputs["example_weights"])
    assert found == pytest.approx(expected, rel=1e-5)
    np.testing.assert_array_equal(weights, inputs["example_weights"])


def test_balanced_weights_are_trained_with(data_of):
    more = {"label_descriptions_file": ["B\t丙 丙"]}
    data = data_of(more, class_weights="balanced", description_weight=2.0)
    expected = balanced_weights(data.targets("train"))
    np.testing.assert_array_equal(data.train_weights, expected)
    assert len(set(expected.tolist())) == 2
    (batch,) = data.batches["train"].batches(0)
    by_example = dict(zip(batch[0]["example"].tolist(), batch[0]["example_weights"], strict=True))
    assert [by_example[number] for number in range(4)] == pytest.approx([*expected, 2.0])
    inputs, _ = next(data.batches["valid"].batches(0))
    assert "example_weights" not in inputs
    assert data_of().train_weights is None


def test_options_of_the_decisions(data_of, tmp_path):
    (tmp_path / "thresholds.tsv").write_text("B\t0.75\n")
    task = data_of(threshold_file=str(tmp_path / "thresholds.tsv"), score="macro_f1").task
    np.testing.assert_array_equal(task.given_thresholds, [np.nan, 0.75])
    assert (task.score, task.at_least_one) == ("macro_f1", True)
    task = data_of(
        threshold=0.25, threshold_file=str(tmp_path / "thresholds.tsv"), at_least_one=False
    ).task
    assert task.given_thresholds.tolist() == task.thresholds.tolist() == [0.25, 0.75]
    assert task.at_least_one is False
    one_label = {name: ["甲 __label__A", "乙 __label__B"] for name in FILES}
    with pytest.raises(OptionError, match="--at_least_one=false: multi_class"):
        data_of(one_label, task="multi_class", at_least_one=False)


@pytest.mark.parametrize(
    ("option", "labels", "expected"),
    [(None, [1, 0, 2], False), (True, [0, 0, 1], True), (False, [1, 1], False), (None, [1], True)],
)
def test_results_may_be_empty_if_training_documents_have_no_label(option, labels, expected, caplog):
    offsets = np.cumsum([0, *labels])
    corpus = LabelledCorpus(
        ids=np.zeros(0, np.int32),
        offsets=np.zeros(len(offsets), np.int64),
        label_ids=np.zeros(sum(labels), np.int32),
        label_offsets=offsets,
    )
    caplog.set_level("INFO")
    assert module._at_least_one(option, corpus) is expected
    assert ("1 of 3 training examples have no label" in caplog.text) == (labels == [1, 0, 2])


def test_with_exactly_one_label_texts_with_several_are_no_examples(data_of):
    lines = {"training_data_file": ["甲 __label__A", "乙 __label__B"]}
    data = data_of(lines | MORE, task="multi_class")
    assert data.targets("weighted").sum(axis=1).tolist() == [1, 1, 1]


def test_options_are_checked(data_of, tmp_path):
    (tmp_path / "names.txt").write_text("A\n")
    with pytest.raises(OptionError, match="--mention_source_file"):
        data_of(label_names_file=str(tmp_path / "names.txt"))


@pytest.mark.parametrize("option", MORE)
def test_weighted_texts_are_not_for_pairs(data_of, option):
    pairs = {name: ["甲\t乙 __label__A", "乙\t丙 __label__B"] for name in FILES}
    with pytest.raises(OptionError, match=f"--{option} .*for single texts"):
        data_of(pairs | {option: MORE[option]})
