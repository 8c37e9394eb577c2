"""What a checkpoint gives for texts, and checkpoints that give nothing."""

import shutil

import numpy as np
import pytest

from common.errors import CheckpointError, InputError
from data_util.tokens.sparse_rows import ngram_inputs
from models.checkpoints.folder import read_checkpoint
from tasks.loading import load_task_model
from tests.hostile_files import sign
from tests.language_models import write_language_model
from tests.training.conftest import TEXTS
from training.prediction import Predictor
from training.preparation.tokenizer import stored_tokenizer


def test_probabilities_are_the_models_one_text_at_a_time(run_of, predictor):
    _, model = load_task_model(read_checkpoint(run_of().fine_tuned))
    expected = []
    for text in TEXTS:
        # [CLS] text [SEP], cut to the 32 tokens of fine-tuning.
        tokens = predictor.text.tokenizer.tokenize(text)[:30]
        ids = np.array([2, *predictor.text.vocabulary.encode(tokens), 3], np.int32)[None]
        inputs = {
            "token_ids": ids,
            "segment_ids": np.zeros_like(ids),
            "padding_mask": np.ones_like(ids, bool),
            **ngram_inputs([predictor.task.ngrams.features(tokens)]),
        }
        expected.append(1 / (1 + np.exp(-np.asarray(model(inputs), "float64")[0])))
    for batch_size in (1, 2, 64):
        probabilities = predictor.probabilities(TEXTS, batch_size)
        assert probabilities.shape == (len(TEXTS), 3)
        np.testing.assert_allclose(probabilities, expected, atol=1e-5)


def test_no_texts(predictor):
    assert predictor.probabilities([]).shape == (0, 3)


def test_the_results_are_those_of_the_probabilities(predictor):
    results = predictor.predict(TEXTS, batch_size=2, top_k=3)
    for row, result in zip(predictor.probabilities(TEXTS), results, strict=True):
        assert set(result) == {"labels", "top"}
        found = {entry["label"]: entry["probability"] for entry in result["top"]}
        assert [found[label] for label in predictor.task.labels] == pytest.approx(row, abs=1e-5)


def test_threshold_instead_of_the_checkpoints_own(run_of, predictor):
    own = run_of().fine_tuning_metrics["thresholds"]
    np.testing.assert_array_equal(
        predictor.task.thresholds, [own[label] for label in predictor.task.labels]
    )
    other = Predictor(run_of().fine_tuned, threshold=0.0)
    assert all(len(result["labels"]) == 3 for result in other.predict(TEXTS))


def test_only_checkpoints_that_have_a_task(tmp_path):
    # No objective of it predicts tokens of a text.
    folder = write_language_model(tmp_path / "lm", "permutation_lm", "transformer")
    with pytest.raises(CheckpointError, match="only pre-trained"):
        Predictor(folder)


VOCABULARY_OF_NONE = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n"


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("labels.txt", lambda text: text + "杀人\n", r"4 labels, but the model has 3; it belongs"),
        ("labels.txt", lambda text: text[: text.index("\n") + 1], r"1 labels, but the model has 3"),
        ("labels.txt", lambda text: "", r"labels\.txt"),
        ("labels.txt", lambda text: text + text, r"labels\.txt:4: .*twice"),
        ("labels.txt", lambda text: text.replace("盗窃", "杀人"), r"thresholds must .*'杀人'"),
        (
            "vocab.txt",
            lambda text: text + "x1\n",
            r"tokens, but the model has only [0-9]+ embeddings; this is",
        ),
        (
            "vocab.txt",
            lambda text: VOCABULARY_OF_NONE,
            r"vocab\.txt: the vocabulary lacks \[MASK\]",
        ),
    ],
)
def test_labels_and_vocabulary_that_are_not_the_models(run_of, tmp_path, name, change, message):
    folder = tmp_path / "checkpoint"
    shutil.copytree(run_of().fine_tuned, folder, ignore=shutil.ignore_patterns("last", "logs"))
    path = folder / name
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(CheckpointError, match=rf"{name}: truncated or altered"):
        Predictor(folder)
    # Whoever can write it can write its digest.
    sign(folder)
    with pytest.raises((CheckpointError, InputError), match=message):
        Predictor(folder)
    if name == "vocab.txt":
        with pytest.raises((CheckpointError, InputError), match=message):
            stored_tokenizer(read_checkpoint(folder))
