import pickle
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

from common.errors import InputError
from data_util.tokens.normalization import visible
from data_util.tokens.piece_training import BertWordTokenizer, train_word_pieces
from data_util.tokens.tokenizers import make_tokenizer
from data_util.tokens.vocabulary import RESERVED

COUNTS = {"lower": 5, "lowest": 3, "low": 9, "new": 4, "newest": 6, "我": 7, "们": 2, "x": 1}


@given(st.text(st.one_of(st.characters(codec="utf-8"), st.sampled_from("Größe 我们,.a1é"))))
def test_words_are_those_that_bert_cuts(text):
    text = visible(text)
    normal = BertNormalizer(lowercase=True).normalize_str(text)
    expected = [word for word, _ in BertPreTokenizer().pre_tokenize_str(normal)]
    tokenizer = BertWordTokenizer()
    assert tokenizer.tokenize(text) == expected
    assert pickle.loads(pickle.dumps(tokenizer)).tokenize(text) == expected


def test_pieces_by_hand():
    vocabulary = train_word_pieces(COUNTS, vocab_size=26, min_count=2)
    within = ("##e", "##o", "##r", "##s", "##t", "##w")
    alone = ("e", "l", "n", "o", "r", "s", "t", "w", "们", "我")
    # 17 times: ##o ##w (and l ##o, with the higher ids), then l ##ow. 10 times: ##e ##w (and
    # n ##e), then n ##ew. 9 times: ##e ##s (and ##s ##t).
    pairs = ("##ow", "low", "##ew", "new", "##es")
    assert vocabulary.tokens == (*RESERVED, *within, *alone, *pairs)
    tokenizer = make_tokenizer("wordpiece", vocabulary=vocabulary)
    assert tokenizer.tokenize("Lowest newer 我") == [
        "low",
        "##es",
        "##t",
        "new",
        "##e",
        "##r",
        "我",
    ]


def test_the_rarest_characters_make_room():
    vocabulary = train_word_pieces({"a": 3, "b": 2, "c": 1, "ad": 9}, vocab_size=8, min_count=1)
    assert vocabulary.tokens == (*RESERVED, "##d", "a", "d")


@pytest.mark.parametrize("counts", [{}, {"a": 1}])
def test_no_character_that_is_frequent_enough(counts):
    with pytest.raises(InputError, match="no character of the text is so frequent"):
        train_word_pieces(counts, 100, min_count=2)


SCRIPT = """
import random
from data_util.tokens.piece_training import train_word_pieces
draw = random.Random(1)
words = ["".join(draw.choices("abcdefgh", k=draw.randint(1, 8))) for _ in range(3000)]
draw.seed({seed})
draw.shuffle(words)
print(train_word_pieces({{word: 1 + len(word) % 3 for word in words}}, 500, 1).digest)
"""


def test_the_same_counts_give_the_same_pieces_in_every_process():
    # Many pairs are equally frequent here.
    digests = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT.format(seed=seed)],
            check=True,
            capture_output=True,
            env={"PYTHONHASHSEED": str(seed), "PYTHONPATH": "."},
        ).stdout
        for seed in (1, 2, 3)
    }
    assert len(digests) == 1
