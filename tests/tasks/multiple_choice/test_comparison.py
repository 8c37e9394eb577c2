"""How choices compare: by hand, and with Python's own difflib."""

from difflib import SequenceMatcher

import numpy as np
import pytest

from tasks.multiple_choice.comparison import (
    _NUMBERS,
    FEATURE_NAMES,
    MAX_CHOICE,
    MAX_CONTEXT,
    _Context,
    compare_choices,
)


def ids(text):
    return np.array([ord(character) for character in text], np.int32)


def numbers_of(context, question, choices):
    """The numbers of each choice, before they are compared with the other choices'."""
    compared = _Context(ids(context), ids(question))
    tokens = [set(choice) for choice in choices]
    shared = {ord(one): sum(one in each for each in tokens) for each in tokens for one in each}
    found = [compared.numbers(ids(choice), shared) for choice in choices]
    return [dict(zip(_NUMBERS, each, strict=True)) for each in found]


def test_by_hand():
    # "b" is there twice, so it is worth log 1.5; the others log 2.
    first, second = numbers_of("abcdb", "a", ["bc", "xb"])
    once, twice = np.log(2), np.log(1.5)
    assert first["covered"] == pytest.approx(1.0)
    assert second["covered"] == pytest.approx(twice / (once + twice))
    assert first["own_covered"] == 1.0 and second["own_covered"] == 0.0
    assert first["bigrams"] == 1.0 and second["bigrams"] == 0.0
    assert first["whole"] == 1.0 and second["whole"] == 0.0
    assert first["substring_share"] == 1.0 and second["substring_share"] == 0.5
    # "bc" is one and two places from "a", and the other "b" four.
    assert first["mean_distance"] == pytest.approx(np.log1p((1 + 2 + 4) / 3))
    assert first["least_distance"] == pytest.approx(np.log1p(1))
    assert first["window_of_choice"] == pytest.approx(1.0)
    both = first["window_of_choice_and_question"]
    assert both == pytest.approx((once + twice + once) / (twice + once + once))
    assert (first["own_share"], second["own_share"]) == (0.5, 0.5)
    assert first["length"] == second["length"] == pytest.approx(np.log(3))


def test_the_longest_substring_is_that_of_difflib():
    random = np.random.default_rng(0)
    for _ in range(50):
        context, choice = ("".join(random.choice(list("abc"), size)) for size in (40, 12))
        (found,) = numbers_of(context, "", [choice])
        matcher = SequenceMatcher(None, context, choice, autojunk=False)
        longest = matcher.find_longest_match(0, len(context), 0, len(choice)).size
        assert found["substring"] == pytest.approx(np.log1p(longest))


def test_windows_slide_over_the_whole_context():
    context = "x" * 50 + "abc" + "x" * 20 + "q"
    near, far = numbers_of(context, "q", ["abc", "a"])
    assert near["window_10_choice"] == pytest.approx(1.0)
    # The question is 21 places further: only the longer window has both.
    assert far["window_10_choice_times_question"] == 0.0
    assert far["window_30_choice_times_question"] == pytest.approx(1.0)


def test_choices_are_compared_with_each_other():
    features = compare_choices([ids("abcd"), ids("a"), ids("bc"), ids("xy"), ids("x")])
    assert features.shape == (3, len(FEATURE_NAMES)) and features.dtype == np.float32
    whole = features[:, FEATURE_NAMES.index("whole")]
    assert whole.tolist() == [1.0, -0.5, -0.5]
    assert features[:, FEATURE_NAMES.index("whole_highest")].tolist() == [1.0, 0.0, 0.0]


def test_in_another_order_the_choices_have_the_same_features():
    texts = [ids("abcdabc"), ids("da"), ids("ab"), ids("cd"), ids("abx")]
    order = [2, 0, 1]
    changed = [*texts[:2], *(texts[2 + at] for at in order)]
    np.testing.assert_allclose(compare_choices(changed), compare_choices(texts)[order], atol=1e-6)


@pytest.mark.parametrize(
    "texts", [("", "", "a", "b"), ("", "ab", "a", ""), ("ab", "", "", ""), ("ab", "b", "ab")]
)
def test_nothing_is_too_little(texts):
    features = compare_choices([ids(text) for text in texts])
    assert len(features) == len(texts) - 2 and np.isfinite(features).all()


def test_without_a_context_the_question_takes_its_place():
    with_context = compare_choices([ids("abcd"), ids(""), ids("bc"), ids("x")])
    without = compare_choices([ids(""), ids("abcd"), ids("bc"), ids("x")])
    np.testing.assert_array_equal(with_context, without)


def test_the_ends_of_very_long_texts_are_not_read():
    texts = [ids("ab" * MAX_CONTEXT), ids("a" * MAX_CHOICE), ids("b" * MAX_CHOICE), ids("ba")]
    longer = [np.concatenate([each, ids("xyz")]) for each in texts[:3]] + texts[3:]
    np.testing.assert_array_equal(compare_choices(longer), compare_choices(texts))
