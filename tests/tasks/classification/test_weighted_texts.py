"""Raw texts that name labels, and descriptions of labels, as further examples."""

import numpy as np
import pytest

from common.errors import InputError, OptionError
from data_util.reading.labels import LabelSet
from data_util.tokens.tokenizers import make_tokenizer
from data_util.tokens.vocabulary import RESERVED, Vocabulary
from tasks.classification.options import ClassificationOptions
from tasks.classification.records import LabelledSplits
from tasks.classification.weighted_texts import WeightedText, weighted_corpus, weighted_texts
from tasks.data import DataSettings

LABELS = LabelSet(["盗窃", "诈骗", "joy"])


@pytest.fixture
def read(tmp_path):
    """The texts of files with these lines, and further options."""

    def make(files=None, *, exclusive=False, **options):
        for option, lines in (files or {}).items():
            path = tmp_path / f"{option}.txt"
            path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
            takes_several = option in ("mention_source_file", "label_descriptions_file")
            options[option] = [str(path)] if takes_several else str(path)
        return weighted_texts(LABELS, ClassificationOptions(**options), exclusive=exclusive)

    return make


RAW = [
    "甲盗窃手机。",
    "乙殴打他人。",
    "",
    "丙先盗窃，后诈骗。",
    "It was a joy, but no killjoy.",
    "一审认定盗窃，二审认定非盗窃罪。",
]


def test_no_files_no_texts(read):
    assert read() == []


def test_texts_that_name_labels(read):
    assert read({"mention_source_file": RAW}) == [
        WeightedText("甲××手机。", (0,), 0.3),
        WeightedText("丙先××，后××。", (0, 1), 0.3),
        # A name within a word is none.
        WeightedText("It was a ××, but no killjoy.", (2,), 0.3),
        WeightedText("一审认定××，二审认定非××罪。", (0,), 0.3),
    ]


def test_with_exactly_one_label_texts_that_name_several_are_left_out(read):
    found = read({"mention_source_file": RAW}, exclusive=True, mention_weight=0.5)
    assert [(text.labels, text.weight) for text in found] == [((0,), 0.5), ((2,), 0.5), ((0,), 0.5)]


def test_names_and_patterns_of_files(read):
    files = {
        "mention_source_file": RAW,
        # A label that the task does not have names nothing.
        "label_names_file": ["诈骗", "盗窃\t手机\t盗窃", "伤害\t殴打"],
        "label_pattern_file": ["认定{}", "后{}", "殴{}", "!非{}"],
    }
    assert read(files) == [
        WeightedText("丙先盗窃，后××。", (1,), 0.3),
        WeightedText("一审认定××，二审认定非××罪。", (0,), 0.3),
    ]


def test_only_so_many_raw_texts_are_read(tmp_path):
    (tmp_path / "raw.txt").write_text("\n".join(RAW), encoding="utf-8")
    options = ClassificationOptions(mention_source_file=[str(tmp_path / "raw.txt")])
    found = weighted_texts(LABELS, options, exclusive=False, max_documents=3)
    assert [text.labels for text in found] == [(0,), (0, 1)]


def test_descriptions(read, caplog):
    caplog.set_level("INFO")
    lines = [
        "盗窃\t以非法占有为目的，盗窃财物。 ",
        "",
        "走私\t逃避海关监管。",
        "joy\tA feeling\tof joy",
    ]
    found = read({"label_descriptions_file": lines}, description_weight=2.0)
    assert found == [
        WeightedText("以非法占有为目的，××财物。", (0,), 2.0),
        WeightedText("A feeling\tof ××", (2,), 2.0),
    ]
    assert "2 descriptions of labels" in caplog.text
    assert "1 of labels that no document has are left out" in caplog.text


def test_both_kinds(read):
    files = {"mention_source_file": RAW[:1], "label_descriptions_file": ["诈骗\t骗取财物"]}
    assert read(files, mention_weight=0.25) == [
        WeightedText("甲××手机。", (0,), 0.25),
        WeightedText("骗取财物", (1,), 1.0),
    ]


@pytest.mark.parametrize("option", ["label_names_file", "label_pattern_file"])
def test_an_option_that_lacks_another_is_named(read, option):
    with pytest.raises(OptionError, match=f"^--{option} is used with .*--mention_source_file"):
        read({option: ["盗窃"]})


@pytest.mark.parametrize("line", ["盗窃 以非法占有为目的", "盗窃\t ", "盗窃", "\t盗窃"])
def test_a_description_without_a_label_or_text_is_named(read, tmp_path, line):
    with pytest.raises(InputError) as caught:
        read({"label_descriptions_file": ["诈骗\t骗取财物", line]})
    place = tmp_path / "label_descriptions_file.txt"
    assert str(caught.value) == f"{place}:2: expected `label<TAB>text`"


def test_a_line_that_is_no_text_is_named(read, tmp_path):
    path = tmp_path / "binary.txt"
    path.write_bytes("盗窃\t财物\n诈骗\t".encode() + b"\xff\n")
    with pytest.raises(InputError, match=r"^.*binary\.txt:2: not UTF-8"):
        read(label_descriptions_file=[str(path)])


@pytest.mark.parametrize("option", ["mention_source_file", "label_descriptions_file"])
def test_a_missing_file_is_named(read, tmp_path, option):
    with pytest.raises(InputError, match=r"gone\.txt"):
        read(**{option: [str(tmp_path / "gone.txt")]})


def test_broken_names_and_patterns_are_named(read):
    with pytest.raises(InputError, match=r"label_names_file\.txt:2: .*there twice"):
        read({"mention_source_file": RAW, "label_names_file": ["盗窃", "盗窃"]})
    with pytest.raises(InputError, match=r"label_pattern_file\.txt:2: a pattern has exactly one"):
        read({"mention_source_file": RAW, "label_pattern_file": ["犯{}", "犯"]})


def test_the_corpus_of_texts(tmp_path):
    vocabulary = Vocabulary([*RESERVED, "甲", "乙", "×"])
    settings = DataSettings(make_tokenizer("char"), vocabulary, 100, 1, 4, 8, 0, tmp_path)
    texts = [
        WeightedText("甲乙丙", (2, 0), 1.0),
        WeightedText("××", (1,), 0.3),
        WeightedText("乙" * 9, (0,), 0.3),
    ]
    corpus = weighted_corpus(texts, LabelledSplits(vocabulary, LABELS, False, {}), settings)
    assert len(corpus) == 3
    # Not truncated: batches do that.
    expected = [[5, 6, 1], [7, 7], [6] * 9]
    assert [corpus.tokens(number).tolist() for number in range(3)] == expected
    assert [corpus.labels(number).tolist() for number in range(3)] == [[2, 0], [1], [0]]
    assert corpus.first_lengths is None
    assert corpus.label_ids.dtype == np.int32
