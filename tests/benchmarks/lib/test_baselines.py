import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from benchmarks.lib import baselines
from benchmarks.lib.baselines import FastText, logistic_regression, svm, word_vectors

TEXTS = ["a b", "a c", "b c d", "d d a", "c b", "d a a"]
TARGETS = np.array([[1, 0, 0], [1, 0, 0], [0, 0, 1], [1, 0, 1], [0, 0, 0], [1, 0, 1]])


@pytest.fixture(autouse=True)
def letters(monkeypatch):
    monkeypatch.setitem(baselines.FEATURES, "letters", {"token_pattern": r"\S+"})


def test_a_label_without_documents_is_never_predicted():
    model = svm(TEXTS, TARGETS, "letters", C=10.0)
    scores = model.scores(TEXTS)
    np.testing.assert_array_equal(scores[:, 1], 0)
    np.testing.assert_array_equal(scores[:, [0, 2]] > 0.5, TARGETS[:, [0, 2]] > 0)
    assert model.parameters() == 2 * (4 + 1)


def test_scores_are_the_probabilities_of_logistic_regression():
    model = logistic_regression(TEXTS, TARGETS, "letters", C=3.0)
    matrix = model._vectorizer.transform(TEXTS)
    one = LogisticRegression(solver="liblinear", C=3.0).fit(matrix, TARGETS[:, 2])
    np.testing.assert_allclose(model.scores(TEXTS)[:, 2], one.predict_proba(matrix)[:, 1])


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
