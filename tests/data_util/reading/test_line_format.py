"""Lines of text with labels and without, and what comes back of any line."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import InputError
from data_util.reading.labels import label_problem
from tests.data_util.reading.parsed_lines import parse, record


@pytest.mark.parametrize(
    ("line", "text", "labels"),
    [
        ("他来了 __label__盗窃", "他来了", ("盗窃",)),
        ("a  b c __label__x __label__y", "a  b c", ("x", "y")),
        ("a __label__x\t __label__y  ", "a", ("x", "y")),
        ("a\u3000__label__x", "a", ("x",)),
        ("  a __label__x", "a", ("x",)),
        ("a __label__y __label__x __label__y", "a", ("y", "x")),
        ("a __label__走私、贩卖(x):y", "a", ("走私、贩卖(x):y",)),
        # As fastText has them.
        ("__label__x a b", "a b", ("x",)),
        ("__label__x __label__y\ta b", "a b", ("x", "y")),
        ("__label__x a __label__y __label__x", "a", ("x", "y")),
        ("__label a __label__x", "__label a", ("x",)),
    ],
)
def test_labelled_text(line, text, labels):
    assert parse(line) == (text, labels)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("他来了", "a line without a label"),
        ("__label__x", "labels without a text"),
        (" \t__label__x __label__y", "labels without a text"),
        ("a __label__x b", "within the text"),
        ("a __label__x b __label__y", "within the text"),
        ("__label__x a __label__y b", "within the text"),
        ("a。__label__x __label__y", "within the text"),
        ("a __label__x__label__y", "`__label__` within the label 'x__label__y'"),
        ("a __label__x,__label__y", "`__label__` within the label 'x,__label__y'"),
        ("a __label__x, __label__y", "',' in the label 'x,' separates nothing"),
        ("a __label__x|y", "in the label 'x|y' separates nothing"),
        ("__label__甲，乙 a", "'，' in the label '甲，乙' separates nothing"),
        ("a __label__", "without a name"),
        ("a __label__x __label__", "without a name"),
    ],
)
def test_wrong_labelled_text_shows_the_right_form(line, message):
    message = re.escape(message)
    with pytest.raises(InputError, match=rf"^file:7: .*{message}.*`text __label__A __label__B`"):
        parse(line)


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("他来了", "他来了"),
        ("他来了 __label__x __label__y", "他来了"),
        ("他来了__label__x", "他来了"),
        ("a __label__x b", "a b"),
        ("__label__x a", "a"),
        ("__label__x", ""),
        ("a\u3000 b", "a\u3000 b"),
        (record("一\n二 __label__x\n三"), "一\n二\n三"),
        (record("一", accusation=None), "一"),
        ('{"fact": "一"}', "一"),
        ('{"fact": " "}', ""),
    ],
)
def test_free_text_has_no_labels(line, text):
    assert parse(line, labelled=False) == (text, ())


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Z", "Cc")), min_size=1).filter(
    lambda word: "__label__" not in word and not word.endswith("_") and "{" not in word
)
LABELS = WORDS.filter(lambda word: label_problem(word) is None and not set(word) & set(",，;；|"))


@given(st.lists(WORDS, min_size=1), st.lists(LABELS, min_size=1, unique=True))
def test_text_and_labels_come_back(words, labels):
    line = " ".join(words) + "".join(f" __label__{label}" for label in labels)
    assert parse(line) == (" ".join(words), tuple(labels))
    assert parse(line, labelled=False) == (" ".join(words), ())


@given(st.lists(WORDS, min_size=1), st.lists(WORDS, min_size=1), st.lists(LABELS, min_size=1))
def test_pairs_come_back(first, second, labels):
    pair, wanted = (" ".join(first), " ".join(second)), tuple(dict.fromkeys(labels))
    line = "\t".join(pair) + "".join(f" __label__{label}" for label in labels)
    assert parse(line) == (pair, wanted)
    assert parse(line, labelled=False) == (pair, ())
    for value in (labels, labels[0]):
        told = json.dumps({"text_a": pair[0], "text_b": pair[1], "label": value})
        assert parse(told) == (pair, wanted if value is labels else wanted[:1])


# JSON can hold line feeds and tabs, and spells characters in its own way.
FACTS = st.text(st.characters(codec="utf-8", exclude_characters="\0_＿"), min_size=1).filter(
    str.strip
)


@given(FACTS, st.lists(LABELS | st.integers(), min_size=1), st.booleans())
def test_records_come_back(fact, labels, ascii_only):
    told = {"fact": fact, "meta": {"accusation": labels, "relevant_articles": [1]}}
    line = json.dumps(told, ensure_ascii=ascii_only)
    assert parse(line) == (fact.strip(), tuple(dict.fromkeys(map(str, labels))))
    assert parse(line, label_field="relevant_articles") == (fact.strip(), ("1",))
    assert parse(line, labelled=False) == (fact.strip(), ())


@given(st.lists(st.sampled_from(["__label__", "__la", "bel__", " ", "\n", "a"])).map("".join))
def test_a_mark_never_gets_into_a_text(text):
    assert "__label__" not in parse(text, labelled=False)[0]
    assert "__label__" not in parse(json.dumps({"fact": text}), labelled=False)[0]
