from dataclasses import replace

import numpy as np
import pytest

from data_util.pretraining.batches import PretrainingBatches
from data_util.pretraining.mentioned_labels import MentionedLabels
from data_util.registry import NOISES
from data_util.tokens.vocabulary import RESERVED, Vocabulary
from tests.data_util.pretraining.corpora import document_of, equal_documents

# Of four documents: two labels, none, one, none.
LABELS = {
    "labels": ("a", "b", "c"),
    "label_ids": np.array([0, 2, 1], np.int32),
    "label_offsets": np.array([0, 2, 2, 3, 3]),
}


def test_by_hand():
    corpus = replace(equal_documents(documents=4), **LABELS)
    first, second = np.array([0, 0, 1, 2, 3, 2]), np.array([0, 2, 1, 2, 2, 3])
    arrays = MentionedLabels(corpus).arrays(first, second)
    assert arrays["mention_weights"].tolist() == [1, 0, 0, 1, 0, 0]
    expected = [[1, 0, 1], [0, 0, 0], [0, 0, 0], [0, 1, 0], [0, 0, 0], [0, 0, 0]]
    assert arrays["mentioned_labels"].tolist() == expected
    assert {array.dtype for array in arrays.values()} == {np.dtype(np.float32)}


@pytest.mark.parametrize("rows", ["single", "pairs"])
def test_in_batches(rows):
    corpus = replace(equal_documents(documents=4), **LABELS)
    vocabulary = Vocabulary([*RESERVED, *(f"t{number}" for number in range(len(corpus.ids)))])
    corpus.ids[:] += len(RESERVED)
    noise = NOISES["none"](vocabulary)
    options = {"rows": rows, "noise": noise, "sequence_length": 40, "batch_size": 7, "seed": 1}
    with_labels, without = (
        PretrainingBatches(each, np.arange(4), vocabulary, **options)
        for each in (corpus, replace(equal_documents(documents=4), ids=corpus.ids))
    )
    seen = set()
    for batch, plain in zip(with_labels.batches(0), without.batches(0), strict=True):
        # What is known of the labels changes nothing else.
        assert batch.keys() - plain.keys() == {"mentioned_labels", "mention_weights"}
        for name, array in plain.items():
            np.testing.assert_array_equal(batch[name], array)
        for row, ids in enumerate(batch["token_ids"]):
            tokens = ids[ids >= len(RESERVED)] - len(RESERVED)
            documents = set(document_of(corpus, tokens).tolist())
            named = [{0, 2}, set(), {1}, set()][min(documents)] if len(documents) == 1 else set()
            assert set(np.flatnonzero(batch["mentioned_labels"][row])) == named
            assert batch["mention_weights"][row] == bool(named)
            seen.add((len(documents), bool(named)))
    assert {(1, True), (1, False)} <= seen
    assert ((2, False) in seen) == (rows == "pairs")
