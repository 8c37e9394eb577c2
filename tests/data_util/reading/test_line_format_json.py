"""Lines that are JSON records."""

import pytest

from common.errors import InputError
from data_util.reading.line_format import LineParser
from tests.data_util.reading.parsed_lines import parse, record


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
