import numpy as np

from data_util.tokens.ngram_table import NgramTable
from data_util.tokens.pair_features import FEATURE_NAMES
from data_util.tokens.pair_table import PairTable
from tasks.classification.evidence import evidence, feature_name

WORDS = ["stole", "phone", "the", "hit", "stole phone", ","]
TABLE = NgramTable([WORDS[:4], ["stole phone"], [","], [], [], []], np.ones(6), 4)
#                   theft  assault
KERNEL = np.array(
    [[0.9, -0.5], [0.6, 0.1], [0.1, 0.1], [-0.7, 0.8], [0.8, 0.0], [2.0, 0.0]], np.float32
)


def features(*names):
    ids = np.array([WORDS.index(name) for name in names])
    return ids, np.ones(len(ids), np.float32)


def test_what_spoke_for_the_wrong_label_and_not_for_the_missed_one():
    found = evidence(features("stole", "phone", "the", "hit"), KERNEL, TABLE, 0, 1)
    assert found == ["stole", "phone"]  # "the" speaks for both alike, "hit" for the missed one


def test_values_count():
    ids, values = features("stole", "phone")
    assert evidence((ids, values * [0.1, 1]), KERNEL, TABLE, 0, None) == ["phone", "stole"]


def test_what_spoke_against_a_missed_label():
    assert evidence(features("stole", "hit"), KERNEL, TABLE, None, 1) == ["stole"]


def test_parts_of_others_and_punctuation_are_left_out():
    found = evidence(features("stole", "stole phone", "phone", ","), KERNEL, TABLE, 0, None)
    assert found == ["stole", "phone"]
    assert evidence(features("stole", "phone"), KERNEL, TABLE, 0, None, number=1) == ["stole"]


def test_nothing_is_known():
    assert evidence(features("stole"), KERNEL, TABLE, None, None) == []
    assert evidence((np.zeros(0, int), np.zeros(0)), KERNEL, TABLE, 0, 1) == []


def test_names_of_features():
    assert [feature_name(TABLE, feature) for feature in range(6)] == WORDS
    pairs = [(["a", "b"], ["a", "c"]), (["a", "b"], ["a", "c"]), (["b"], ["c"])]
    table = PairTable.build(lambda: pairs)
    names = [feature_name(table, feature) for feature in range(len(table))]
    assert names[0].endswith(" (both)") and names[len(table.ngrams)].endswith(" (only one)")
    assert names[-1] == FEATURE_NAMES[-1].replace("_", " ")
    assert "b / c" in names
