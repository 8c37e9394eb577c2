"""Texts of different lengths are continued together as one by one."""

import numpy as np
import pytest

from common.random_streams import random_generator
from data_util.tokens.vocabulary import RESERVED, Vocabulary
from models.generation.settings import GenerationSettings
from tasks.language_model.continuation import Continuation, kept_tokens

VOCABULARY = Vocabulary([*RESERVED, *"abcdefgh"])
BANNED = tuple(VOCABULARY.reserved_ids.tolist())
TEXTS = [np.array(ids, np.int32) for ids in ([5], [6, 7, 8, 9], [], [5, 6], [7] * 40)]


def scores_of(tokens):
    """Of the next token: a function of all tokens before it and of nothing else."""
    seed = np.random.default_rng([len(tokens), *map(int, tokens)])
    return seed.normal(size=len(VOCABULARY)).astype(np.float32)


def logits(inputs):
    """Reads a batch as a model does, and checks what it may rely on."""
    rows = []
    for ids, mask, position, segments in zip(
        inputs["token_ids"], inputs["padding_mask"], inputs["positions"][:, 0],
        inputs["segment_ids"], strict=True,
    ):  # fmt: skip
        length = int(mask.sum())
        assert mask[:length].all() and ids[0] == VOCABULARY.cls_id
        assert position == length - 1 and not (ids[:length] == VOCABULARY.pad_id).any()
        # The prefix is what was given, at the start of the row.
        assert (np.diff(segments[:length]) >= 0).all() and segments[0] == 0
        rows.append([scores_of(ids[:length])])
    return np.array(rows)


def segments(mask, given):
    return (np.arange(mask.shape[1]) >= given) & mask


@pytest.mark.parametrize(
    "settings",
    [{}, {"num_beams": 3}, {"sample": True}, {"no_repeat_ngram": 2}],
    ids=["greedy", "beams", "sampling", "no repetition"],
)
def test_together_as_alone(settings):
    settings = GenerationSettings(max_length=12, banned_ids=BANNED, **settings)
    longest = 20
    write = Continuation(logits, segments, VOCABULARY, longest, settings)

    def generators():
        return [random_generator(1, "test", number) for number in range(len(TEXTS))]

    together = write(TEXTS, generators())
    alone = [write([text], [each])[0] for text, each in zip(TEXTS, generators(), strict=True)]
    for one, other, text in zip(together, alone, TEXTS, strict=True):
        np.testing.assert_array_equal(one.ids, other.ids)
        assert one.score == pytest.approx(other.score, abs=1e-5)
        assert len(one.ids) == min(12, longest - 1 - min(len(text), kept_tokens(longest, 12)))
        assert not set(one.ids.tolist()) & set(BANNED)


def test_the_most_probable_token_follows_each_time():
    settings = GenerationSettings(max_length=4, banned_ids=BANNED)
    write = Continuation(logits, segments, VOCABULARY, 20, settings)
    ids = [VOCABULARY.cls_id, 6, 7]
    for _ in range(4):
        scores = scores_of(ids)
        scores[list(BANNED)] = -np.inf
        ids.append(int(scores.argmax()))
    assert write([np.array([6, 7], np.int32)], [])[0].ids.tolist() == ids[3:]


def test_room_for_what_follows():
    assert kept_tokens(128, 50) == 77
    assert kept_tokens(128, 500) == 63
    assert kept_tokens(3, 50) == 1
