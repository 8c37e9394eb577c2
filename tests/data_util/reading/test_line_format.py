import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import InputError
from data_util.reading.labels import label_problem
from data_util.reading.line_format import LineParser
from data_util.reading.settings import Reading


def parse(line: str, *, labelled: bool = True, **settings):
    parser = LineParser("file", labelled=labelled, reading=Reading(**settings))
    return parser.parse(line, 7)


def record(fact="他来了。", **meta) -> str:
    return json.dumps({"fact": fact, "meta": meta})


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


@pytest.mark.parametrize(
    ("value", "labels"),
    [
        (["盗窃"], ("盗窃",)),
        (["盗窃", "诈骗", "盗窃"], ("盗窃", "诈骗")),
        ([264, 133], ("264", "133")),
        ([264, "264"], ("264",)),
        (["late shipping", " late  shipping "], ("late shipping",)),
        (["账户\u3000登录", "a,b"], ("账户 登录", "a,b")),
        ("盗窃", ("盗窃",)),
    ],
)
def test_json_labels(value, labels):
    assert parse(record(accusation=value)) == ("他来了。", labels)


@pytest.mark.parametrize("value", [None, []])
def test_json_record_without_labels_is_left_out_and_counted(value):
    parser = LineParser("f", labelled=True)
    assert parser.parse(record(accusation=value), 1) == ("", ())
    assert parser.parse(record(accusation=["盗窃"]), 2) == ("他来了。", ("盗窃",))
    assert parser.without_labels == 1


def test_json_label_field():
    line = record(accusation=["盗窃"], relevant_articles=[264])
    assert parse(line, label_field="relevant_articles")[1] == ("264",)
    with pytest.raises(InputError, match=r"a labelled record needs `meta.punish`, `punish`\. Its"):
        parse(line, label_field="punish")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{}", "no text: a record needs `fact`, `text`, `sentence`, or for pairs"),
        ('{"fact": 3}', "needs a string as its `fact`. Received: 3"),
        ('{"fact": null}', "Received: None"),
        ('{"fact": "a"}', "needs `meta.accusation`, `accusation`, `label`, `labels`"),
        ('{"fact": "a", "meta": []}', "needs `meta.accusation`"),
        (record(relevant_articles=[1]), "needs `meta.accusation`"),
        (record(accusation=[None]), "whole numbers. Received: None"),
        (record(accusation=[True]), "whole numbers. Received: True"),
        (record(accusation=[1.5]), "whole numbers. Received: 1.5"),
        (record(accusation={"a": 1}), "whole numbers. Received: {'a': 1}"),
        (record(accusation=[2.0]), 'Received: 2.0. Write 2, or "2"'),
        (record(accusation=[" "]), "the label ' ' in `meta.accusation` is empty"),
        (record(" \n", accusation=["a"]), "its `fact` is empty"),
        ('{"fact": "a\\ud83d", "meta": {"accusation": ["a"]}}', "ud83d is half of a surrogate"),
        ('{"fact": "a", "meta": {"accusation": ["\\udc00"]}}', "udc00 is half of a surrogate"),
        ('{"fact": "a", "meta": {"accusation": ["b"]}', "looks like a JSON record with `fact` but"),
        ('{"fact": ' + "[" * 100_000, "looks like a JSON record with `fact` but"),
    ],
)
def test_wrong_json(line, message):
    with pytest.raises(InputError) as error:
        parse(line)
    assert message in str(error.value)
    assert str(error.value).startswith("file:7: ")


def test_a_whole_surrogate_pair_is_a_character():
    assert parse(record("好\U0001f600", accusation=["a"]))[0] == "好\U0001f600"


@pytest.mark.parametrize("first", ["[1]", '"fact"', "3", "{curly} text", '{"a" text}', "null"])
def test_what_is_no_json_object_is_text(first):
    parser = LineParser("file", labelled=False)
    assert parser.parse("  ", 1) == ("", ())
    assert parser.is_json is None
    assert parser.parse(first, 2) == (first, ())
    assert parser.is_json is False
    assert parser.parse('{"fact": "a"}', 3) == ('{"fact": "a"}', ())


@pytest.mark.parametrize("line", ["text __label__a", "[1]", "3", '{"fact": "a"', '{"fact": "a"} b'])
def test_every_line_of_a_json_file_is_an_object(line):
    parser = LineParser("file", labelled=False)
    assert parser.parse('{"fact": "a"}', 1) == ("a", ())
    assert parser.parse(" ", 2) == ("", ())
    with pytest.raises(InputError, match="file:3: not a JSON object, as the first line"):
        parser.parse(line, 3)


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
