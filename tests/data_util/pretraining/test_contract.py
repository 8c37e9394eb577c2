"""What every row plan and every noise keeps to, in all combinations: a new one needs its name."""

import itertools

import numpy as np
import pytest

from data_util.pretraining.batches import PretrainingBatches
from data_util.registry import NOISES, ROWS
from data_util.tokens.vocabulary import RESERVED, Vocabulary
from tests import toys
from tests.data_util.pretraining.corpora import make_corpus

# As a released vocabulary may be: reserved tokens anywhere, and spare ones.
_WORDS = [f"t{number}" for number in range(50)]
VOCABULARY = Vocabulary(["[unused1]", *_WORDS[:20], *RESERVED, "[unused2]", *_WORDS[20:]])

# The noises that change no token, and the other arrays of a batch that a noise replaces.
UNCHANGED = ("none", "next_token", "neighbour_tokens", "permutation", "prefix")
REPLACES = {"prefix": ("segment_ids",)}

with toys.registered():
    combinations = pytest.mark.parametrize(
        ("rows", "noise"), list(itertools.product(ROWS, NOISES)), ids="-".join
    )
    noises = pytest.mark.parametrize("noise", list(NOISES))
    in_place = pytest.mark.parametrize(
        ("rows", "noise"),
        list(itertools.product(ROWS, [name for name in NOISES if NOISES[name].keeps_places])),
        ids="-".join,
    )
    for_a_decoder = pytest.mark.parametrize(
        ("rows", "noise"),
        [("single", name) for name in NOISES if not NOISES[name].keeps_places],
        ids="-".join,
    )


@pytest.fixture(scope="module", autouse=True)
def with_toys():
    with toys.registered():
        yield


@pytest.fixture(scope="module")
def corpus():
    """Of ordinary and of unknown tokens; no two documents are of one size."""
    generator = np.random.default_rng(0)
    documents = [generator.integers(1, 20, size).tolist() for size in range(1, 31)]
    corpus = make_corpus(documents)
    ids = generator.choice(VOCABULARY.ordinary_ids, len(corpus.ids))
    ids[generator.random(len(ids)) < 0.1] = VOCABULARY.unk_id
    corpus.ids[:] = ids
    return corpus


@pytest.fixture
def make(corpus, rows, noise):
    def make(noise=noise, **changes):
        options = {"sequence_length": 70, "batch_size": 8, "seed": 1, **changes}
        made = NOISES[noise](VOCABULARY, 0.3)
        documents = np.arange(len(corpus))
        return PretrainingBatches(corpus, documents, VOCABULARY, rows=rows, noise=made, **options)

    return make


def assert_same(left, right):
    assert left.keys() == right.keys()
    for name in left:
        np.testing.assert_array_equal(left[name], right[name], err_msg=name)
        assert left[name].dtype == right[name].dtype


def differ(left, right):
    return len(left) != len(right) or any(
        a.keys() != b.keys() or any(not np.array_equal(a[name], b[name]) for name in a)
        for a, b in zip(left, right, strict=True)
    )


@combinations
def test_a_batch_is_a_function_of_seed_epoch_and_step(make) -> None:
    whole = list(make().batches(3))
    assert len(whole) == make().steps(3) > 8
    again = make()
    list(again.batches(0))  # what was drawn before changes nothing
    for first_step in (0, 1, 7, len(whole) - 1):
        tail = list(again.batches(3, first_step))
        assert len(tail) == len(whole) - first_step
        for left, right in zip(tail, whole[first_step:], strict=True):
            assert_same(left, right)
    assert differ(whole, list(make(seed=2).batches(3)))
    assert differ(whole, list(make().batches(4)))
    assert differ(whole, list(make(stream="valid").batches(3)))


@combinations
def test_arrays_are_of_whole_rows(make, rows) -> None:
    batches = make()
    sizes = []
    for batch in batches.batches(0):
        sizes.append(len(batch["token_ids"]))
        assert {array.shape[0] for array in batch.values()} == {sizes[-1]}
        assert {name: batch[name].dtype.name for name in list(batch)[:3]} == {
            "token_ids": "int32",
            "segment_ids": "int32",
            "padding_mask": "bool",
        }
        for name, array in batch.items():
            assert array.dtype in (np.int32, np.float32, bool)
            if name.endswith("_weights"):
                assert array.dtype == np.float32 and np.all(array >= 0)
    assert sum(sizes) == batches.examples(0)
    # Of the rows that stay together, the last ones may be fewer; they may be in any batch.
    few = ROWS[rows].rows_together - 1
    assert set(sizes[:-1]) <= set(range(8 - few, 9))


@in_place
def test_noise_changes_neither_padding_nor_reserved_tokens(make, noise) -> None:
    """The rows are the same without it."""
    for clean, noisy in zip(make(noise="none").batches(0), make().batches(0), strict=True):
        assert clean.keys() <= noisy.keys()
        ids = clean["token_ids"]
        ordinary = np.isin(ids, VOCABULARY.ordinary_ids)
        assert not ordinary[~clean["padding_mask"]].any()
        changed = noisy["token_ids"] != ids
        assert not changed[~ordinary].any()
        put_there = set(noisy["token_ids"][changed].tolist())
        assert put_there <= {*VOCABULARY.ordinary_ids.tolist(), VOCABULARY.mask_id}
        for name in clean.keys() - {"token_ids", *REPLACES.get(noise, ())}:
            np.testing.assert_array_equal(noisy[name], clean[name])


@for_a_decoder
def test_a_text_to_read_and_one_to_write(make) -> None:
    """The rows are the same without the noise."""
    for clean, noisy in zip(make(noise="none").batches(0), make().batches(0), strict=True):
        assert noisy["token_ids"].shape[1] <= clean["token_ids"].shape[1]
        assert not noisy["segment_ids"].any()
        assert (noisy["padding_mask"].sum(1) <= clean["padding_mask"].sum(1)).all()
        weights, written = noisy["decoded_weights"], noisy["decoded_ids"]
        assert not written[weights == 0].any()
        # What the decoder reads is what it wrote, one position later.
        read = noisy["decoder_ids"]
        assert (read[:, 0] == VOCABULARY.cls_id).all()
        goes_on = read[:, 1:] != VOCABULARY.pad_id
        assert not weights[:, 1:][~goes_on].any()
        both = goes_on & (weights[:, :-1] > 0)
        np.testing.assert_array_equal(read[:, 1:][both], written[:, :-1][both])
        assert (written[:, :-1][both] != VOCABULARY.sep_id).all()
        for row, ids in enumerate(clean["token_ids"]):
            text = ids[1 : clean["padding_mask"][row].sum() - 1]
            source = noisy["token_ids"][row]
            end = noisy["padding_mask"][row].sum() - 1
            assert source[0] == VOCABULARY.cls_id and source[end] == VOCABULARY.sep_id
            assert (source[end + 1 :] == VOCABULARY.pad_id).all()
            never = [VOCABULARY.pad_id, VOCABULARY.cls_id, VOCABULARY.sep_id]
            assert not np.isin(source[1:end], never).any()
            counted = written[row][weights[row] > 0].tolist()
            at_end = {VOCABULARY.sep_id, *VOCABULARY.spare_ids.tolist()}
            assert set(counted) <= {*text.tolist(), *at_end} - {VOCABULARY.unk_id}


@noises
def test_a_noise_leaves_the_batch_that_it_is_given(noise) -> None:
    generator = np.random.default_rng(0)
    ids = generator.choice(VOCABULARY.ordinary_ids, (20, 30))
    batch = {
        "token_ids": ids,
        "segment_ids": np.zeros_like(ids),
        "padding_mask": np.ones(ids.shape, bool),
        "sentence_starts": np.tile(np.arange(30) % 5 == 0, (20, 1)),
    }
    before = {name: array.copy() for name, array in batch.items()}
    arrays = NOISES[noise](VOCABULARY, 0.3).arrays(batch, generator)
    assert_same(batch, before)
    changed = (arrays.get("token_ids", ids) != ids).any()
    assert changed == (noise not in UNCHANGED)


@noises
def test_noises_draw_from_streams_of_their_own(noise) -> None:
    streams = [NOISES[other].stream for other in NOISES if other != noise]
    assert NOISES[noise].stream not in streams
    assert NOISES[noise].stream not in [*(ROWS[rows].stream for rows in ROWS), "order"]
