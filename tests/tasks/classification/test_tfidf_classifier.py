"""The linear classifier beside the network, against scikit-learn's own TF-IDF and SVM."""

from collections.abc import Callable
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import f1_score
from sklearn.svm import LinearSVC

from data_util.labelled.corpus import LabelledCorpus
from models.heads.bag_of_words import BagOfWords
from tasks.classification import linear_classifiers, tfidf_classifier

VOCABULARY, LABELS = 60, 4


def corpus(documents: int = 80, seed: int = 0) -> tuple[LabelledCorpus, np.ndarray]:
    """Documents of up to 30 tokens from 5 on; a label is there where its token is."""
    generator = np.random.default_rng(seed)
    lengths = generator.integers(1, 31, documents)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    ids = np.minimum(5 + generator.geometric(0.08, offsets[-1]), VOCABULARY - 1).astype(np.int32)
    targets = np.stack(
        [[8 + label in ids[a:b] for label in range(LABELS)] for a, b in pairwise(offsets)]
    )
    return LabelledCorpus(
        ids, offsets, np.zeros(0, np.int32), np.zeros(documents + 1, np.int64)
    ), targets


def texts(documents: LabelledCorpus, longest: int) -> list[str]:
    """The same documents, a word for each token, cut."""
    return [
        " ".join(f"w{id:02d}" for id in documents.tokens(number)[:longest])
        for number in range(len(documents))
    ]


@pytest.mark.parametrize("longest", [9, 30])
def test_tf_idf_is_that_of_scikit_learn(longest: int) -> None:
    documents, _ = corpus()
    matrix = tfidf_classifier.counts(documents, VOCABULARY, longest)
    idf = tfidf_classifier.inverse_document_frequencies(matrix)
    theirs = TfidfVectorizer(token_pattern=r"\S+", sublinear_tf=True, min_df=2)
    expected = theirs.fit_transform(texts(documents, longest)).toarray()
    columns = [int(name[1:]) for name in theirs.get_feature_names_out()]
    ours = tfidf_classifier.features(matrix, idf).toarray()
    # idf is smoothed by the number of documents alone, so what min_df leaves out changes nothing.
    np.testing.assert_allclose(ours[:, columns], expected, atol=1e-6)
    assert set(np.flatnonzero(ours.any(axis=0))) == set(columns)
    assert len(columns) < VOCABULARY


def test_the_layer_decides_as_scikit_learn_does() -> None:
    documents, targets = corpus()
    matrix = tfidf_classifier.counts(documents, VOCABULARY, 30)
    idf = tfidf_classifier.inverse_document_frequencies(matrix)
    weights = tfidf_classifier.features(matrix, idf)
    kernel, bias = linear_classifiers.fit(
        weights, targets, linear_classifiers.support_vector_machines, 2.0
    )
    vectors = TfidfVectorizer(token_pattern=r"\S+", sublinear_tf=True, min_df=2)
    expected = np.stack(
        [
            LinearSVC(C=2.0, random_state=0)
            .fit(vectors.fit_transform(texts(documents, 30)), targets[:, label])
            .decision_function(vectors.transform(texts(documents, 30)))
            for label in range(LABELS)
        ],
        axis=1,
    )
    layer = BagOfWords(VOCABULARY, LABELS)
    layer.build()
    layer.fill(idf, kernel, bias)
    ids, mask = np.zeros((len(documents), 33), np.int32), np.zeros((len(documents), 33), bool)
    for row in range(len(documents)):
        tokens = documents.tokens(row)
        # [CLS], the text, [SEP], and padding.
        ids[row, : len(tokens) + 2] = [2, *tokens, 3]
        mask[row, : len(tokens) + 2] = True
    got = np.asarray(layer.decisions(ids, mask))
    np.testing.assert_allclose(got, expected, atol=2e-3)
    np.testing.assert_allclose(got, tfidf_classifier.decisions(weights, kernel, bias), atol=1e-5)
    # What stands in the padding counts for nothing.
    ids[~mask] = 9
    np.testing.assert_allclose(np.asarray(layer.decisions(ids, mask)), got, atol=1e-6)


@pytest.mark.parametrize("good_one_first", [False, True])
def test_the_better_classifier_on_the_validation_documents_is_kept(
    good_one_first: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def useless(
        matrix: csr_matrix, targets: np.ndarray, strength: float
    ) -> linear_classifiers.Solution:
        return np.full((VOCABULARY, LABELS), strength), np.zeros(LABELS)

    solvers = [
        ("good", (linear_classifiers.ridge_regression, (0.5,))),
        ("useless", (useless, (1.0, 2.0))),
    ]
    monkeypatch.setattr(
        tfidf_classifier, "SOLVERS", dict(solvers if good_one_first else reversed(solvers))
    )
    layer = BagOfWords(VOCABULARY, LABELS)
    layer.build()
    words, targets = fitted(layer)
    words.choose_weights(np.zeros((60, LABELS), np.float32), f1_over(targets["valid"]))
    assert len(np.unique(np.asarray(layer.kernel))) > 2


def test_a_document_of_unknown_tokens_gets_the_bias() -> None:
    layer = BagOfWords(VOCABULARY, LABELS)
    layer.build()
    layer.fill(np.zeros(VOCABULARY), np.ones((VOCABULARY, LABELS)), np.arange(LABELS))
    got = layer.decisions(np.full((1, 5), 7, np.int32), np.ones((1, 5), bool))
    np.testing.assert_array_equal(np.asarray(got), [np.arange(LABELS)])


def test_an_empty_matrix_has_no_weights() -> None:
    empty = csr_matrix((3, VOCABULARY))
    assert tfidf_classifier.features(empty, np.ones(VOCABULARY, np.float32)).nnz == 0


def test_room() -> None:
    assert tfidf_classifier.is_feasible(30_000, 2_000)
    assert not tfidf_classifier.is_feasible(30_000, 100_000)


def fitted(layer: BagOfWords) -> tuple[tfidf_classifier.TfidfClassifier, dict[str, np.ndarray]]:
    """Beside a network whose logits the tests make up, and the targets of both splits."""
    (train, train_targets), (valid, valid_targets) = corpus(200, seed=1), corpus(60, seed=2)
    targets = {"train": train_targets, "valid": valid_targets}
    data = SimpleNamespace(
        corpora={"train": train, "valid": valid},
        targets=targets.__getitem__,
        text=SimpleNamespace(sequence_length=32),
    )
    return tfidf_classifier.TfidfClassifier(layer, data), targets


def f1_over(targets: np.ndarray) -> Callable[[np.ndarray], float]:
    return lambda logits: f1_score(targets, logits > 0, average="macro", zero_division=0)


def test_a_network_that_knows_nothing_leaves_the_say_to_the_words() -> None:
    layer = BagOfWords(VOCABULARY, LABELS)
    layer.build()
    words, targets = fitted(layer)
    nothing = np.full((60, LABELS), -1.5, np.float32)
    together, found = words.choose_weights(nothing, f1_over(targets["valid"]))
    assert float(layer.word_weight) == found["word_weight"] > 0
    assert found["network_f1"] == f1_over(targets["valid"])(nothing)
    assert f1_over(targets["valid"])(together) > 0.8
    np.testing.assert_allclose(
        together,
        float(layer.network_weight) * nothing
        + float(layer.offset)
        + float(layer.word_weight) * (np.asarray(words._decisions) + 1),
        rtol=1e-6,
    )


def test_a_network_that_knows_all_keeps_it() -> None:
    layer = BagOfWords(VOCABULARY, LABELS)
    layer.build()
    words, targets = fitted(layer)
    logits = np.where(targets["valid"], 1.0, -1.0).astype(np.float32)
    together, _ = words.choose_weights(logits, f1_over(targets["valid"]))
    np.testing.assert_array_equal(together, logits)
    assert float(layer.word_weight) == 0


def test_a_network_that_is_wrong_has_little_left_to_say() -> None:
    layer = BagOfWords(VOCABULARY, LABELS)
    layer.build()
    words, targets = fitted(layer)
    logits = np.where(targets["valid"], -9.0, 9.0).astype(np.float32)
    words.choose_weights(logits, f1_over(targets["valid"]))
    assert float(layer.network_weight) == min(network for network, _ in tfidf_classifier.WEIGHTS)


def test_a_run_that_goes_on_keeps_its_classifier() -> None:
    layer = BagOfWords(VOCABULARY, LABELS)
    layer.build()
    kernel = np.random.default_rng(0).normal(size=(VOCABULARY, LABELS)).astype(np.float32)
    layer.fill(np.ones(VOCABULARY), kernel, np.zeros(LABELS))
    words, targets = fitted(layer)
    words.choose_weights(np.zeros((60, LABELS), np.float32), f1_over(targets["valid"]))
    np.testing.assert_array_equal(np.asarray(layer.kernel), kernel)
