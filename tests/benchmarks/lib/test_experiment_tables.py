"""The tables of the experiments, against numbers worked out by hand."""

import numpy as np
import pytest

from benchmarks.lib.experiment_tables import (
    comparison,
    curves,
    first_epochs,
    levels,
    seconds_to,
    time_to_loss,
)


def result(f1, curve=None, alone=None):
    metrics = {"micro_f1": f1 + 0.1, "macro_f1": f1 - 0.1, "f1": f1}
    values = {"valid": {"f1": f1}, "test": metrics, "seconds": 10.0, "parameters": 1_200}
    values |= {"bytes": 4_800_000, "documents_per_second": 1_500.0}
    if curve:
        values |= {"curve": curve, "network_f1": alone or [], "pretraining_seconds": 60.0}
    return values


def cells(table, row=0):
    """The cells of a row of a Markdown table."""
    return [cell.strip() for cell in table.splitlines()[2 + row].strip("|").split("|")]


def test_a_baseline():
    found = cells(comparison({"svm": [result(0.7)]}))
    assert found == [
        *("svm", "", "0.700", "0.800", "0.600", "0.700", "1"),
        *("10", "0", "1,200", "5", "1,500"),
    ]


def test_a_network_with_two_seeds():
    runs = [result(0.70, [0.5, 0.7], [0.3, 0.6]), result(0.74, [0.6, 0.74], [0.4, 0.66])]
    found = cells(comparison({"svm": [result(0.7)], "text_cnn/pretrained": runs}), row=1)
    # Standard deviations of two values: their difference over the root of two.
    assert found[1] == "0.550 ± 0.071 (0.350 ± 0.071)"
    assert found[2] == "0.720 ± 0.028 (0.630 ± 0.042)"
    assert found[5:7] == ["0.720 ± 0.028", "2"]
    assert found[8] == "60"


def test_seeds_that_agree_have_no_spread():
    assert cells(comparison({"svm": [result(0.7)] * 3}))[5] == "0.700"


def test_the_table_of_the_original():
    run = {"curve": [0.1, 0.2, 0.3, 0.4, 0.5], "valid_loss": [4, 3, 2, 1, 0.5], "seconds": 7.4}
    untrained = {"curve": [0.0], "valid_loss": [4.87], "seconds": 0.1}
    table = first_epochs({"random/untrained": [untrained], "random": [run]})
    assert len(table.splitlines()) == 5
    assert cells(table, 0)[:5] == ["the original's, random weights", "0.09", "0.40", "0.44", "0.58"]
    title = ["start", "F1 after 1", "F1 after 5", "F1 after 7", "F1 after 35"]
    losses = ["valid loss at the start", "valid loss after 1", "valid loss after 5", "training, s"]
    assert cells(table, -2) == title + losses
    assert cells(table, 2) == ["random", "0.100", "0.500", "", "", "4.87", "4.00", "0.50", "7"]


def test_the_time_to_a_loss():
    curve = np.array([[10.0, 6.0], [20.0, 4.0], [30.0, 3.0]])
    assert seconds_to(3.0, curve) == 30
    assert seconds_to(5.0, curve) == 15
    assert seconds_to(7.0, curve) == 10


def test_the_table_of_pretraining():
    def run(*losses):
        accuracy = [1 - loss / 10 for loss in losses]
        seconds = [10.0] * len(losses)
        return [
            {"masked_lm_loss": losses, "masked_lm_accuracy": accuracy, "epoch_seconds": seconds}
        ]

    table = time_to_loss({"a/slow": run(6, 5, 4), "a/fast": run(4.5, 3), "b/alone": run(2)})
    epochs, _, times = table.split("\n\n")
    assert cells(epochs, 1) == ["a/slow", "2", "20", "5", "0.5"]
    # Both reach 4: after 30 seconds, and a third of the way from 10 to 20.
    assert cells(times, 0) == ["a/slow", "4", "30", "1"]
    assert cells(times, 1) == ["a/fast", "4", "13.3", "2.25"]
    assert cells(times, 2) == ["b/alone", "2", "10", "1"]


def test_what_the_picture_shows():
    runs = [result(0.7, [0.5, 0.7], [0.3, 0.6]), result(0.8, [0.6, 0.8], [0.5, 0.7])]
    measured = {"text_cnn/random": runs, "svm": [result(0.72)]}
    measured |= {"text_cnn/untrained": [result(0.1, [0.1])], "positions": [{"masked_lm_loss": [4]}]}
    assert curves(measured) == {
        "text_cnn/random": [pytest.approx(0.55), pytest.approx(0.75)],
        "text_cnn/random, network alone": [pytest.approx(0.4), pytest.approx(0.65)],
    }
    assert levels(measured) == {"svm": pytest.approx(0.72)}
