import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_util.tokens.pair_features import (
    FEATURE_NAMES,
    MAX_UNMATCHED,
    PairFeatures,
    PairText,
    longest_common_subsequence,
    longest_common_substring,
    ngrams,
    substitutions,
)

FLAT = PairFeatures({"character": {}, "token": {}})  # every unit has the weight 1


def words(text):
    return PairText.of(text, text.split())


def compared(first, second, features=FLAT):
    values = features(words(first), words(second))
    assert values.dtype == np.float32
    return dict(zip(FEATURE_NAMES, values.tolist(), strict=True))


def test_by_hand():
    # In common: a, b; only in the first: c; only in the second: d, e.
    found = compared("A b c", "b a d e")
    expected = {
        "token_1_jaccard": 2 / 5,
        "token_1_containment_min": 2 / 4,
        "token_1_containment_max": 2 / 3,
        "token_2_jaccard": 0,
        "token_cosine": 2 / math.sqrt(3 * 4),
        "token_coverage_min": 2 / 4,
        "token_coverage_max": 2 / 3,
        "token_unmatched_min": math.log(2),
        "token_unmatched": math.log(4),
        "token_substring": 1 / 4,
        "token_subsequence": 1 / 4,
        "token_subsequence_of_shorter": 1 / 3,
        "token_same_order": 1 / 2,
        "token_prefix": 0,
        "token_length_ratio": math.log(4 / 3),
        "token_length_difference": math.log(2),
        "token_length": math.log(8),
        "token_longer_first": -math.log(4 / 3),
        "character_1_jaccard": 2 / 5,
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected, abs=1e-6)


def test_character_orders_and_affixes():
    found = compared("花呗怎么关", "花呗能关")
    assert found["character_1_jaccard"] == pytest.approx(3 / 6)
    assert found["character_2_jaccard"] == pytest.approx(1 / 6)
    assert found["character_3_jaccard"] == 0
    assert found["character_prefix"] == pytest.approx(2 / 4)
    assert found["character_suffix"] == pytest.approx(1 / 4)
    assert found["character_substring"] == pytest.approx(2 / 5)
    assert found["character_same_order"] == 1


def test_multiplicity_counts():
    found = compared("a a b", "a b b")
    assert found["token_1_jaccard"] == pytest.approx(2 / 4)
    heavy = 1 + math.log(2)
    assert found["token_cosine"] == pytest.approx(2 * heavy / (heavy**2 + 1))


def test_rare_units_weigh_more():
    # 4 texts: "a" is in all of them, "b" in one; "z" is as rare as "b".
    features = PairFeatures.fit(words(text) for text in ("a b", "a", "a", "a"))
    common, rare = 1.0, 1 + math.log(5 / 2)
    assert features.idf["token"] == pytest.approx({"a": common, "b": rare})
    found = compared("a b", "a z", features)
    assert found["token_coverage_min"] == pytest.approx(common / (common + rare))
    assert found["token_cosine"] == pytest.approx(common**2 / (common**2 + rare**2))
    assert found["token_rarest_unmatched_min"] == pytest.approx(rare)
    assert compared("a b", "a", features)["token_rarest_unmatched_min"] == 0
    again = PairFeatures(features.idf)
    assert compared("a b", "a z", again) == found


@pytest.mark.parametrize(
    ("first", "second", "true"),
    [
        ("还3.5元", "还3.5元", {"number_shared"}),
        ("还3.5元", "还4元", {"numbers_differ"}),
        ("还十元", "还钱", {"numbers_differ", "number_in_one"}),
        ("能还", "不能还", {"negations_odd", "negation_in_one"}),
        ("不能不还", "还", {"negation_in_one"}),
        ("没还", "未还", {"negation_in_both"}),
        ("I can't pay", "I can pay", {"negations_odd", "negation_in_one"}),
        ("Not now", "a knot, nowhere", {"negations_odd", "negation_in_one"}),
    ],
)
def test_numbers_and_negations(first, second, true):
    found = compared(first, second)
    flags = FEATURE_NAMES[-6:]
    assert {name for name in flags if found[name]} == true
    assert all(found[name] in (0, 1) for name in flags)


TEXTS = st.text("ab 不1", max_size=12)


@given(TEXTS, TEXTS)
def test_exchanging_the_texts_changes_the_sign_of_one_feature(first, second):
    one, other = compared(first, second), compared(second, first)
    for name, value in one.items():
        sign = -1 if name.endswith("longer_first") else 1
        assert other[name] == pytest.approx(sign * value, abs=1e-6)
        assert math.isfinite(value)


@given(TEXTS)
def test_a_text_and_itself(text):
    found = compared(text, text)
    nothing = not text.split()
    for name in ("token_1_jaccard", "character_cosine", "token_substring", "character_prefix"):
        assert found[name] == pytest.approx(0 if nothing else 1)
    assert found["token_unmatched"] == found["character_length_difference"] == 0


def by_table(one, other, *, adjacent):
    """The textbook's dynamic programme."""
    table = np.zeros((len(one) + 1, len(other) + 1), int)
    for row, a in enumerate(one, 1):
        for column, b in enumerate(other, 1):
            if a == b:
                table[row, column] = table[row - 1, column - 1] + 1
            elif not adjacent:
                table[row, column] = max(table[row - 1, column], table[row, column - 1])
    return table.max()


@given(st.text("abc", max_size=80), st.text("abcd", max_size=80))
def test_longest_common_parts(one, other):
    assert longest_common_subsequence(one, other) == by_table(one, other, adjacent=False)
    assert longest_common_substring(one, other) == by_table(one, other, adjacent=True)


def test_ngrams():
    assert ngrams("abc", 2) == [("a", "b"), ("b", "c")]
    assert ngrams("abc", 4) == []


def test_substitutions():
    assert substitutions(["a", "b", "c", "b"], ["d", "a", "e"]) == [
        ("b", "d"),
        ("b", "e"),
        ("c", "d"),
        ("c", "e"),
    ]
    assert substitutions(["d"], ["b"]) == substitutions(["b"], ["d"]) == [("b", "d")]
    assert substitutions(["a"], ["a", "b"]) == []
    many = [str(number) for number in range(100)]
    assert len(substitutions(many, ["x"])) == MAX_UNMATCHED


def test_an_example_of_the_documentation():
    features = PairFeatures.fit([words("a b")])
    assert compared("A b", "b", features)["token_1_jaccard"] == 0.5
