import sys
from pathlib import Path

import pytest

from benchmarks.lib.arguments import options_of, parser, speed_parser
from common.errors import CheckpointError

DOC = "What it does.\n\nMore."


def test_the_data_sets_are_required_where_they_are_needed(capsys):
    with pytest.raises(SystemExit):
        parser(DOC).parse_args([])
    assert "--data" in capsys.readouterr().err
    assert parser(DOC, data="optional").parse_args([]).data is None
    assert not vars(parser(DOC, data="none").parse_args([]))


def test_the_folder_has_a_default():
    arguments = parser(DOC, folder="checkpoint_it").parse_args(["--data=."])
    assert vars(arguments) == {"data": Path(), "folder": Path("checkpoint_it")}


def test_data_that_is_not_there(capsys):
    with pytest.raises(SystemExit):
        parser(DOC).parse_args(["--data=nowhere"])
    assert "--data: nowhere: there is no such file or folder" in capsys.readouterr().err


def test_what_the_benchmarks_of_speed_share():
    made = speed_parser(DOC)
    assert made.description == "What it does."
    arguments = made.parse_args(["--data=.", "--test_mode"])
    assert (arguments.rounds, arguments.test_mode) == (5, True)


def test_a_users_mistake_is_one_line(capsys, monkeypatch):
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    parser(DOC)
    sys.excepthook(CheckpointError, CheckpointError("nothing is here"), None)
    assert capsys.readouterr().err == "error: nothing is here\n"
    error = ValueError("a fault of the program")
    sys.excepthook(ValueError, error, None)
    assert "ValueError: a fault of the program" in capsys.readouterr().err


def test_further_options():
    assert options_of("num_epochs=3,preset=tiny,learning_rate=1e-3,tfidf_classifier=false") == {
        "num_epochs": 3,
        "preset": "tiny",
        "learning_rate": 1e-3,
        "tfidf_classifier": False,
    }
