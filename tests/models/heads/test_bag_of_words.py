"""The linear classifier of earlier versions' checkpoints, against scikit-learn."""

from itertools import pairwise

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from models.heads.bag_of_words import BagOfWords

VOCABULARY, LABELS = 60, 4


@pytest.fixture
def documents():
    """Token ids of 80 documents of up to 30 tokens."""
    generator = np.random.default_rng(0)
    offsets = np.cumsum([0, *generator.integers(1, 31, 80)])
    ids = np.minimum(5 + generator.geometric(0.08, offsets[-1]), VOCABULARY - 1)
    return [ids[first:last] for first, last in pairwise(offsets)]


def padded(documents):
    """[CLS], the text, [SEP], and padding."""
    ids, mask = np.zeros((len(documents), 33), np.int32), np.zeros((len(documents), 33), bool)
    for row, tokens in enumerate(documents):
        ids[row, : len(tokens) + 2] = [2, *tokens, 3]
        mask[row, : len(tokens) + 2] = True
    return ids, mask


def test_decisions_are_those_of_scikit_learns_features(documents):
    texts = [" ".join(f"w{id:02d}" for id in tokens) for tokens in documents]
    vectors = TfidfVectorizer(token_pattern=r"\S+", sublinear_tf=True, min_df=2)
    features = vectors.fit_transform(texts)
    columns = [int(name[1:]) for name in vectors.get_feature_names_out()]
    generator = np.random.default_rng(1)
    kernel = generator.normal(size=(VOCABULARY, LABELS)).astype(np.float32)
    bias = np.arange(LABELS, dtype=np.float32)
    idf = np.zeros(VOCABULARY, np.float32)
    idf[columns] = vectors.idf_
    layer = BagOfWords(VOCABULARY, LABELS)
    layer.build()
    layer.fill(idf, kernel, bias)
    ids, mask = padded(documents)
    found = np.asarray(layer.decisions(ids, mask))
    np.testing.assert_allclose(found, features @ kernel[columns] + bias, atol=1e-5)
    # What stands in the padding counts for nothing.
    ids[~mask] = 9
    np.testing.assert_allclose(np.asarray(layer.decisions(ids, mask)), found, atol=1e-6)
    # One share of both: network / 2 + 3 * (decision + 1) - 1.
    logits = generator.normal(size=found.shape).astype(np.float32)
    np.testing.assert_array_equal(np.asarray(layer(logits, ids, mask)), logits)
    layer.mix(0.5, 3.0, -1.0)
    np.testing.assert_allclose(
        np.asarray(layer(logits, ids, mask)), logits / 2 + 3 * (found + 1) - 1, atol=1e-5
    )


def test_a_document_of_unknown_tokens_gets_the_bias():
    layer = BagOfWords(VOCABULARY, LABELS)
    layer.build()
    layer.fill(np.zeros(VOCABULARY), np.ones((VOCABULARY, LABELS)), np.arange(LABELS))
    found = layer.decisions(np.full((1, 5), 7, np.int32), np.ones((1, 5), bool))
    np.testing.assert_array_equal(np.asarray(found), [np.arange(LABELS)])
