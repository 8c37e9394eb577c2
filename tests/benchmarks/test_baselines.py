import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from benchmarks.baselines import FastText, logistic_regression, svm, word_vectors
from benchmarks.data_sets import read_splits

FEATURES = {"token_pattern": r"\S+"}
TEXTS = ["a b", "a c", "b c d", "d d a", "c b", "d a a"]
TARGETS = np.array([[1, 0, 0], [1, 0, 0], [0, 0, 1], [1, 0, 1], [0, 0, 0], [1, 0, 1]])


def test_a_label_without_documents_is_never_predicted():
    model = svm(TEXTS, TARGETS, FEATURES, {"C": 10.0})
    scores = model.scores(TEXTS)
    np.testing.assert_array_equal(scores[:, 1], 0)
    np.testing.assert_array_equal(scores[:, [0, 2]] > 0.5, TARGETS[:, [0, 2]] > 0)
    assert model.parameters() == 2 * (4 + 1)


def test_scores_are_the_probabilities_of_logistic_regression():
    model = logistic_regression(TEXTS, TARGETS, FEATURES, {"C": 3.0})
    matrix = model._vectorizer.transform(TEXTS)
    one = LogisticRegression(solver="liblinear", C=3.0).fit(matrix, TARGETS[:, 2])
    np.testing.assert_allclose(model.scores(TEXTS)[:, 2], one.predict_proba(matrix)[:, 1])


def test_splits_share_the_label_list(tmp_path):
    lines = {
        "train": "a b __label__x __label__y\nc __label__y\n",
        "valid": "a __label__z __label__x\n",
        "test": "b __label__y\n",
    }
    files = {split: tmp_path / f"{split}.txt" for split in lines}
    for split, path in files.items():
        path.write_text(lines[split], encoding="utf-8")
    splits = read_splits(files)
    # y twice in train, x once, then what only valid has.
    assert splits["train"].targets.tolist() == [[1, 1, 0], [1, 0, 0]]
    assert splits["valid"].targets.tolist() == [[0, 1, 1]]
    assert splits["test"].targets.tolist() == [[1, 0, 0]]
    assert splits["valid"].texts == ["a"]
    assert splits["train"].targets.dtype == np.int64


def test_fasttext_with_vectors_of_its_own(tmp_path):
    pytest.importorskip("fasttext", reason='a baseline: pip install ".[benchmarks]"')
    vectors = tmp_path / "vectors.vec"
    word_vectors(TEXTS, vectors)
    head, *words = vectors.read_text(encoding="utf-8").splitlines()
    assert head == f"{len(words)} 128"
    trial = {"lr": 0.5, "epoch": 200, "minCount": 1}
    for path in ("", str(vectors)):
        model = FastText(TEXTS, TARGETS, path, trial, seed=1)
        scores = model.scores(TEXTS)
        np.testing.assert_array_equal(scores[:, [0, 2]] > 0.5, TARGETS[:, [0, 2]] > 0)
        assert not scores[:, 1].any()
