import numpy as np
import pytest

from data_util.pretraining.noise.sentinels import SentinelNoise
from data_util.tokens.vocabulary import RESERVED, Vocabulary

WORDS = Vocabulary([*RESERVED, *"ABCDEFGH", *(f"t{number}" for number in range(1000))])
VOCABULARY = WORDS.with_spare_tokens()
SEP, SPARE = VOCABULARY.sep_id, VOCABULARY.spare_ids.tolist()
FIRST = len(RESERVED) + 8


def damaged(noise, text, generator):
    return noise.source_and_target(text, np.zeros(len(text), bool), generator)


def put_together(source, target):
    """The text: each sentinel of the source stands for what follows it in the target."""
    spans, last = {}, None
    assert target[-1] == SEP
    for one in target[:-1].tolist():
        if one in SPARE:
            spans[last := one] = []
        else:
            spans[last].append(one)
    return [each for one in source.tolist() for each in spans.get(one, [one])], spans


def test_source_and_target_give_the_text_back():
    generator, noise = np.random.default_rng(0), SentinelNoise(VOCABULARY)
    hidden = spans = tokens = 0
    for length in [*range(30), *[400] * 40]:
        text = np.arange(FIRST, FIRST + length, dtype=np.int32)
        source, target = damaged(noise, text, generator)
        whole, found = put_together(source, target)
        assert whole == text.tolist()
        # In order, from the first one on, none empty, none next to another one.
        assert list(found) == SPARE[: len(found)]
        assert all(found.values())
        assert [one for one in source.tolist() if one in SPARE] == list(found)
        assert not (np.diff(np.flatnonzero(np.isin(source, SPARE))) == 1).any()
        assert len(source) <= length and len(target) <= length + 1
        if length == 400:
            hidden += sum(map(len, found.values()))
            spans, tokens = spans + len(found), tokens + length
    assert abs(hidden / tokens - 0.15) < 0.0005
    assert abs(hidden / spans - 3) < 0.05


def test_by_hand():
    class Drawn:
        """A whole is cut as late as it can be."""

        def random(self):
            return 0.5

        def permutation(self, number):
            return np.arange(number)[::-1]

    noise = SentinelNoise(VOCABULARY, 0.4)
    source, target = damaged(noise, VOCABULARY.encode("ABCDE"), Drawn())
    tokens = [VOCABULARY.tokens[one] for one in source]
    assert tokens == ["A", "B", "C", "[unused0]"]
    assert [VOCABULARY.tokens[one] for one in target] == ["[unused0]", "D", "E", "[SEP]"]
    # Six hidden tokens are two spans of 5 and 1, after 13 and 1 of the 14 others.
    text = np.arange(FIRST, FIRST + 20, dtype=np.int32)
    source, target = damaged(SentinelNoise(VOCABULARY, 0.3), text, Drawn())
    first, second = SPARE[:2]
    np.testing.assert_array_equal(source, [*text[:13], first, text[18], second])
    np.testing.assert_array_equal(target, [first, *text[13:18], second, text[19], SEP])


def test_all_lengths_are_equally_probable():
    generator, noise = np.random.default_rng(1), SentinelNoise(VOCABULARY, 0.5)
    text = np.arange(FIRST, FIRST + 12, dtype=np.int32)
    firsts = []
    for _ in range(3000):
        _, spans = put_together(*damaged(noise, text, generator))
        assert len(spans) == 2
        firsts.append(len(spans[SPARE[0]]))
    found = np.bincount(firsts, minlength=6)
    assert found[0] == 0
    assert max(abs(found[1:] - 600)) < 5 * np.sqrt(3000 * 0.2 * 0.8)


def test_no_more_spans_than_sentinels():
    few = WORDS.with_spare_tokens(2)
    text = np.arange(FIRST, FIRST + 100, dtype=np.int32)
    source, _ = damaged(SentinelNoise(few, 0.3), text, np.random.default_rng(0))
    assert len(source) == 72
    with pytest.raises(ValueError, match="with_spare_tokens"):
        SentinelNoise(WORDS)


def test_spare_tokens_are_added_once_and_never_part_of_a_text():
    assert VOCABULARY.tokens[: len(WORDS)] == WORDS.tokens
    assert len(VOCABULARY) == len(WORDS) + 100
    assert VOCABULARY.with_spare_tokens() is VOCABULARY
    np.testing.assert_array_equal(VOCABULARY.ordinary_ids, WORDS.ordinary_ids)
    assert VOCABULARY.encode(["[unused0]"]) == [VOCABULARY.unk_id]
