"""Trains and compares the variants of a table; source of the accuracy results in the docs.

    python -m benchmarks.experiments --data=DATA [--table=accuracy] [--data_sets=cail2018,zhihu]
        [--variants=svm,text_cnn/random,...] [--seeds=1,2,3] [--labelled_documents=N]
        [--folder=checkpoint_TABLE]

- `accuracy`: networks with random and with pre-trained initial weights, linear classifiers and
  fastText, each with the best of several settings.
- `ablations`: the defaults of fine-tuning, and variants with one change each.
- `pretraining_gain`: random and pre-trained initial weights with the same settings, in short runs.
- `original`: the table of the original project, F1 over 35 epochs.
- `positions`: the validation loss of a Transformer's pre-training by kind of positional encoding.
- `time_to_loss`: the time in which pre-training reaches a loss, compared with the first version of
  this project; `--checkout` names a checkout of that version (commit 02f8069) to run.

Data: `DATA` has one folder per data set, see `benchmarks.lib.data_sets`. If a variant has several
settings, they are compared on the validation documents with the first seed; the best one is then
trained with every seed and evaluated once on the test documents. For every variant, one threshold
for all labels is tuned on the validation documents.

Prints one Markdown table per data set and writes them to `table.md`; with matplotlib, it draws the
curves of F1 into `DATA_SET.png`. Columns of the accuracy tables: F1 (the mean of micro and macro
F1) on the validation documents at the first and at the best validation, in brackets without the
TF-IDF classifier; test scores, mean ± standard deviation over the seeds; training times;
parameters, size on disk, and documents labelled per second.

Results are stored as lines of `results.jsonl` in the folder, with their settings: completed runs
are not repeated, and an interrupted run resumes.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.lib.arguments import options_of, parser
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
    """Chooses the best trial of a variant, then trains and evaluates it with every seed.

    Args:
        variant: the variant.
        workspace: the data set and its folder.
        results: the results of earlier runs, to which those of this run are added.
        seeds: the seeds; trials are compared with the first one, by F1 on the validation documents.
        report_only: whether to train nothing.

    Returns:
        One result per seed; with `report_only`, only for seeds that were run before.
    """

    def result(trial: Trial, seed: int, *, test: bool) -> Result | None:
        setting = variant.setting(workspace, trial, seed, test)
        if report_only:
            return results.get(setting)
        return results.once(setting, partial(variant.fit, workspace, trial, seed, test))

    trials = variant.trials_for(workspace)
    best = trials[0]
    if len(trials) > 1:
        tried = [result(trial, seeds[0], test=False) for trial in trials]
        if None in tried:
            return []
        best = trials[int(np.argmax([found["valid"]["f1"] for found in tried if found]))]
    found = [result(best, seed, test=True) for seed in seeds]
    return [one for one in found if one is not None]


def rate_trials(text: str) -> list[Trial]:
    """Parses `--rates`: `3e-3` sets both learning rates, `1e-3:3e-3` the backbone's and head's."""
    return [rates(*map(float, pair.split(":"))) for pair in text.split(",")]


def main() -> None:
    """Runs the missing variants and prints the tables."""
    options = parser(__doc__)
    options.add_argument(
        "--table", choices=tuple(TABLES), default="accuracy", help="the table to produce"
    )
    options.add_argument("--variants", help="names with commas; default: all of the table")
    options.add_argument(
        "--data_sets", default="cail2018", help=f"names with commas, of {', '.join(DATA_SETS)}"
    )
    options.add_argument("--seeds", help="numbers with commas; default: those of the table")
    options.add_argument("--folder", type=Path, help="for the output; default: checkpoint_TABLE")
    options.add_argument(
        "--rates",
        type=rate_trials,
        default=[],
        help="learning rates to try instead of the table's: RATE or BACKBONE_RATE:HEAD_RATE,...",
    )
    for stage in ("pretraining", "fine_tuning"):
        help_text = f"further options of every {stage}: NAME=VALUE,NAME=VALUE"
        options.add_argument(f"--{stage}", type=options_of, default={}, help=help_text)
    options.add_argument(
        "--labelled_documents", type=int, default=0, help="to train on, the first ones; 0: all"
    )
    options.add_argument("--pretrained", type=Path, help="a checkpoint to use for all pre-training")
    options.add_argument(
        "--checkout", type=Path, help="a checkout of the first version, for time_to_loss"
    )
    options.add_argument("--report_only", action="store_true", help="print completed results only")
    options.add_argument("--test_mode", action="store_true", help="a quick run on little data")
    print(f"\n{run(options.parse_args())}")


def run(arguments: argparse.Namespace) -> str:
    """Runs the missing variants and returns the tables as Markdown."""
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
        # Absolute, because another checkout runs in its own folder.
        data, own = arguments.data.absolute(), (folder / name).absolute()
        workspace = Workspace(
            data,
            name,
            own,
            arguments.pretrained,
            arguments.checkout,
            arguments.labelled_documents,
        )
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
