from collections import Counter
from itertools import pairwise

import pytest

from benchmarks.lib.item_sequences import read_sequences, synthetic_sequences, without_rare
from common.errors import InputError


def read(tmp_path, content):
    path = tmp_path / "items.dat"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_sequences(path)


def test_ratings_are_ordered_by_time(tmp_path):
    content = "1::10::5::30\n2::7::3::5\n1::20::4::10\n\n1::30::1::30\n2::8::3::4\r\n"
    assert read(tmp_path, content) == [["20", "10", "30"], ["8", "7"]]


def test_a_user_per_line(tmp_path):
    assert read(tmp_path, "a b  c\n\nd\te\r\n") == [["a", "b", "c"], ["d", "e"]]


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        ("1::10::5::30\n1::20::5\n", r"items\.dat:2: a rating is UserID::.*, not '1::20::5'"),
        ("1::10::5::30\n1::20::5::soon\n", r"items\.dat:2: a rating is"),
        ("1::10::5::30\n1:: ::5::3\n", r"items\.dat:2: a rating is"),
        ("1 2\n1::10::5::30\n", r"items\.dat:2: a rating among users' items"),
        (b"1 2\n\xff\n", r"items\.dat:2: not UTF-8"),
        ("\n", r"items\.dat: no items"),
        ("", r"items\.dat: no items"),
    ],
)
def test_a_bad_file_is_one_line_with_file_and_line(tmp_path, content, wrong):
    with pytest.raises(InputError, match=wrong) as caught:
        read(tmp_path, content)
    assert "\n" not in str(caught.value)


def test_no_file(tmp_path):
    with pytest.raises(InputError, match=r"none\.dat: this file cannot be read: No such file"):
        read_sequences(tmp_path / "none.dat")


def test_rare_items_and_users_are_left_out_until_none_is_left():
    sequences = [["a", "b", "a", "c"], ["b", "a"], ["c", "a"], ["d", "c"]]
    assert without_rare(sequences, 2) == [["a", "b", "c"], ["b", "a"], ["c", "a"]]
    assert without_rare([["a"], ["b"]], 2) == []


def test_synthetic_sequences_follow_a_chain():
    sequences = synthetic_sequences(400, items=50, interruptions=0.2)
    assert sequences == synthetic_sequences(400, items=50, interruptions=0.2)
    assert sequences != synthetic_sequences(400, items=50, interruptions=0.2, seed=2)
    assert all(10 <= len(each) == len(set(each)) <= 40 for each in sequences)
    following = Counter(pair for each in sequences for pair in pairwise(each))
    # Four of 50 items have most of what follows an item.
    items = {item for each in sequences for item in each}
    shares = []
    for item in items:
        counts = sorted((n for (a, _), n in following.items() if a == item), reverse=True)
        shares.append(sum(counts[:4]) / sum(counts))
    assert sum(shares) / len(shares) > 0.4
