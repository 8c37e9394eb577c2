import pickle

import pytest

from data_util.errors import InputError


@pytest.mark.parametrize(
    ("path", "line", "expected"),
    [
        (None, None, "wrong"),
        ("a.txt", None, "a.txt: wrong"),
        ("a.txt", 3, "a.txt:3: wrong"),
        (None, 3, "3: wrong"),
    ],
)
def test_str_names_the_place_where_there_is_one(path, line, expected):
    assert str(InputError("wrong", path, line)) == expected


def test_survives_the_way_back_from_a_worker_process():
    error = pickle.loads(pickle.dumps(InputError("wrong", "a.txt", 3)))
    assert (error.message, error.path, error.line) == ("wrong", "a.txt", 3)
    assert str(error) == "a.txt:3: wrong"
