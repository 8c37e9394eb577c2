"""What the linear classifier reads of a pair, by hand."""

import numpy as np
import pytest
import rjieba

from common.errors import InputError
from data_util.tokens.ngrams import KINDS
from data_util.tokens.pair_features import FEATURE_NAMES
from data_util.tokens.pair_table import PairTable

PAIRS = [
    (["how", "to", "pay"], ["how", "to", "repay"]),
    (["how", "to", "pay"], ["when", "to", "repay"]),
    (["close", "it"], ["how", "to", "close", "it"]),
    (["close", "it"], ["pay", "it"]),
]


@pytest.fixture(scope="module")
def table() -> PairTable:
    return PairTable.build(lambda: PAIRS)


def named(table: PairTable, first: list[str], second: list[str]) -> dict[tuple[str, str], float]:
    """The n-grams of a pair: ("both" or "one", kind and n-gram)."""
    names = [
        (KINDS[kind], ngram)
        for kind, each in enumerate(table.ngrams.ngrams)
        for ngram in each
    ]  # fmt: skip
    indices, values = table.features(first, second)
    found = {}
    for index, value in zip(indices.tolist(), values.tolist(), strict=True):
        if index < 2 * len(names):
            which = "both" if index < len(names) else "one"
            found[which, "{} {}".format(*names[index % len(names)])] = value
    return found


def test_ngrams_of_both_texts_and_of_one(table: PairTable) -> None:
    found = named(table, ["close", "it"], ["pay", "it"])
    words = {key for key in found if key[1].startswith("w1")}
    assert words == {("both", "w1 it"), ("one", "w1 close"), ("one", "w1 pay")}
    # The smaller of both values: "it" weighs less beside the rarer "close" than beside "pay".
    indices, values = table.ngrams.features(["close", "it"])
    others, other_values = table.ngrams.features(["pay", "it"])
    it = table.ngrams.ngrams[0].index("it")
    smaller = min(values[indices == it][0], other_values[others == it][0])
    assert found["both", "w1 it"] == pytest.approx(smaller)


def test_the_order_of_the_texts_changes_only_the_number_that_says_it(table: PairTable) -> None:
    def as_dict(first: list[str], second: list[str]) -> dict[int, float]:
        return dict(zip(*(each.tolist() for each in table.features(first, second)), strict=True))

    one, other = as_dict(*PAIRS[1]), as_dict(*PAIRS[1][::-1])
    assert one.keys() == other.keys()
    changed = {index for index in one if one[index] != pytest.approx(other[index])}
    first_number = len(table) - len(FEATURE_NAMES)
    assert {FEATURE_NAMES[index - first_number] for index in changed} <= {
        "character_longer_first",
        "token_longer_first",
    }


def test_a_substitution_that_two_pairs_have_is_a_feature(table: PairTable) -> None:
    assert ("pay", "repay") in table.exchanged["token"]
    assert ("close", "pay") not in table.exchanged["token"]  # in one pair only
    index = 2 * len(table.ngrams) + len(table.exchanged["character"])
    index += table.exchanged["token"].index(("pay", "repay"))
    assert index in table.features(["pay"], ["repay"])[0]
    assert index not in table.features(["pay"], ["pay"])[0]


def test_the_numbers_are_standardized(table: PairTable) -> None:
    values = np.stack([table.features(*pair)[1][-len(FEATURE_NAMES) :] for pair in PAIRS])
    np.testing.assert_allclose(values.mean(axis=0), 0, atol=1e-4)
    varies = table.deviations > 1e-3
    np.testing.assert_allclose(values[:, varies].std(axis=0), 1, atol=1e-2)


def test_every_feature_has_a_kind_with_a_share(table: PairTable) -> None:
    assert len(table.kinds) == len(table)
    assert set(table.kinds.tolist()) <= set(range(len(KINDS) + 2))
    assert all(len(shares) == len(KINDS) + 2 for shares in table.mixtures.values())


def test_the_file_gives_the_same_features(table: PairTable) -> None:
    read = PairTable.from_text(table.to_text(), "ngrams.txt")
    assert len(read) == len(table)
    for pair in PAIRS:
        for ours, theirs in zip(table.features(*pair), read.features(*pair), strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_words_are_found_in_the_characters_of_both_texts() -> None:
    texts = [("我们在浓度升高时跑步", "我们跑步"), ("我们跑步", "他们走路"), ("跑步", "走路")]
    words = [(rjieba.cut(first), rjieba.cut(second)) for first, second in texts]
    characters = [(list(first), list(second)) for first, second in texts]
    expected = PairTable.build(lambda: words)
    table = PairTable.build(lambda: characters, segmented=True)
    assert table.exchanged == expected.exchanged
    assert PairTable.from_text(table.to_text(), "ngrams.txt").ngrams.segmented
    for pair, pair_of_words in zip(characters, words, strict=True):
        for ours, theirs in zip(
            table.features(*pair), expected.features(*pair_of_words), strict=True
        ):
            np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("line", ["number\tx\t1", "number\tx\ty\t1", "token\tone", "other\t1\t2"])
def test_a_broken_line_is_named(table: PairTable, line: str) -> None:
    lines = table.to_text().split("\n")
    number = next(i for i, each in enumerate(lines) if each.startswith("number")) + 1
    lines.insert(number, line)
    with pytest.raises(InputError, match=f"ngrams.txt:{number + 1}"):
        PairTable.from_text("\n".join(lines), "ngrams.txt")


def test_numbers_of_another_version_are_refused(table: PairTable) -> None:
    text = "\n".join(line for line in table.to_text().split("\n") if "length_ratio" not in line)
    with pytest.raises(InputError, match="another version"):
        PairTable.from_text(text, "ngrams.txt")


def test_texts_without_tokens(table: PairTable) -> None:
    indices, values = table.features([], [])
    assert len(indices) == len(values) == len(FEATURE_NAMES)
    assert np.isfinite(values).all()
