import pytest

from data_util.labelled.checked_examples import checked_document
from data_util.labelled.troubles import RARE, TroubleFinder, similar_labels
from data_util.reading.documents import Document


def found(**splits):
    """The troubles of splits of (text, labels), by kind."""
    finder = TroubleFinder()
    for split, documents in splits.items():
        for line, (text, labels) in enumerate(documents, start=1):
            document = Document(text, tuple(labels), f"{split}.txt", line)
            finder.add(split, checked_document(document), document.path)
    return {trouble.kind: trouble for trouble in finder.troubles()}, finder


MANY = [(f"text {number}", "AB"[number % 2]) for number in range(2 * RARE)]


def test_nothing_is_suspicious():
    troubles, finder = found(train=MANY, valid=[("other", "A")])
    assert troubles == {} and finder.one_label_each


def test_duplicates():
    troubles, _ = found(train=[*MANY, ("text  3 ", "B"), ("text 3", "B")])
    assert list(troubles) == ["duplicates"]
    trouble = troubles["duplicates"]
    assert trouble.count == 2
    assert trouble.examples == ("train.txt:21 as train.txt:4", "train.txt:22 as train.txt:4")
    assert trouble.message == (
        "2 of 22 documents in train repeat the text of an earlier one "
        "(train.txt:21 as train.txt:4, train.txt:22 as train.txt:4)"
    )


def test_contradictions():
    troubles, _ = found(train=[*MANY, ("text 3", "A"), ("text 3", "A"), ("text 4", "")])
    assert troubles["contradictions"].count == 2
    assert (
        "2 texts are there several times, with different labels"
        in troubles["contradictions"].message
    )
    # The order of labels does not matter.
    troubles, _ = found(train=[*MANY, ("x", "AB"), ("x", "BA")])
    assert "contradictions" not in troubles


def test_texts_that_splits_share():
    troubles, _ = found(train=MANY, valid=[("text 1", "B"), ("new", "A")], test=[("new", "A")])
    assert troubles["shared"].count == 1
    messages = [t.message for t in _.troubles() if t.kind == "shared"]
    assert messages[0].startswith("1 of 2 documents in valid have a text that is in train too")
    assert messages[1].startswith("1 of 1 documents in test have a text that is in valid too")
    # One file for two splits.
    finder = TroubleFinder()
    for split in ("train", "valid"):
        for line, (text, labels) in enumerate(MANY):
            document = Document(text, tuple(labels), "all.txt", line)
            finder.add(split, checked_document(document), document.path)
    assert [t.count for t in finder.troubles()] == [len(MANY)]


def test_labels_that_are_rare_or_unseen_or_missing():
    troubles, finder = found(train=[*MANY, ("x", ["C"]), ("y", [])], valid=[("z", ["D"])])
    assert troubles["rare_labels"].examples == ("C",)
    assert (
        "1 of 3 labels have fewer than 10 documents in train (1 have a single one)"
        in troubles["rare_labels"].message
    )
    assert "valid has 1 labels that train does not have (D)" in troubles["unseen_labels"].message
    assert troubles["no_labels"].examples == ("train.txt:22",)
    assert not finder.one_label_each


@pytest.mark.parametrize(
    ("counts", "pairs"),
    [
        ({"Billing": 40, "billing": 30}, [("billing", "Billing")]),
        ({"ＡＢ": 1, "ab": 9}, [("ＡＢ", "ab")]),
        ({"billing": 40, "biling": 1}, [("biling", "billing")]),
        ({"billing": 40, "billinng": 2}, [("billinng", "billing")]),
        ({"盗窃": 40, "盗切": 1}, [("盗切", "盗窃")]),
        # Both are frequent, or they are numbers, or two characters differ.
        ({"盗窃": 40, "抢窃": 30}, []),
        ({"264": 400, "266": 1, "26": 1}, []),
        ({"billing": 40, "bilinng": 1, "shipping": 1}, []),
        (
            {f"class {letter}": 100 if letter == "a" else 1 for letter in map(chr, range(97, 123))},
            [],
        ),
        ({}, []),
    ],
)
def test_similar_labels(counts, pairs):
    assert similar_labels(counts) == pairs


def test_similar_labels_are_all_pairs_at_a_distance_of_one():
    # By hand: a change, a longer and a shorter one of "abcd".
    counts = {"abcd": 100, "abcx": 1, "abcde": 1, "abd": 1, "abxx": 1, "bcd": 1}
    wanted = {"abcx", "abcde", "abd", "bcd"}
    assert {rare for rare, often in similar_labels(counts) if often == "abcd"} == wanted
