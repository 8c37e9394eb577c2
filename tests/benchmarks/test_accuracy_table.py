"""The table of the accuracy benchmark, against figures worked out by hand."""

import pytest

from benchmarks.accuracy_table import HEADER, curves, levels, row


def result(f1, curve=None, alone=None):
    figures = {"micro_f1": f1 + 0.1, "macro_f1": f1 - 0.1, "f1": f1}
    values = {"valid": {"f1": f1}, "test": figures, "seconds": 10.0, "parameters": 1_200}
    values |= {"bytes": 4_800_000, "documents_per_second": 1_500.0}
    if curve:
        values |= {"curve": curve, "network_f1": alone or [], "pretraining_seconds": 60.0}
    return values


def cells(line):
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_a_baseline():
    line = row("cail2018", "svm", [result(0.7)])
    assert cells(line) == [
        *("cail2018", "svm", "", "0.700", "0.800", "0.600", "0.700", "1"),
        *("10", "0", "1,200", "5", "1,500"),
    ]
    assert len(cells(line)) == len(cells(HEADER.splitlines()[0]))


def test_a_network_with_two_seeds():
    runs = [result(0.70, [0.5, 0.7], [0.3, 0.6]), result(0.74, [0.6, 0.74], [0.4, 0.66])]
    found = cells(row("cail2018", "text_cnn/pretrained", runs))
    # Standard deviations of two values: their difference over the root of two.
    assert found[2] == "0.550 ± 0.071 (0.350 ± 0.071)"
    assert found[3] == "0.720 ± 0.028 (0.630 ± 0.042)"
    assert found[6:8] == ["0.720 ± 0.028", "2"]
    assert found[9] == "60"


def test_seeds_that_agree_have_no_spread():
    assert cells(row("cail2018", "svm", [result(0.7)] * 3))[6] == "0.700"


def test_what_the_picture_shows():
    runs = [result(0.7, [0.5, 0.7], [0.3, 0.6]), result(0.8, [0.6, 0.8], [0.5, 0.7])]
    measured = {"text_cnn/random": runs, "svm": [result(0.72)], "fasttext": []}
    assert curves(measured) == {
        "text_cnn/random": [pytest.approx(0.55), pytest.approx(0.75)],
        "text_cnn/random, network alone": [pytest.approx(0.4), pytest.approx(0.65)],
    }
    assert levels(measured) == {"svm": pytest.approx(0.72)}
