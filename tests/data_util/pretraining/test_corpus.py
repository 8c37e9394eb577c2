from dataclasses import replace

import numpy as np
import pytest

from common.errors import InputError
from data_util.pretraining.corpus import PretrainingCorpus, split_documents
from tests.data_util.pretraining.corpora import make_corpus

DOCUMENTS = 120


@pytest.fixture(scope="module")
def corpus():
    return make_corpus([[3, 2]] * DOCUMENTS)


@pytest.mark.parametrize("fraction", [0.0, 0.02, 0.3, 1.0])
def test_no_document_is_in_both_parts(corpus, fraction) -> None:
    train, valid = split_documents(corpus, fraction, seed=1)
    assert len(valid) == min(max(round(fraction * DOCUMENTS), 1), DOCUMENTS - 1)
    assert sorted([*train, *valid]) == list(range(DOCUMENTS))
    assert np.all(np.diff(train) > 0) and np.all(np.diff(valid) > 0)


def test_the_split_is_drawn_from_the_seed(corpus) -> None:
    np.testing.assert_array_equal(
        split_documents(corpus, 0.3, 1)[1], split_documents(corpus, 0.3, 1)[1]
    )
    assert not np.array_equal(
        split_documents(corpus, 0.3, 1)[1], split_documents(corpus, 0.3, 2)[1]
    )


def test_one_document_cannot_be_split(corpus) -> None:
    single = PretrainingCorpus(corpus.ids, corpus.sentence_offsets, corpus.document_offsets[:2])
    with pytest.raises(InputError, match="--line_unit=sentence"):
        split_documents(single, 0.1, 1)


def test_how_frequent_labels_are_among_the_documents_that_name_any() -> None:
    corpus = make_corpus([[3]] * 4)
    assert corpus.naming == 0
    ids, offsets = np.array([0, 2, 2], np.int32), np.array([0, 2, 2, 3, 3])
    corpus = replace(corpus, labels=("a", "b", "c"), label_ids=ids, label_offsets=offsets)
    assert corpus.naming == 2
    assert corpus.label_frequencies(np.arange(4)).tolist() == [0.5, 0, 1]
    assert corpus.label_frequencies(np.array([1, 2])).tolist() == [0, 0, 1]
    assert corpus.label_frequencies(np.array([1, 3])).tolist() == [0, 0, 0]
