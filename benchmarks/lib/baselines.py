"""Baselines for classification: TF-IDF with a linear model, and fastText.

Each is fitted to the training documents with the settings of a trial and then scores documents; a
higher score means that the label is more likely.
"""

import tempfile
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

import joblib
import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.svm import LinearSVC

from data_util.tokens.tokenizers import WordTokenizer

Trial = dict[str, Any]

# Threads of fastText, regardless of the number of cores: each of the first ten initializes a tenth
# of the vectors, and the next one the rest. With fewer threads, some vectors stay uninitialized
# memory: zeros, or values from which training diverges.
THREADS = 12


class Baseline(Protocol):
    """A classifier of texts."""

    def scores(self, texts: Sequence[str]) -> np.ndarray:
        """Scores documents: (documents, labels) float, 0 to 1."""

    def parameters(self) -> int:
        """The number of learned weights."""

    def bytes(self) -> int:
        """The size on disk."""


class LinearTfidf:
    """TF-IDF features and one linear classifier per label.

    Args:
        texts: the training documents.
        targets: (documents, labels) int64, 1 for the labels of a document.
        features: arguments of `TfidfVectorizer`.
        classifier: creates scikit-learn's classifier for one label.
    """

    def __init__(
        self,
        texts: Sequence[str],
        targets: np.ndarray,
        features: dict[str, Any],
        classifier: Callable[[], Any],
    ) -> None:
        self._vectorizer = TfidfVectorizer(**features)
        matrix = self._vectorizer.fit_transform(texts)
        # A label without training documents cannot be learned.
        self._learned = np.flatnonzero(targets.any(axis=0))
        self._labels = targets.shape[1]
        self._model = OneVsRestClassifier(classifier()).fit(matrix, targets[:, self._learned])

    def scores(self, texts: Sequence[str]) -> np.ndarray:
        """The sigmoid of the classifiers' decisions, (documents, labels)."""
        decisions = self._model.decision_function(self._vectorizer.transform(texts))
        scores = np.zeros((len(texts), self._labels))
        scores[:, self._learned] = 1 / (1 + np.exp(-decisions))
        return scores

    def parameters(self) -> int:
        """Weights and biases of all labels."""
        return len(self._learned) * (len(self._vectorizer.vocabulary_) + 1)

    def bytes(self) -> int:
        """The size of the vectorizer and the classifiers, as written by joblib."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.joblib"
            joblib.dump((self._vectorizer, self._model), path)
            return path.stat().st_size


class FastText:
    """fastText (Joulin et al. 2017) with a binary loss for each label.

    Args:
        tokenized: the training documents, as tokens joined by spaces.
        targets: (documents, labels) int64, 1 for the labels of a document.
        vectors: a file of initial word vectors, or "".
        trial: arguments of `fasttext.train_supervised`.
        seed: the seed of the training.
    """

    def __init__(
        self, tokenized: Sequence[str], targets: np.ndarray, vectors: str, trial: Trial, seed: int
    ) -> None:
        import fasttext

        lines = [
            " ".join([*(f"__label__{label}" for label in np.flatnonzero(row)), text])
            for text, row in zip(tokenized, targets, strict=True)
        ]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "train.txt"
            path.write_text("\n".join(lines) + "\n", encoding="utf-8")
            self._model = fasttext.train_supervised(
                str(path),
                dim=128,
                loss="ova",
                pretrainedVectors=vectors,
                thread=THREADS,
                seed=seed,
                verbose=0,
                **trial,
            )
        self._labels = targets.shape[1]

    def scores(self, texts: Sequence[str]) -> np.ndarray:
        """The probabilities, (documents, labels); `texts` are tokenized like the training texts."""
        scores = np.zeros((len(texts), self._labels))
        for row, text in enumerate(texts):
            for label, probability in zip(*self._model.predict(text, k=-1), strict=True):
                scores[row, int(label.removeprefix("__label__"))] = min(probability, 1.0)
        return scores

    def parameters(self) -> int:
        """Input and output vectors."""
        return self._model.get_input_matrix().size + self._model.get_output_matrix().size

    def bytes(self) -> int:
        """The size of fastText's own model file."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.bin"
            self._model.save_model(str(path))
            return path.stat().st_size


def word_vectors(tokenized: Sequence[str], target: Path) -> None:
    """Trains fastText's skip-gram vectors and writes them in word2vec's text format."""
    import fasttext

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "text.txt"
        path.write_text("\n".join(tokenized) + "\n", encoding="utf-8")
        model = fasttext.train_unsupervised(
            str(path),
            model="skipgram",
            dim=128,
            minCount=2,
            maxn=0,
            epoch=5,
            thread=THREADS,
            verbose=0,
        )
    words = model.get_words()
    with target.open("w", encoding="utf-8") as file:
        file.write(f"{len(words)} 128\n")
        for word in words:
            values = " ".join(f"{value:.5f}" for value in model.get_word_vector(word))
            file.write(f"{word} {values}\n")


def word_ngrams(text: str) -> list[str]:
    """The words of a Chinese text, and the pairs of them."""
    words = WordTokenizer().tokenize(text)
    return [*words, *map(" ".join, pairwise(words))]


# Arguments of scikit-learn's `TfidfVectorizer`.
FEATURES: dict[str, dict[str, Any]] = {
    "characters": {"analyzer": "char", "ngram_range": (1, 3), "min_df": 2, "sublinear_tf": True},
    "short_characters": {"analyzer": "char", "ngram_range": (1, 2), "sublinear_tf": True},
    "words": {"analyzer": word_ngrams, "sublinear_tf": True},
    "tokens": {
        "token_pattern": r"\w+|[^\w\s]",
        "ngram_range": (1, 2),
        "min_df": 2,
        "sublinear_tf": True,
    },
}
SVM_TRIALS: tuple[Trial, ...] = tuple({"C": c} for c in (0.1, 0.5, 1.0, 5.0, 20.0))
# The features are chosen as well.
TUNED_SVM_TRIALS: tuple[Trial, ...] = tuple(
    {"features": features, "C": c} for features in FEATURES for c in (0.1, 0.3, 1.0, 5.0)
)
REGRESSION_TRIALS: tuple[Trial, ...] = tuple({"C": c} for c in (1.0, 10.0, 50.0, 200.0))
FASTTEXT_TRIALS: tuple[Trial, ...] = tuple(
    {"lr": 0.5, "epoch": epoch, "wordNgrams": 2, "minCount": 2} for epoch in (10, 30, 100)
)


def svm(texts: Sequence[str], targets: np.ndarray, features: str, **settings: Any) -> LinearTfidf:
    """A linear support vector machine; `features` is a key of `FEATURES`."""
    return LinearTfidf(texts, targets, FEATURES[features], lambda: LinearSVC(**settings))


def logistic_regression(
    texts: Sequence[str], targets: np.ndarray, features: str, **settings: Any
) -> LinearTfidf:
    """Logistic regression; `features` is a key of `FEATURES`."""
    return LinearTfidf(
        texts,
        targets,
        FEATURES[features],
        lambda: LogisticRegression(solver="liblinear", **settings),
    )
