"""What the accuracy benchmark runs, and which results it takes for the table."""

import pytest

from benchmarks.accuracy import Benchmark, rate_pairs
from benchmarks.results import Results

PRETRAINED, RANDOM = "text_cnn/pretrained", "text_cnn/random_at_pretrained_settings"
# Validation F1 by rate.
F1 = {1e-3: 0.5, 3e-3: 0.7, 6e-3: 0.6}


class FakeArms:
    """Arms whose fits only write down what was asked of them."""

    def __init__(self):
        self.fitted = []

    def setting(self, arm, **choices):
        return {"arm": arm, **choices}

    def linear(self, make):
        return self.neural("", make.__name__)

    def fasttext(self, vectors):
        return self.neural("", "fasttext")

    def neural(self, backbone, start):
        def fit(trial, seed, test):
            rate = trial.get("learning_rate")
            self.fitted.append((backbone, start, rate, seed, test))
            return {"valid": {"f1": F1.get(rate, 0.0)}, "of": (start, rate, seed)}

        return fit


@pytest.fixture
def arms():
    return FakeArms()


@pytest.fixture
def benchmark(arms, tmp_path):
    return Benchmark(arms, Results(tmp_path / "results.jsonl"))


def test_rates_of_backbone_and_head():
    assert rate_pairs("1e-3:3e-3,6e-3") == [(1e-3, 3e-3), (6e-3, 6e-3)]
    with pytest.raises(ValueError, match="fast"):
        rate_pairs("fast")


def test_the_first_seed_chooses_and_every_seed_is_measured(arms, benchmark):
    assert benchmark.measured(PRETRAINED, [1, 2]) == []
    benchmark.run(PRETRAINED, [1, 2])
    trials = [("text_cnn", "pretrained", rate, 1, False) for rate in F1]
    measured = [("text_cnn", "pretrained", 3e-3, seed, True) for seed in (1, 2)]
    assert arms.fitted == trials + measured
    of = [result["of"] for result in benchmark.measured(PRETRAINED, [1, 2])]
    assert of == [("pretrained", 3e-3, 1), ("pretrained", 3e-3, 2)]
    benchmark.run(PRETRAINED, [1, 2])
    assert arms.fitted == trials + measured


def test_random_weights_at_the_settings_of_the_pretrained_ones(arms, benchmark):
    benchmark.run(RANDOM, [1])
    assert [fitted[1:] for fitted in arms.fitted] == [
        *(("pretrained", rate, 1, False) for rate in F1),
        ("random", 3e-3, 1, True),
    ]


def test_a_setting_that_is_no_longer_the_best_is_not_in_the_table(arms, tmp_path):
    results = Results(tmp_path / "results.jsonl")
    Benchmark(arms, results, [(1e-3, 1e-3)]).run(PRETRAINED, [1])
    wider = Benchmark(arms, results)
    assert wider.measured(PRETRAINED, [1]) == []
    wider.run(PRETRAINED, [1])
    assert [result["of"][1] for result in wider.measured(PRETRAINED, [1])] == [3e-3]
