"""Lines of two texts."""

import json

import pytest

from common.errors import InputError
from data_util.reading.line_format import LineParser
from tests.data_util.reading.parsed_lines import parse, record


def pair_record(**values) -> str:
    return json.dumps({"text_a": "他来了", "text_b": "来了吗", **values})


PAIR = ("他来了", "来了吗")


@pytest.mark.parametrize(
    ("line", "pair", "labels"),
    [
        ("他来了\t来了吗 __label__same", PAIR, ("same",)),
        (" 他来了 \t 来了吗\t__label__x __label__y", PAIR, ("x", "y")),
        (pair_record(label="same"), PAIR, ("same",)),
        (pair_record(label=[1, "x", 1]), PAIR, ("1", "x")),
        (pair_record(text_b=" 来\t了\n吗 ", label=0), ("他来了", "来\t了\n吗"), ("0",)),
    ],
)
def test_labelled_pairs(line, pair, labels):
    assert parse(line) == (pair, labels)
    assert parse(line, labelled=False) == (pair, ())


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (pair_record(text_a=3, label="x"), "needs a string as its `text_a`. Received: 3"),
        ('{"text_a": "a", "label": "x"}', "needs a string as its `text_b`. There is none"),
        (pair_record(text_b=" ", label="x"), "a text of this pair is empty"),
        (pair_record(), "needs .*`label`"),
        (pair_record(label=True), "whole numbers. Received: True"),
        (pair_record(text_a="\ud83d", label="x"), "ud83d is half of a surrogate"),
        ('{"text_a": "a", ', "looks like a JSON record with `text_a` but is no JSON"),
    ],
)
def test_wrong_pairs(line, message):
    with pytest.raises(InputError, match=f"^file:7: .*{message}"):
        parse(line)


SINGLE, DOUBLE = "a __label__x", "a\tb __label__x"


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (DOUBLE, "a\tb\tc __label__x", "f:2: a tab separates the two texts .*there are 2 tabs"),
        (DOUBLE, SINGLE, "f:2: a single text, but above it are pairs: .*`text_a<TAB>text_b`"),
        (DOUBLE, "a\t __label__x", "f:2: a single text, but above it are pairs"),
        (DOUBLE, "\tb __label__x", "f:2: a single text, but above it are pairs"),
        (record(accusation=1), pair_record(label=1), "f:2: a pair of texts, but above it"),
        (pair_record(label=1), record(accusation=1), "f:2: a single text, but above it"),
    ],
)
def test_single_texts_and_pairs_in_one_file(first, second, message):
    parser = LineParser("f", labelled=True)
    parser.parse(first, 1)
    assert parser.parse(" ", 1) == ("", ())
    with pytest.raises(InputError, match=f"^{message}"):
        parser.parse(second, 2)


@pytest.mark.parametrize("first", [SINGLE, "a\tb\tc __label__x"])
def test_a_tab_is_white_space_where_the_first_text_is_single(first):
    parser = LineParser("f", labelled=True)
    assert parser.parse(first, 1)[1] == ("x",)
    assert parser.parse(DOUBLE, 2) == ("a\tb", ("x",))


def test_pairs_by_option():
    assert parse(DOUBLE, pairs=False) == ("a\tb", ("x",))
    assert parse(DOUBLE, pairs=True) == (("a", "b"), ("x",))
    with pytest.raises(InputError, match=r"this run reads pairs.*--pairs=false"):
        parse(SINGLE, pairs=True)
    assert parse("a\tb", labelled=False, pairs=False) == ("a\tb", ())


def test_what_a_classifier_reads():
    def parse(line, pairs):
        return LineParser("f", labelled=False, pairs=pairs).parse(line, 1)

    assert parse("a\tb __label__x", True) == (("a", "b"), ())
    assert parse("a b __label__x", False) == ("a b", ())
    # An empty text in a pair leaves nothing to be labelled.
    assert parse(pair_record(text_a=" "), True) == ("", ())
    with pytest.raises(InputError, match="a single text, but the classifier reads pairs"):
        parse("a b", True)
    with pytest.raises(InputError, match="a pair of texts, but the classifier reads single texts"):
        parse(pair_record(), False)
    with pytest.raises(InputError, match="here are 2"):
        parse("a\tb\tc", True)
    # Of a single text, a tab is white space.
    assert parse("a\tb", False) == ("a\tb", ())


@pytest.mark.parametrize(
    ("lines", "texts"),
    [
        (["a\tb __label__x", "c\td", "e f"], [("a", "b"), ("c", "d"), "e f"]),
        (["a\tb", "c\td\te", "\t f"], [("a", "b"), "c\td\te", "f"]),
        # In ordinary text a tab is white space.
        (["a b", "c\td"], ["a b", "c\td"]),
        (["a\tb\tc", "c\td"], ["a\tb\tc", "c\td"]),
        ([pair_record(), record("x\ty"), pair_record(text_a="")], [PAIR, "x\ty", "来了吗"]),
    ],
)
def test_pairs_in_free_text(lines, texts):
    parser = LineParser("f", labelled=False)
    assert [parser.parse(line, 1)[0] for line in lines] == texts
