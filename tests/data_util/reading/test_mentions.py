import pickle
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import InputError
from data_util.reading.mentions import LabelMentions

CHARGES = {name: [name] for name in ("诈骗", "合同诈骗", "盗窃", "抢劫", "故意伤害", "故意杀人")}
JUDGMENTS = "data/label_patterns_zh.txt"


@pytest.fixture
def judgments(tmp_path):
    names = tmp_path / "charges.txt"
    names.write_text("".join(f"{name}\n" for name in CHARGES), encoding="utf-8")
    return LabelMentions.read(names, JUDGMENTS)


@pytest.mark.parametrize(
    ("text", "hidden", "labels"),
    [
        ("其行为构成盗窃罪。", "其行为构成××。", ("盗窃",)),
        # Names of what was found are hidden wherever they are, those of others before 罪 alone.
        ("盗窃后又抢劫，犯盗窃罪。", "××后又抢劫，犯××。", ("盗窃",)),
        ("抢劫罪与盗窃，涉嫌诈骗罪", "××与盗窃，涉嫌××", ("诈骗",)),
        # In the order of the file.
        ("犯盗窃罪，又犯诈骗罪", "犯××，又犯××", ("诈骗", "盗窃")),
        # Earlier convictions, and what it was not.
        ("曾因犯盗窃罪被判刑，现犯抢劫罪", "曾因犯××被判刑，现犯××", ("抢劫",)),
        ("不构成抢劫罪，而构成盗窃罪", "不构成××，而构成××", ("盗窃",)),
        ("不应认定为抢劫罪", "不应认定为××", ()),
        # Forbidden in one place, allowed in another.
        ("曾因盗窃罪被判刑，现犯盗窃罪", "曾因××被判刑，现犯××", ("盗窃",)),
        # The longest name.
        ("犯合同诈骗罪", "犯××", ("合同诈骗",)),
        ("犯诈骗罪，签订合同诈骗他人", "犯××，签订合同××他人", ("诈骗",)),
        ("盗窃他人财物", "盗窃他人财物", ()),
        ("犯盗窃", "犯盗窃", ()),
        ("", "", ()),
    ],
)
def test_judgments(judgments, text, hidden, labels):
    assert judgments.find(text) == (hidden, labels)


def test_a_listing_names_nothing(judgments):
    four = "犯诈骗罪，犯盗窃罪，犯抢劫罪，犯故意伤害罪"
    assert len(judgments.find(four)[1]) == 4
    assert judgments.find(four + "，犯故意杀人罪") == ("，".join(["犯××"] * 5), ())


def test_the_longest_of_overlapping_names():
    mentions = LabelMentions({"1": ["甲乙"], "2": ["乙丙丁"], "3": ["丁戊"]}, replacement="_")
    assert mentions.find("甲乙丙丁戊") == ("甲_戊", ("2",))
    assert mentions.find("甲乙，丁戊") == ("_，_", ("1", "3"))


def test_without_patterns_a_name_counts_wherever_it_stands():
    mentions = LabelMentions({"sport": ["sport", "football"], "art": ["art", "fine arts"]})
    assert mentions.find("football and fine arts") == ("×× and ××", ("sport", "art"))
    # As a word of its own: neither in "party" nor in "transport"; Chinese has no spaces.
    assert mentions.find("a party, transport, artèle") == ("a party, transport, artèle", ())
    assert mentions.find("看football吧") == ("看××吧", ("sport",))


def test_no_text_after_the_name_that_belongs_to_it():
    mentions = LabelMentions(CHARGES, ["涉嫌{}", "犯{}罪"], ["没有{}"])
    assert mentions.find("涉嫌盗窃，没有抢劫罪，诈骗罪") == ("涉嫌××，没有××罪，诈骗罪", ("盗窃",))


def test_characters_of_regular_expressions_are_text():
    mentions = LabelMentions({"a": ["C++"], "b": ["c.*"]}, ["({})"], replacement=r"\1")
    assert mentions.find("(C++) C++ (c.*) cxx") == (r"(\1) \1 (\1) cxx", ("a", "b"))


def test_reads_names(tmp_path):
    path = tmp_path / "names.txt"
    path.write_bytes("\ufeff7\t经济\t 金融 \r\n\n体育\n".encode())
    mentions = LabelMentions.read(path)
    assert mentions.labels == ("7", "体育") and len(mentions) == 2
    assert mentions.find("7 家金融，体育") == ("7 家××，××", ("7", "体育"))


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("", r"names\.txt: no labels"),
        ("\n\n", r"names\.txt: no labels"),
        ("a\nb\na\n", r"names\.txt:3: the label 'a' is there twice"),
        ("a\nb  c\n", r"names\.txt:2: the label 'b  c' has white space"),
        ("a\tx\nb\ty\tx\n", r"names\.txt:2: 'x' is a name of two labels, 'a' and 'b'"),
        ("a\tx\t\n", r"names\.txt:1: a name of the label 'a' is empty"),
        ("\tx\n", r"names\.txt:1: an empty label"),
    ],
)
def test_names_that_cannot_be_used(tmp_path, names, message):
    path = tmp_path / "names.txt"
    path.write_text(names, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        LabelMentions.read(path)


@pytest.mark.parametrize(
    ("patterns", "message"),
    [
        ("# nothing\n\n", r"patterns\.txt: no pattern that allows"),
        ("!不构成{}罪\n", r"patterns\.txt: no pattern that allows"),
        ("犯{}罪\n\n# a comment\n犯罪\n", r"patterns\.txt:4: a pattern has exactly one {}"),
        ("{}和{}\n", r"patterns\.txt:1: a pattern has exactly one {}.*'{}和{}'"),
        ("犯{}罪\n!\n", r"patterns\.txt:2: a pattern has exactly one {}"),
    ],
)
def test_patterns_that_cannot_be_used(tmp_path, patterns, message):
    names, path = tmp_path / "names.txt", tmp_path / "patterns.txt"
    names.write_text("盗窃\n", encoding="utf-8")
    path.write_text(patterns, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        LabelMentions.read(names, path)


def test_the_digest_tells_apart_what_finds_other_mentions():
    a, b = {"a": ["x"], "b": ["y"]}, {"b": ["y"], "a": ["x"]}
    made = [
        LabelMentions(a), LabelMentions(b), LabelMentions({**a, "b": ["z"]}),
        LabelMentions(a, ["{}"], ["no {}"]), LabelMentions(a, ["{}", "no {}"]),
        LabelMentions(a, replacement="_"), LabelMentions(a, max_labels=1),
    ]  # fmt: skip
    assert len({mentions.digest for mentions in made}) == len(made)
    assert LabelMentions(a, ("{}",)).digest == LabelMentions(a).digest
    assert pickle.loads(pickle.dumps(made[0])).find("x y") == ("×× ××", ("a", "b"))


@given(st.text("构成犯不因诈骗合同盗窃罪，x", max_size=60))
def test_no_name_of_what_was_found_is_left(text):
    mentions = LabelMentions(CHARGES, ["构成{}罪", "犯{}罪"], ["不构成{}罪", "因犯{}罪"])
    hidden, labels = mentions.find(text)
    assert not any(label in hidden for label in labels)
    assert all(f"犯{label}罪" in text or f"构成{label}罪" in text for label in labels)
    assert not any(f"{name}罪" in hidden for name in CHARGES)


def test_fast_on_names_that_overlap_themselves():
    begin = time.monotonic()
    assert LabelMentions({"a": ["一一"]}).find("一" * 100_001) == ("××" * 50_000 + "一", ("a",))
    assert time.monotonic() - begin < 5
