import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import InputError
from data_util.pretraining.batches import PretrainingBatches
from data_util.pretraining.corpus import PretrainingCorpus
from data_util.pretraining.noise.none import NoNoise
from data_util.pretraining.rows.pairs import NEXT
from data_util.registry import NOISES
from data_util.tokens.vocabulary import RESERVED, Vocabulary
from tests.data_util.pretraining import corpora
from tests.data_util.pretraining.corpora import make_corpus

PAD, UNK, CLS, SEP, MASK = range(5)
DOCUMENTS = 120


def vocabulary_of(corpus) -> Vocabulary:
    return Vocabulary([*RESERVED, *(f"t{number}" for number in range(len(corpus.ids)))])


@pytest.fixture(scope="module")
def corpus() -> PretrainingCorpus:
    generator = np.random.default_rng(0)
    sentences = generator.integers(1, 15, DOCUMENTS)
    lengths = generator.integers(1, 30, sentences.sum())
    lengths[::40] = 150
    return make_corpus([x.tolist() for x in np.split(lengths, sentences.cumsum()[:-1])], 5)


@pytest.fixture(scope="module")
def vocabulary(corpus) -> Vocabulary:
    return vocabulary_of(corpus)


@pytest.fixture
def make(corpus, vocabulary):
    def make(**changes):
        noise = NOISES[changes.pop("noise", "token")](vocabulary)
        options = {"sequence_length": 64, "batch_size": 16, "seed": 1, "rows": "pairs", **changes}
        documents = options.pop("documents", np.arange(len(corpus)))
        options["noise"] = noise
        return PretrainingBatches(corpus, documents, vocabulary, **options)

    return make


class Spy(NoNoise):
    """Keeps the batches that it is given."""

    def arrays(self, batch, generator):
        self.seen = [*getattr(self, "seen", []), dict(batch)]
        return {}


@pytest.mark.parametrize("rows", ["single", "pairs"])
def test_a_noise_is_told_where_words_begin(corpus, vocabulary, rows) -> None:
    marked = dataclasses.replace(corpus, word_starts=(corpus.ids % 3 == 0).astype(np.uint8))
    noise = Spy(vocabulary)
    options = {"sequence_length": 64, "batch_size": 16, "seed": 1, "rows": rows, "noise": noise}
    batches = PretrainingBatches(marked, np.arange(len(corpus)), vocabulary, **options)
    for batch in batches.batches(0):
        assert "word_starts" not in batch
        seen = noise.seen[-1]
        expected = (seen["token_ids"] % 3 == 0) | (seen["token_ids"] < len(RESERVED))
        np.testing.assert_array_equal(seen["word_starts"], expected)


def unmasked(batch):
    ids = batch["token_ids"].copy()
    used = batch["masked_weights"] > 0
    ids[np.nonzero(used)[0], batch["masked_positions"][used]] = batch["masked_ids"][used]
    return ids


def document_of(corpus, token_id):
    return corpora.document_of(corpus, token_id - 5)


def assert_same(left, right):
    assert left.keys() == right.keys()
    for name in left:
        np.testing.assert_array_equal(left[name], right[name], err_msg=name)
        assert left[name].dtype == right[name].dtype


def test_shapes_and_dtypes(make) -> None:
    batches = make()
    seen = list(batches.batches(0))
    assert len(seen) == batches.steps(0)
    for batch in seen:
        rows, length = batch["token_ids"].shape
        slots = batch["masked_ids"].shape[1]
        assert {name: (array.shape, array.dtype.name) for name, array in batch.items()} == {
            "token_ids": ((rows, length), "int32"),
            "segment_ids": ((rows, length), "int32"),
            "padding_mask": ((rows, length), "bool"),
            "masked_positions": ((rows, slots), "int32"),
            "masked_ids": ((rows, slots), "int32"),
            "masked_weights": ((rows, slots), "float32"),
            "pair_kind": ((rows,), "int32"),
            "pair_weights": ((rows,), "float32"),
        }
        assert length in (32, 64)
        assert length - batch["padding_mask"].sum(1).max() < 32
    assert all(len(batch["token_ids"]) == 16 for batch in seen[:-1])
    assert sum(len(batch["token_ids"]) for batch in seen) % 16 == len(seen[-1]["token_ids"]) % 16


def rows_of(batch, corpus):
    """The (A, B, is next) of each row, B empty where there is none, after all was checked."""
    for row, ids in enumerate(unmasked(batch)):
        mask, segments = batch["padding_mask"][row], batch["segment_ids"][row]
        length = int(mask.sum())
        assert mask[:length].all() and not ids[length:].any() and not segments[length:].any()
        assert ids[0] == CLS and ids[length - 1] == SEP
        separators = np.flatnonzero(ids == SEP)
        assert np.all(ids[1:length][~np.isin(ids[1:length], [SEP])] > 4)
        a = ids[1 : separators[0]]
        assert len(a) and np.all(np.diff(a) == 1)
        assert document_of(corpus, a[0]) == document_of(corpus, a[-1])
        assert not segments[: separators[0] + 1].any()
        if len(separators) == 1:
            assert "pair_weights" not in batch or batch["pair_weights"][row] == 0
            yield a.tolist(), [], False
            continue
        b = ids[separators[0] + 1 : separators[1]]
        assert len(separators) == 2 and len(b) and np.all(np.diff(b) == 1)
        assert document_of(corpus, b[0]) == document_of(corpus, b[-1])
        assert segments[separators[0] + 1 : length].all()
        is_next = bool(batch["pair_kind"][row] == NEXT)
        same_document = document_of(corpus, a[0]) == document_of(corpus, b[0])
        assert same_document == is_next
        if is_next:
            assert b[0] == a[-1] + 1
        yield a.tolist(), b.tolist(), is_next


def test_rows_are_cls_a_sep_b_sep(make, corpus) -> None:
    pairs = []
    for batch in make().batches(0):
        rows = list(rows_of(batch, corpus))
        assert batch["pair_weights"].tolist() == [float(len(b) > 0) for _, b, _ in rows]
        pairs += [is_next for _, b, is_next in rows if b]
    assert len(pairs) > 200
    assert abs(sum(pairs) - len(pairs) / 2) < 5 * np.sqrt(len(pairs)) / 2


@given(
    st.lists(st.lists(st.integers(1, 40), min_size=1, max_size=8), min_size=2, max_size=6),
    st.integers(5, 70),
    st.integers(1, 9),
    st.integers(0, 99),
    st.sampled_from(["pairs", "single"]),
)
def test_batches_of_any_corpus(documents, sequence_length, batch_size, seed, rows) -> None:
    corpus = make_corpus(documents, 5)
    vocabulary = vocabulary_of(corpus)
    batches = PretrainingBatches(
        corpus,
        np.arange(len(corpus)),
        vocabulary,
        rows=rows,
        noise=NOISES["token"](vocabulary),
        sequence_length=sequence_length,
        batch_size=batch_size,
        seed=seed,
    )
    for epoch in range(2):
        seen, sizes = [], []
        for batch in batches.batches(epoch):
            assert batch["token_ids"].shape[1] <= sequence_length
            sizes.append(len(batch["token_ids"]))
            for a, b, is_next in rows_of(batch, corpus):
                assert rows == "pairs" or not b
                seen += a + b if is_next else a
        # Each token once: the foreign texts come on top.
        assert sorted(seen) == corpus.ids.tolist()
        assert len(sizes) == batches.steps(epoch) and sum(sizes) == batches.examples(epoch)
        assert all(size == batch_size for size in sizes[:-1]) and sizes[-1] <= batch_size


@pytest.mark.parametrize("rows", ["pairs", "single"])
@pytest.mark.parametrize("epoch", [0, 1])
def test_every_token_of_the_documents_is_seen_in_an_epoch(make, corpus, rows, epoch) -> None:
    documents = np.arange(0, DOCUMENTS, 3)
    seen = set()
    for batch in make(documents=documents, rows=rows).batches(epoch):
        seen |= set(unmasked(batch)[batch["padding_mask"]].tolist())
    wanted = np.isin(document_of(corpus, corpus.ids), documents)
    assert seen - {CLS, SEP} == set(corpus.ids[wanted].tolist())


def test_without_pairs_there_is_one_segment(make) -> None:
    for batch in make(rows="single").batches(0):
        assert not batch["segment_ids"].any() and "pair_weights" not in batch
        assert np.all((unmasked(batch) == SEP).sum(1) == 1)


def test_without_masks_nothing_is_hidden(make) -> None:
    for batch in make(noise="none").batches(0):
        assert batch.keys() == {
            *("token_ids", "segment_ids", "padding_mask", "pair_kind", "pair_weights")
        }
        assert not (batch["token_ids"] == MASK).any()


def test_masks_of_an_epoch(make) -> None:
    hidden = several = rows = tokens = 0
    for batch in make().batches(0):
        count = batch["masked_weights"].sum(1)
        text = ((unmasked(batch) > 4) & batch["padding_mask"]).sum(1)
        assert np.all(count >= 1) and np.all(batch["masked_ids"][batch["masked_weights"] > 0] > 4)
        several += int((count > 1).sum())
        rows, hidden, tokens = rows + len(count), hidden + count.sum(), tokens + text.sum()
    assert several > 0.8 * rows
    # Short sequences have a mask in any case, so a little more than 15 %.
    assert 0.145 < hidden / tokens < 0.17


def test_epochs_differ_and_repeat(make) -> None:
    batches = make()
    first, second = list(batches.batches(0)), list(batches.batches(1))
    assert_same(first[0], next(batches.batches(0)))
    assert first[0]["token_ids"].shape != second[0]["token_ids"].shape or np.any(
        first[0]["token_ids"] != second[0]["token_ids"]
    )
    for left, right in zip(first, make().batches(0), strict=True):
        assert_same(left, right)
    other = next(make(seed=2).batches(0))
    assert not np.array_equal(other["token_ids"], first[0]["token_ids"])
    other = next(make(stream="valid").batches(0))
    assert not np.array_equal(other["token_ids"], first[0]["token_ids"])


def test_masks_differ_between_epochs_where_the_rows_are_the_same(corpus, vocabulary) -> None:
    batches = PretrainingBatches(
        corpus,
        np.arange(16),
        vocabulary,
        sequence_length=64,
        batch_size=100,
        seed=1,
        rows="single",
        noise=NOISES["token"](vocabulary),
        shuffle=False,
    )
    first, second = next(batches.batches(0)), next(batches.batches(1))
    np.testing.assert_array_equal(unmasked(first), unmasked(second))
    same = (first["masked_positions"] == second["masked_positions"]).all(1)
    assert same.mean() < 0.5


@pytest.mark.parametrize("first_step", [0, 1, 7, -1])
def test_an_epoch_can_be_begun_at_any_step(make, first_step) -> None:
    whole = list(make().batches(3))
    first_step %= len(whole)
    tail = list(make().batches(3, first_step=first_step))
    assert len(tail) == len(whole) - first_step
    for left, right in zip(tail, whole[first_step:], strict=True):
        assert_same(left, right)


def test_validation_is_the_same_each_time(make) -> None:
    batches = make(shuffle=False, stream="valid")
    for left, right in zip(batches.batches(0), batches.batches(0), strict=True):
        assert_same(left, right)
    longest = [int(batch["padding_mask"].sum(1).max()) for batch in batches.batches(0)]
    assert longest == sorted(longest)


def test_one_document_has_nothing_to_learn_from_pairs(make, caplog) -> None:
    batches = make(documents=np.array([4]))
    assert caplog.text.count("train: only one document") == 1
    for batch in batches.batches(0):
        assert not batch["pair_weights"].any()
        assert batch["masked_weights"].any()


def test_a_length_without_room_is_a_clear_error(make) -> None:
    with pytest.raises(InputError, match="--sequence_length_lm to 5 or more"):
        make(sequence_length=4)
    assert make(sequence_length=5).steps(0) > 0
    with pytest.raises(InputError, match="--sequence_length_lm to 3 or more"):
        make(sequence_length=2, rows="single")
    assert make(sequence_length=3, rows="single").steps(0) > 0


@pytest.mark.parametrize("rows", ["pairs", "single"])
def test_documents_of_a_batch(make, corpus, rows) -> None:
    batches = make(rows=rows)
    for step, batch in enumerate(batches.batches(1)):
        ids = unmasked(batch)
        expected = np.unique(document_of(corpus, ids[ids >= 5]))
        assert batches.documents(1, step).tolist() == expected.tolist()
