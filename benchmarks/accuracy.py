"""Is pre-training worth it? Data set x arm x seeds, every network tuned with as many trials.

    python -m benchmarks.accuracy --data=DATA [--sets=cail2018,zhihu,goemotions]
        [--arms=svm,text_cnn/random,...] [--rates=1e-3,3e-3:6e-3,...] [--seeds=1,2,3]
        [--pretraining_epochs=N] [--preset=small] [--folder=checkpoint_accuracy]

A rate is the backbone's and the head's; with a colon, the backbone's first. For each arm: its
trials are fitted with the first seed and compared on the validation documents, then the best one is
run with every seed and measured on the test documents, once. A threshold, one for all labels, is
tuned on the validation documents for every arm alike. Results are lines of `results.jsonl` in the
folder: a benchmark that was stopped goes on where it was, and what has been run is never run again.
The table at the end is also written to `table.md`, and with matplotlib installed the curves are
drawn into `SET.png`.
"""

import argparse
import logging
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.accuracy_arms import Arms, Fit
from benchmarks.accuracy_table import HEADER, curves, levels, row
from benchmarks.baselines import (
    FASTTEXT_TRIALS,
    REGRESSION_TRIALS,
    SVM_TRIALS,
    Trial,
    logistic_regression,
    svm,
)
from benchmarks.curves import draw
from benchmarks.data_sets import DATA_SETS
from benchmarks.fine_tuned import Result
from benchmarks.results import Results
from models.config import PRESETS

# Of the backbone and of the head.
RATES = ((1e-3, 1e-3), (3e-3, 3e-3), (6e-3, 6e-3))
# What of the gain comes with the settings, and not with the pre-trained weights?
AT_PRETRAINED_SETTINGS = "random_at_pretrained_settings"


class Benchmark:
    """One data set with all its arms.

    Args:
        arms: what fits them.
        results: takes what was found.
        rates: learning rates of backbone and head, the trials of the neural arms.
    """

    def __init__(
        self, arms: Arms, results: Results, rates: Sequence[tuple[float, float]] = RATES
    ) -> None:
        self._setting, self._results = arms.setting, results
        trials: Sequence[Trial] = [
            {"learning_rate": backbone, "head_learning_rate": head} for backbone, head in rates
        ]
        self.arms: dict[str, tuple[Sequence[Trial], Fit]] = {
            "svm": (SVM_TRIALS, arms.linear(svm)),
            "logistic_regression": (REGRESSION_TRIALS, arms.linear(logistic_regression)),
            "fasttext": (FASTTEXT_TRIALS, arms.fasttext("")),
            "fasttext/own_vectors": (FASTTEXT_TRIALS, arms.fasttext("vectors.vec")),
        }
        for backbone in ("text_cnn", "transformer"):
            random = arms.neural(backbone, "random")
            self.arms |= {
                f"{backbone}/random": (trials, random),
                f"{backbone}/pretrained": (trials, arms.neural(backbone, "pretrained")),
                f"{backbone}/{AT_PRETRAINED_SETTINGS}": (trials, random),
            }

    def run(self, arm: str, seeds: Sequence[int]) -> None:
        """Tunes an arm, then measures it with every seed."""
        tuned, fit = _tuned_as(arm), self.arms[arm][1]
        trials, fit_tuned = self.arms[tuned]
        tried = [
            self._results.once(
                self._setting(tuned, trial=trial, seed=seeds[0], test=False),
                partial(fit_tuned, trial, seeds[0], False),
            )
            for trial in trials
        ]
        best = _best(trials, tried)
        for seed in seeds:
            self._results.once(
                self._setting(arm, trial=best, seed=seed, test=True),
                partial(fit, best, seed, True),
            )

    def measured(self, arm: str, seeds: Sequence[int]) -> list[Result]:
        """The results of a tuned arm, one for each seed that was run; none before it is tuned."""
        tuned = _tuned_as(arm)
        trials = self.arms[tuned][0]
        tried = self._known(
            self._setting(tuned, trial=trial, seed=seeds[0], test=False) for trial in trials
        )
        if len(tried) < len(trials):
            return []
        best = _best(trials, tried)
        return self._known(self._setting(arm, trial=best, seed=seed, test=True) for seed in seeds)

    def _known(self, settings: Iterable[dict[str, Any]]) -> list[Result]:
        """The results of those settings that have been run."""
        found = (self._results.get(setting) for setting in settings)
        return [result for result in found if result is not None]


def _best(trials: Sequence[Trial], tried: Sequence[Result]) -> Trial:
    """The trial with the highest F1 on the validation documents."""
    return trials[int(np.argmax([result["valid"]["f1"] for result in tried]))]


def _tuned_as(arm: str) -> str:
    """The arm itself, or the one whose settings it has."""
    return arm.replace(AT_PRETRAINED_SETTINGS, "pretrained")


def rate_pairs(text: str) -> list[tuple[float, float]]:
    """The pairs that `--rates` names: `3e-3` is both rates, `1e-3:3e-3` the backbone's first."""
    pairs = [pair.partition(":") for pair in text.split(",")]
    return [(float(backbone), float(head or backbone)) for backbone, _, head in pairs]


def main() -> None:
    """Runs what is asked for and prints the table of all that has been run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="the folder of the data sets")
    parser.add_argument("--sets", default="cail2018", help=f"of {', '.join(DATA_SETS)}")
    parser.add_argument("--arms", default="", help="default: all")
    parser.add_argument(
        "--rates", type=rate_pairs, default=RATES, help="of backbone and head, in the neural trials"
    )
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--pretraining_epochs", type=int, help="default: the data set's own")
    parser.add_argument("--preset", choices=tuple(PRESETS), default="small", help="of the networks")
    parser.add_argument("--folder", type=Path, default=Path("checkpoint_accuracy"))
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    seeds = [int(seed) for seed in arguments.seeds.split(",")]
    folder, lines = arguments.folder, [HEADER]
    folder.mkdir(parents=True, exist_ok=True)
    results = Results(folder / "results.jsonl")
    for name in arguments.sets.split(","):
        arms = Arms(
            arguments.data,
            name,
            folder / name,
            results,
            arguments.pretraining_epochs,
            arguments.preset,
        )
        benchmark = Benchmark(arms, results, arguments.rates)
        for arm in arguments.arms.split(",") if arguments.arms else benchmark.arms:
            benchmark.run(arm, seeds)
        measured = {arm: benchmark.measured(arm, seeds) for arm in benchmark.arms}
        lines += [row(name, arm, found) for arm, found in measured.items() if found]
        draw(curves(measured), folder / f"{name}.png", levels(measured))
    table = "\n".join(lines) + "\n"
    (folder / "table.md").write_text(table, encoding="utf-8")
    print(f"\n{table}")


if __name__ == "__main__":
    main()
