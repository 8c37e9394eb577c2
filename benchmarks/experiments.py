"""Trains and compares the variants of a table, for the scores in the documentation.

    python -m benchmarks.experiments --data=DATA [--table=accuracy] [--data_sets=cail2018,zhihu]
        [--variants=svm,text_cnn/random,...] [--seeds=1,2,3] [--folder=checkpoint_TABLE]

- `accuracy`: is pre-training worth it? Networks from random and from pre-trained weights, linear
  classifiers and fastText, each with the best of several settings.
- `ablations`: the defaults of fine-tuning, and the same with one thing changed.
- `pretraining_gain`: random and pre-trained weights with the same settings, in a short run.
- `original`: the table of the original project, F1 over 35 epochs.
- `positions`: the validation loss of a Transformer's pre-training with each kind of position.
- `time_to_loss`: how much sooner pre-training reaches a loss than the first version of this project
  did; with `--checkout`, a checkout of that version (commit 02f8069) runs its own code.

Where a variant has several settings, they are compared on the validation documents with the first
seed; the best one is run with every seed and measured on the test documents, once. One threshold
for all labels is tuned on the validation documents, for every variant alike. Results are lines of
`results.jsonl` in the folder, each with its setting: what is there is not run again, and an
interrupted run resumes. The table is also written to `table.md`, and with matplotlib installed the
curves of F1 are drawn into `DATA_SET.png`.
"""

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.lib.arguments import parser
from benchmarks.lib.baselines import Trial
from benchmarks.lib.curves import draw
from benchmarks.lib.data_sets import DATA_SETS
from benchmarks.lib.experiment_tables import curves, levels
from benchmarks.lib.measuring import machine
from benchmarks.lib.results import Results
from benchmarks.lib.systems import Result, Workspace
from benchmarks.lib.variants import TABLES, Variant, rates


def run_variant(
    variant: Variant,
    workspace: Workspace,
    results: Results,
    seeds: Sequence[int],
    *,
    report_only: bool = False,
) -> list[Result]:
    """Chooses the trial of a variant, then trains and measures it with every seed.

    Args:
        variant: of a table.
        workspace: of the data set.
        results: has what was run before, and takes what is run now.
        seeds: the first one chooses the trial, by F1 on the validation documents.
        report_only: run nothing.

    Returns:
        A result for each seed; with `report_only`, for those that were run before.
    """

    def result(trial: Trial, seed: int, *, test: bool) -> Result | None:
        setting = variant.setting(workspace, trial, seed, test)
        if report_only:
            return results.get(setting)
        return results.once(setting, partial(variant.fit, workspace, trial, seed, test))

    best = variant.trials[0]
    if len(variant.trials) > 1:
        tried = [result(trial, seeds[0], test=False) for trial in variant.trials]
        if None in tried:
            return []
        best = variant.trials[int(np.argmax([found["valid"]["f1"] for found in tried if found]))]
    found = [result(best, seed, test=True) for seed in seeds]
    return [one for one in found if one is not None]


def rate_trials(text: str) -> list[Trial]:
    """The trials that `--rates` names: `3e-3` is both rates, `1e-3:3e-3` the backbone's first."""
    return [rates(*map(float, pair.split(":"))) for pair in text.split(",")]


def options_of(text: str) -> dict[str, Any]:
    """The options in `NAME=VALUE,NAME=VALUE`, numbers as such."""
    options: dict[str, Any] = {}
    for pair in text.split(","):
        name, _, value = pair.partition("=")
        try:
            options[name] = json.loads(value)
        except json.JSONDecodeError:
            options[name] = value
    return options


def main() -> None:
    """Runs what is missing and prints the table."""
    options = parser(__doc__)
    options.add_argument("--table", choices=tuple(TABLES), default="accuracy")
    options.add_argument("--variants", help="default: all of the table")
    options.add_argument("--data_sets", default="cail2018", help=f"of {', '.join(DATA_SETS)}")
    options.add_argument("--seeds", help="default: the table's")
    options.add_argument("--folder", type=Path, help="default: checkpoint_TABLE")
    options.add_argument(
        "--rates", type=rate_trials, default=[], help="where the trials are learning rates"
    )
    for stage in ("pretraining", "fine_tuning"):
        help_text = f"further options of every {stage}: NAME=VALUE,NAME=VALUE"
        options.add_argument(f"--{stage}", type=options_of, default={}, help=help_text)
    options.add_argument("--pretrained", type=Path, help="a checkpoint; nothing is pre-trained")
    options.add_argument("--checkout", type=Path, help="the first version, for time_to_loss")
    options.add_argument("--report_only", action="store_true", help="run nothing that is missing")
    options.add_argument("--test_mode", action="store_true", help="a smoke run")
    print(f"\n{run(options.parse_args())}")


def run(arguments: argparse.Namespace) -> str:
    """What the command does; returns the tables."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    table = TABLES[arguments.table]
    smoke = {"test_mode": True, "num_epochs": 1} if arguments.test_mode else {}
    changes = ({**smoke, **arguments.pretraining}, {**smoke, **arguments.fine_tuning})
    variants = {one.name: one.changed(*changes, arguments.rates) for one in table.variants}
    chosen = arguments.variants.split(",") if arguments.variants else list(variants)
    if unknown := set(chosen) - variants.keys():
        sys.exit(f"error: --variants={','.join(unknown)}: there are {', '.join(variants)}")
    seeds = [int(seed) for seed in arguments.seeds.split(",")] if arguments.seeds else table.seeds
    folder = arguments.folder or Path(f"checkpoint_{arguments.table}")
    folder.mkdir(parents=True, exist_ok=True)
    results, parts = Results(folder / "results.jsonl"), []
    for name in arguments.data_sets.split(","):
        # Absolute, as another checkout runs in its own folder.
        data, own = arguments.data.absolute(), (folder / name).absolute()
        workspace = Workspace(data, name, own, arguments.pretrained, arguments.checkout)
        measured = {
            variant: run_variant(
                variants[variant], workspace, results, seeds, report_only=arguments.report_only
            )
            for variant in chosen
        }
        measured = {variant: found for variant, found in measured.items() if found}
        parts.append(f"**{name}**\n\n{table.text(measured)}")
        if lines := curves(measured):
            draw(lines, folder / f"{name}.png", levels(measured))
    text = "\n\n".join([*parts, json.dumps(machine(), ensure_ascii=False)])
    (folder / "table.md").write_text(f"{text}\n", encoding="utf-8")
    return text


if __name__ == "__main__":
    main()
