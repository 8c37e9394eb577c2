import hashlib
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import InputError
from data_util.tokens.vocabulary import RESERVED, Vocabulary

# As in bert-base-chinese: [PAD] is 0, [UNK] 100, [CLS] 101, [SEP] 102, [MASK] 103.
RELEASED = [
    "[PAD]",
    *(f"[unused{n}]" for n in range(1, 100)),
    *RESERVED[1:],
    "我",
    "##我",
    "\u2028",
]


def test_from_counts_orders_and_limits():
    counts = {"b": 3, "a": 3, "我": 5, "x": 1, "B": 3}
    vocabulary = Vocabulary.from_counts(counts, max_size=8)
    assert vocabulary.tokens == (*RESERVED, "我", "B", "a")
    assert Vocabulary.from_counts(counts, 100, min_count=3).tokens[5:] == ("我", "B", "a", "b")
    assert Vocabulary.from_counts(dict(reversed(counts.items())), 8).tokens == vocabulary.tokens


def test_from_counts_leaves_out_reserved_spellings():
    counts = {"[MASK]": 99, "[PAD]": 98, "[unused7]": 97, "我": 1, "[mask]": 1}
    assert Vocabulary.from_counts(counts, 100).tokens == (*RESERVED, "[mask]", "我")


def test_from_counts_needs_room():
    with pytest.raises(InputError, match=r"at least 6\. Received: 5"):
        Vocabulary.from_counts({"a": 1}, 5)


def test_own_ids():
    vocabulary = Vocabulary.from_counts({"a": 2, "b": 1}, 10)
    ids = (
        vocabulary.pad_id,
        vocabulary.unk_id,
        vocabulary.cls_id,
        vocabulary.sep_id,
        vocabulary.mask_id,
    )
    assert ids == (0, 1, 2, 3, 4)
    assert vocabulary.reserved_ids.tolist() == [0, 1, 2, 3, 4]
    assert vocabulary.ordinary_ids.tolist() == [5, 6]
    assert vocabulary.ordinary_ids.dtype == np.int32
    assert len(vocabulary) == 7


def test_released_ids_are_found_by_name():
    vocabulary = Vocabulary(RELEASED)
    assert (vocabulary.pad_id, vocabulary.unk_id, vocabulary.cls_id) == (0, 100, 101)
    assert (vocabulary.sep_id, vocabulary.mask_id) == (102, 103)
    assert vocabulary.reserved_ids.tolist() == list(range(104))
    assert vocabulary.ordinary_ids.tolist() == [104, 105, 106]


def test_encode():
    vocabulary = Vocabulary.from_counts({"a": 2, "b": 1}, 10)
    ids = vocabulary.encode(["b", "a", "c", "a"])
    assert ids.tolist() == [6, 5, 1, 5]
    assert ids.dtype == np.int32
    empty = vocabulary.encode([])
    assert empty.shape == (0,)
    assert empty.dtype == np.int32


@pytest.mark.parametrize("token", [*RESERVED, "[unused1]", "[unused99]"])
def test_text_that_is_spelled_like_a_reserved_token_is_unknown(token):
    assert Vocabulary(RELEASED).encode([token, "我"]).tolist() == [100, 104]


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_categories=("Z", "C")), min_size=1)))
def test_save_and_load_give_the_same_vocabulary(tmp_path_factory, words):
    path = tmp_path_factory.mktemp("vocabulary") / "vocab.txt"
    vocabulary = Vocabulary.from_counts(dict.fromkeys(words, 1), 1000)
    vocabulary.save(path)
    loaded = Vocabulary.load(path)
    assert loaded.tokens == vocabulary.tokens
    assert loaded.digest == vocabulary.digest
    assert loaded.encode(words).tolist() == vocabulary.encode(words).tolist()


def test_released_file_loads(tmp_path):
    path = tmp_path / "vocab.txt"
    path.write_bytes("\r\n".join(RELEASED).encode())
    assert Vocabulary.load(path).tokens == tuple(RELEASED)


def test_digest_is_of_the_tokens():
    vocabulary = Vocabulary([*RESERVED, "我"])
    assert vocabulary.digest == hashlib.sha256("\n".join([*RESERVED, "我"]).encode()).hexdigest()
    assert Vocabulary([*RESERVED, "你"]).digest != vocabulary.digest


def test_pickle():
    vocabulary = pickle.loads(pickle.dumps(Vocabulary(RELEASED)))
    assert vocabulary.tokens == tuple(RELEASED)
    assert vocabulary.encode(["我"]).tolist() == [104]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", r"vocab\.txt: an empty vocabulary"),
        (b"[PAD]\n[UNK]\n[CLS]\na\n", r"lacks \[SEP\], \[MASK\]: .*project.*BERT"),
        (b"a\nb\na\n", r"vocab\.txt:3: the token 'a' is there twice, first as number 1"),
        (b"a\n\nb\n", r"vocab\.txt:2: '' cannot be a token"),
        (b"a\nb\n\xc3\x28\n", r"vocab\.txt:3: not UTF-8 at byte 4"),
    ],
)
def test_load_names_what_is_wrong(tmp_path, data, message):
    path = tmp_path / "vocab.txt"
    path.write_bytes(data)
    with pytest.raises(InputError, match=message):
        Vocabulary.load(path)


def test_tokens_that_could_not_be_saved():
    with pytest.raises(InputError, match=r"'a\\nb' cannot be a token"):
        Vocabulary([*RESERVED, "a\nb"])
