import pytest

from common.errors import ConfigError
from models.objectives.base import Objective
from models.objectives.selection import (
    check_objectives,
    noise_of,
    pair_shares_of,
    rows_of,
)
from models.registry import OBJECTIVES


@pytest.fixture(autouse=True)
def made_up(monkeypatch):
    """Some objectives that want one thing or another."""
    monkeypatch.setattr(OBJECTIVES, "_places", dict(OBJECTIVES._places))

    def register(name, **attributes):
        OBJECTIVES.register(name, type(name, (Objective,), attributes))

    register("indifferent")
    register("spans", noise=("span", "token"))
    register("letters", noise=("letter",))
    register("stream", rows="stream")
    register("order", rows="pairs", pair_shares=(0.0, 0.5, 0.5))


def test_what_batches_must_be_made_of():
    assert rows_of(["masked_lm"]) == rows_of(["indifferent"]) == "single"
    assert rows_of(["masked_lm", "next_sentence"]) == "pairs"
    assert noise_of(["next_sentence", "indifferent"]) == "none"
    assert noise_of(["next_sentence", "masked_lm"]) == noise_of(["masked_lm", "spans"]) == "token"
    assert noise_of(["spans"]) == "span"
    assert noise_of(["spans"], "token") == "token"
    assert pair_shares_of(["masked_lm"]) is None
    assert pair_shares_of(["masked_lm", "next_sentence"]) == (0.5, 0.5, 0.0)
    assert pair_shares_of(["order"]) == (0.0, 0.5, 0.5)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], "one or more"),
        (["masked_lm", "masked_lm"], "one or more different names"),
        (["masked_lm", "no_such"], "must be among masked_lm, .*, not no_such"),
        (
            ["next_sentence", "stream"],
            "different rows: next_sentence needs pairs; stream needs stream",
        ),
        (
            ["masked_lm", "letters"],
            r"no supported noise in common \(masked_lm: token, .*; letters: letter",
        ),
        (["next_sentence", "order"], r"different fractions of pairs.*: next_sentence needs \(0.5"),
    ],
)
def test_objectives_that_do_not_go_together(names, message):
    with pytest.raises(ConfigError, match=message):
        check_objectives(names)


def test_those_that_do(monkeypatch):
    for names in (["masked_lm"], ["next_sentence"], ["masked_lm", "next_sentence", "spans"]):
        check_objectives(names)
    with pytest.raises(ConfigError, match="not all of these objectives support the noise letter"):
        noise_of(["masked_lm", "spans"], "letter")
