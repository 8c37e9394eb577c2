import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_util.inputs import pairs_to_inputs
from data_util.labelled.corpus import LabelledCorpus
from data_util.tokens.sparse_rows import SparseRows
from data_util.tokens.vocabulary import RESERVED, Vocabulary
from tasks.classification.batches import classification_batches

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
    return classification_batches(corpus, LABELS, VOCABULARY, **options)


@pytest.mark.parametrize("shuffle", [True, False])
def test_every_document_once_with_its_labels(shuffle) -> None:
    corpus, documents, labels = make_corpus()
    batches = make_batches(corpus, shuffle=shuffle)
    seen = []
    for inputs, targets in batches.batches(2):
        indices = inputs["example"]
        assert targets.dtype == np.float32 and targets.shape == (len(indices), LABELS)
        assert indices.dtype == np.int32
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
        for inputs, targets in batches.batches(epoch):
            indices = inputs["example"]
            assert inputs["token_ids"].shape[1] <= sequence_length
            for ids, target, document in zip(inputs["token_ids"], targets, indices, strict=True):
                assert np.flatnonzero(target).tolist() == [labels[document]]
                kept = ids[ids > 4]
                assert len(kept) == min(room, sum(lengths[document]))
                assert np.all(kept == 5 + document)
            seen += indices.tolist()
        assert sorted(seen) == list(range(len(lengths)))


def order(batches, epoch, first_step=0):
    return [inputs["example"].tolist() for inputs, _ in batches.batches(epoch, first_step)]


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
    assert (
        make_batches(corpus).num_truncated == sum(len(document) > 46 for document in documents) > 0
    )
    assert make_batches(corpus, sequence_length=62).num_truncated == 0


def test_documents_of_a_batch() -> None:
    batches = make_batches(make_corpus()[0])
    for step, (inputs, _) in enumerate(batches.batches(2)):
        assert batches.examples(2, step).tolist() == inputs["example"].tolist()


@pytest.mark.parametrize("shuffle", [True, False])
def test_batches_of_pairs(shuffle) -> None:
    corpus, documents, labels = make_corpus(longest=60)
    lengths = np.random.default_rng(1).integers(0, np.diff(corpus.offsets) + 1).astype(np.int32)
    corpus = dataclasses.replace(corpus, first_lengths=lengths)
    batches = make_batches(corpus, shuffle=shuffle)
    seen = []
    for inputs, targets in batches.batches(0):
        indices = inputs["example"]
        pairs = [np.split(documents[i], [lengths[i]]) for i in indices]
        expected = pairs_to_inputs(pairs, VOCABULARY, 48)
        for name, array in expected.items():
            np.testing.assert_array_equal(inputs[name], array)
        assert [set(np.flatnonzero(row)) for row in targets] == [set(labels[i]) for i in indices]
        seen += indices.tolist()
    assert sorted(seen) == list(range(203))
    assert batches.num_truncated == sum(len(document) > 45 for document in documents) > 0


def test_features_of_the_linear_classifier_are_of_their_examples() -> None:
    corpus, documents, _ = make_corpus()
    # Which document a feature is of can be seen.
    features = SparseRows.stack(
        (np.arange(number % 3, dtype=np.int32), np.full(number % 3, number, np.float32))
        for number in range(len(documents))
    )
    plain = make_batches(corpus).batches(1)
    for (inputs, _), (expected, _) in zip(
        make_batches(corpus, features=features).batches(1), plain, strict=True
    ):
        assert set(inputs) == {*expected, "ngram_ids", "ngram_values"}
        for name, array in expected.items():
            np.testing.assert_array_equal(inputs[name], array)
        for row, number in enumerate(inputs["example"].tolist()):
            values = inputs["ngram_values"][row]
            size = number % 3
            assert values[:size].tolist() == [number] * size and not values[size:].any()
            assert inputs["ngram_ids"][row, :size].tolist() == list(range(size))


@pytest.mark.parametrize("shuffle", [True, False])
def test_weighted_texts_come_after_the_labelled_ones(shuffle) -> None:
    corpus, documents, labels = make_corpus(50)
    more, other_documents, other_labels = make_corpus(23, longest=80, seed=1)
    weights = np.linspace(0.1, 0.9, 23)
    batches = make_batches(corpus, further=[(more, weights)], shuffle=shuffle)
    documents, labels = documents + other_documents, labels + other_labels
    assert len(batches) == 73 and batches.steps(0) == 5
    assert batches.num_truncated == sum(len(document) > 46 for document in documents)
    seen = []
    for inputs, targets in batches.batches(0):
        expected = [1.0 if i < 50 else weights[i - 50] for i in inputs["example"]]
        assert inputs["example_weights"].dtype == np.float32
        np.testing.assert_allclose(inputs["example_weights"], expected, rtol=1e-6)
        for row, number in enumerate(inputs["example"]):
            ids = inputs["token_ids"][row][inputs["padding_mask"][row]]
            assert ids.tolist() == [CLS, *documents[number][:46], SEP]
            assert set(np.flatnonzero(targets[row])) == set(labels[number])
        seen += inputs["example"].tolist()
    assert sorted(seen) == list(range(73))


def test_further_corpora_follow_one_another_and_teachers_say_something_of_each_row() -> None:
    corpus, _, _ = make_corpus(5)
    others = [make_corpus(count, seed=count)[0] for count in (3, 4)]
    weights = [np.full(3, 2.0), np.full(4, 3.0)]

    class Numbers:
        def arrays(self, examples):
            return {"soft_targets": examples.astype(np.float32)}

    further = list(zip(others, weights, strict=True))
    batches = make_batches(corpus, further=further, soft=Numbers())
    ((inputs, targets),) = batches.batches(0)
    numbers = inputs["example"].tolist()
    assert sorted(numbers) == list(range(12))
    assert inputs["soft_targets"].tolist() == numbers
    expected = [1] * 5 + [2] * 3 + [3] * 4
    assert inputs["example_weights"].tolist() == [expected[number] for number in numbers]
    for row, number in enumerate(numbers):
        where = [(corpus, number), (others[0], number - 5), (others[1], number - 8)]
        source, index = where[(number >= 5) + (number >= 8)]
        assert set(np.flatnonzero(targets[row])) == set(source.labels(index).tolist())


def test_without_weighted_texts_there_are_no_weights() -> None:
    inputs, _ = next(make_batches(make_corpus()[0]).batches(0))
    assert set(inputs) == {"token_ids", "segment_ids", "padding_mask", "example"}
