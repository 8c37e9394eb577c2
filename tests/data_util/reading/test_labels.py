from collections import Counter

import pytest

from common.errors import InputError
from data_util.reading.labels import LabelSet


def test_from_counts_sorts_by_falling_frequency_and_code_point():
    labels = LabelSet.from_counts(Counter({"b": 2, "a": 2, "盗窃": 9, "Z": 2, "诈骗": 1}))
    assert labels.labels == ("盗窃", "Z", "a", "b", "诈骗")
    assert len(labels) == 5


def test_ids_are_places():
    labels = LabelSet(["盗窃", "诈骗", "抢劫"])
    assert labels.ids(("抢劫", "盗窃")) == [2, 0]
    assert labels.ids(()) == []
    with pytest.raises(InputError, match="'赌博' is not one of the 3 known labels"):
        labels.ids(["盗窃", "赌博"])


def test_save_and_load(tmp_path):
    path = tmp_path / "labels.txt"
    LabelSet(["走私、贩卖", "a__label__b", "133"]).save(path)
    assert path.read_bytes() == "走私、贩卖\na__label__b\n133\n".encode()
    assert LabelSet.load(path).labels == ("走私、贩卖", "a__label__b", "133")


def test_load_takes_files_from_other_editors(tmp_path):
    path = tmp_path / "labels.txt"
    path.write_bytes(b"\xef\xbb\xbfa\r\nb\r\n")
    assert LabelSet.load(path).labels == ("a", "b")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", r"labels\.txt: no labels"),
        (b"\n", r"labels\.txt:1: an empty label"),
        (b"a\n\nb\n", r"labels\.txt:2: an empty label"),
        (b"a\nb\na\n", r"labels\.txt:3: the label 'a' is there twice, first as number 1"),
        (b"a\nb  c\n", r"labels\.txt:2: the label 'b  c' has white space"),
        (b"a\nb \n", r"labels\.txt:2: the label 'b ' has white space"),
        (b"a\n\xff\n", r"labels\.txt:2: not UTF-8 at byte 2"),
    ],
)
def test_load_names_what_is_wrong(tmp_path, data, message):
    path = tmp_path / "labels.txt"
    path.write_bytes(data)
    with pytest.raises(InputError, match=message):
        LabelSet.load(path)


def test_no_labels():
    with pytest.raises(InputError, match="at least one is needed"):
        LabelSet.from_counts(Counter())
