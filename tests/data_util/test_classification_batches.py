import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import InputError
from data_util.classification_data import (
    ClassificationBatches,
    LabelledCorpus,
    pack_documents,
    pack_pairs,
)
from data_util.vocabulary import RESERVED, Vocabulary

VOCABULARY = Vocabulary([*RESERVED, *(f"t{number}" for number in range(100))])
PAD, UNK, CLS, SEP, MASK = range(5)
LABELS = 7


def make_corpus(count=203, longest=60, seed=0):
    generator = np.random.default_rng(seed)
    documents = [
        generator.integers(5, 105, size).astype(np.int32)
        for size in generator.integers(0, longest + 1, count)
    ]
    labels = [
        generator.permutation(LABELS)[: generator.integers(1, 4)].astype(np.int32)
        for _ in range(count)
    ]

    def ragged(rows):
        offsets = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
        return np.concatenate(rows), offsets

    return LabelledCorpus(*ragged(documents), *ragged(labels)), documents, labels


def make_batches(corpus, **changes):
    options = {"sequence_length": 48, "batch_size": 16, "seed": 1, **changes}
    return ClassificationBatches(corpus, LABELS, VOCABULARY, **options)


@given(
    st.lists(st.lists(st.integers(5, 104), max_size=50), min_size=1, max_size=5),
    st.integers(3, 70),
)
def test_packing(documents, sequence_length) -> None:
    arrays = [np.array(document, np.int32) for document in documents]
    inputs = pack_documents(arrays, VOCABULARY, sequence_length)
    rows = [[CLS, *document[: sequence_length - 2], SEP] for document in documents]
    length = inputs["token_ids"].shape[1]
    longest = max(map(len, rows))
    assert longest <= length <= sequence_length and length < longest + 32
    assert length == sequence_length or length % 32 == 0
    assert inputs["token_ids"].tolist() == [row + [PAD] * (length - len(row)) for row in rows]
    assert inputs["padding_mask"].sum(1).tolist() == [len(row) for row in rows]
    np.testing.assert_array_equal(inputs["padding_mask"], inputs["token_ids"] != PAD)
    assert inputs["segment_ids"].shape == (len(rows), length) and not inputs["segment_ids"].any()
    assert [array.dtype.name for array in inputs.values()] == ["int32", "int32", "bool"]


def test_no_room_is_a_clear_error() -> None:
    with pytest.raises(InputError, match="--sequence_length"):
        pack_documents([np.array([5])], VOCABULARY, 2)


@pytest.mark.parametrize("shuffle", [True, False])
def test_every_document_once_with_its_labels(shuffle) -> None:
    corpus, documents, labels = make_corpus()
    batches = make_batches(corpus, shuffle=shuffle)
    seen = []
    for inputs, targets, indices in batches.batches(2):
        assert targets.dtype == np.float32 and targets.shape == (len(indices), LABELS)
        assert indices.dtype == np.int64
        for row, document in enumerate(indices):
            assert set(np.flatnonzero(targets[row])) == set(labels[document])
            assert targets[row].sum() == len(labels[document])
            ids = inputs["token_ids"][row][inputs["padding_mask"][row]]
            assert ids.tolist() == [CLS, *documents[document][:46], SEP]
        seen.append(indices)
    assert [len(indices) for indices in seen] == [16] * 12 + [11]
    assert batches.steps(2) == len(seen)
    assert sorted(np.concatenate(seen)) == list(range(203))


@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=1, max_size=60),
    st.integers(5, 70),
    st.integers(1, 20),
    st.booleans(),
    st.booleans(),
)
def test_every_document_once_for_any_lengths(lengths, sequence_length, size, shuffle, pairs):
    first, second = np.array(lengths).T
    offsets = np.concatenate([[0], np.cumsum(first + second)])
    labels = np.arange(len(lengths)) % LABELS
    corpus = LabelledCorpus(
        # Which document a token is of can be seen.
        np.repeat(5 + np.arange(len(lengths)), first + second).astype(np.int32),
        offsets,
        labels.astype(np.int32),
        np.arange(len(lengths) + 1),
        first if pairs else None,
    )
    batches = make_batches(
        corpus, sequence_length=sequence_length, batch_size=size, shuffle=shuffle
    )
    room = sequence_length - (3 if pairs else 2)
    for epoch in range(2):
        seen = []
        for inputs, targets, indices in batches.batches(epoch):
            assert inputs["token_ids"].shape[1] <= sequence_length
            for ids, target, document in zip(inputs["token_ids"], targets, indices, strict=True):
                assert np.flatnonzero(target).tolist() == [labels[document]]
                kept = ids[ids > 4]
                assert len(kept) == min(room, sum(lengths[document]))
                assert np.all(kept == 5 + document)
            seen += indices.tolist()
        assert sorted(seen) == list(range(len(lengths)))


def order(batches, epoch, first_step=0):
    return [indices.tolist() for _, _, indices in batches.batches(epoch, first_step)]


def test_the_order_is_a_function_of_seed_and_epoch() -> None:
    corpus, _, _ = make_corpus()
    first = order(make_batches(corpus), 0)
    assert order(make_batches(corpus), 0) == first
    assert order(make_batches(corpus), 1) != first
    assert order(make_batches(corpus, seed=2), 0) != first
    assert sorted(map(sorted, order(make_batches(corpus), 1))) != sorted(map(sorted, first))


def test_an_epoch_can_be_begun_at_any_step() -> None:
    corpus, _, _ = make_corpus()
    assert order(make_batches(corpus), 1, first_step=5) == order(make_batches(corpus), 1)[5:]


def test_evaluation_order_is_by_length_and_never_changes() -> None:
    corpus, documents, _ = make_corpus()
    batches = make_batches(corpus, shuffle=False)
    assert order(batches, 0) == order(batches, 5)
    lengths = [min(46, len(documents[i])) for indices in order(batches, 0) for i in indices]
    assert lengths == sorted(lengths)


def test_cut_documents_are_counted() -> None:
    corpus, documents, _ = make_corpus()
    assert make_batches(corpus).n_cut == sum(len(document) > 46 for document in documents) > 0
    assert make_batches(corpus, sequence_length=62).n_cut == 0


def test_documents_of_a_batch() -> None:
    batches = make_batches(make_corpus()[0])
    for step, (_, _, indices) in enumerate(batches.batches(2)):
        assert batches.documents(2, step).tolist() == indices.tolist()


def test_pairs_token_by_token() -> None:
    pairs = [([11, 12], [21, 22, 23]), ([11], []), ([11, 12, 13, 14, 15], [21, 22])]
    inputs = pack_pairs([tuple(np.array(ids, np.int32) for ids in p) for p in pairs], VOCABULARY, 8)
    assert inputs["token_ids"].tolist() == [
        [CLS, 11, 12, SEP, 21, 22, 23, SEP],
        [CLS, 11, SEP, SEP, PAD, PAD, PAD, PAD],
        [CLS, 11, 12, 13, SEP, 21, 22, SEP],
    ]
    assert inputs["segment_ids"].tolist() == [
        [0, 0, 0, 0, 1, 1, 1, 1],
        [0, 0, 0, 1, 0, 0, 0, 0],
        [0, 0, 0, 0, 0, 1, 1, 1],
    ]
    assert inputs["padding_mask"].sum(1).tolist() == [8, 4, 8]
    np.testing.assert_array_equal(inputs["padding_mask"], inputs["token_ids"] != PAD)
    assert [array.dtype.name for array in inputs.values()] == ["int32", "int32", "bool"]


id_lists = st.lists(st.integers(5, 104), max_size=40)


@given(st.lists(st.tuples(id_lists, id_lists), min_size=1, max_size=4), st.integers(5, 80))
def test_packing_of_pairs(pairs, sequence_length) -> None:
    arrays = [tuple(np.array(ids, np.int32) for ids in pair) for pair in pairs]
    inputs = pack_pairs(arrays, VOCABULARY, sequence_length)
    length = inputs["token_ids"].shape[1]
    for row, (first, second) in enumerate(map(list, pair) for pair in pairs):
        while len(first) + len(second) > sequence_length - 3:
            (first if len(first) > len(second) else second).pop()
        ids = [CLS, *first, SEP, *second, SEP]
        segments = [0] * (len(first) + 2) + [1] * (len(second) + 1)
        padding = [0] * (length - len(ids))
        assert inputs["token_ids"][row].tolist() == ids + padding
        assert inputs["segment_ids"][row].tolist() == segments + padding
        assert inputs["padding_mask"][row].tolist() == [1] * len(ids) + padding
    assert length == sequence_length or length % 32 == 0


def test_swapping_the_texts_changes_ids_and_segments() -> None:
    a, b = np.array([11, 12], np.int32), np.array([21, 22, 23], np.int32)
    there, back = (pack_pairs([pair], VOCABULARY, 8) for pair in ((a, b), (b, a)))
    assert there["segment_ids"].tolist() == [[0, 0, 0, 0, 1, 1, 1, 1]]
    assert back["segment_ids"].tolist() == [[0, 0, 0, 0, 0, 1, 1, 1]]
    assert back["token_ids"].tolist() == [[CLS, 21, 22, 23, SEP, 11, 12, SEP]]


def test_no_room_for_a_pair_is_a_clear_error() -> None:
    with pytest.raises(InputError, match=r"two texts.*--sequence_length to 5"):
        pack_pairs([(np.array([5]), np.array([6]))], VOCABULARY, 4)


@pytest.mark.parametrize("shuffle", [True, False])
def test_batches_of_pairs(shuffle) -> None:
    corpus, documents, labels = make_corpus(longest=60)
    lengths = np.random.default_rng(1).integers(0, np.diff(corpus.offsets) + 1).astype(np.int32)
    corpus = dataclasses.replace(corpus, first_lengths=lengths)
    batches = make_batches(corpus, shuffle=shuffle)
    seen = []
    for inputs, targets, indices in batches.batches(0):
        pairs = [np.split(documents[i], [lengths[i]]) for i in indices]
        expected = pack_pairs(pairs, VOCABULARY, 48)
        for name, array in expected.items():
            np.testing.assert_array_equal(inputs[name], array)
        assert [set(np.flatnonzero(row)) for row in targets] == [set(labels[i]) for i in indices]
        seen += indices.tolist()
    assert sorted(seen) == list(range(203))
    assert batches.n_cut == sum(len(document) > 45 for document in documents) > 0
