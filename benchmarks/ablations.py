"""Measures what each kind of pre-training is worth, at an equal budget of processor time.

    python -m benchmarks.ablations --data=DATA [--data_sets=cail2018,goemotions]
        [--components='masked_lm;causal_lm'] [--seeds=1,2,3] [--minutes=60]
        [--preset=tiny] [--raw_documents=N] [--labelled_documents=N]
        [--rates=3e-3] [--fine_tuning=num_epochs=4,tfidf_classifier=false]

Every component of the table is a pre-training with one change: its objectives, what it masks, how
much, the length of its sequences, or the backbone. Each gets as many epochs, at least one, as come
closest to `--minutes` minutes of processor time, of all cores together, estimated by two short runs
on the first documents. Fine-tuning follows, with each of several learning rates and the first seed;
the rate with the best F1 on the validation documents is then used with every seed. Random weights
have the best of the same rates. The options of the last two lines make it a smaller experiment.

Prints one Markdown table per data set and writes them to `table.md`: the processor minutes that
were used; F1 (the mean of micro and macro F1) at the first and at the best validation, in brackets
that of the network alone if it has a TF-IDF classifier beside it, and on the test documents; and
the difference to random weights of the same backbone, in points. Completed runs in the folder are
not repeated.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from functools import cache, partial
from itertools import islice
from typing import Any

import numpy as np

from benchmarks.experiments import rate_trials, run_variant
from benchmarks.lib.arguments import options_of, parser
from benchmarks.lib.experiment_tables import (
    SeedResults,
    first,
    mean_and_spread,
    picked,
    validation,
    with_network,
)
from benchmarks.lib.measuring import markdown, timed
from benchmarks.lib.results import Results
from benchmarks.lib.systems import Options, Result, Workspace, pretrain
from benchmarks.lib.variants import Variant, rates
from data_util.reading.documents import read_documents

RANDOM = "random"
MASKED = "masked_lm"
# Options of pre-training; "objectives" is the name where it is not given.
COMPONENTS: dict[str, Options] = {
    f"{MASKED},next_sentence": {},
    MASKED: {},
    "causal_lm": {},
    "two_way_lm": {},
    "replaced_token": {},
    "neighbour_sentence": {},
    f"{MASKED},sentence_order": {},
    f"{MASKED},sentence_structure": {},
    f"{MASKED},word_order": {},
    f"{MASKED},span_boundary": {},
    f"{MASKED},neighbour_sentence": {},
    "whole words": {"objectives": MASKED, "masking": "whole_word"},
    "n-grams": {"objectives": MASKED, "masking": "ngram"},
    "spans": {"objectives": MASKED, "masking": "span"},
    "20 % masked": {"mask_probability": 0.2},
    "30 % masked": {"mask_probability": 0.3},
    "1,024 candidates": {"objectives": "causal_lm", "num_sampled": 1024},
    "1,024 tokens": {"sequence_length_lm": 1024, "max_position": 1024, "batch_size": 16},
}
# What one backbone alone can serve, and further options of what it serves in another shape.
ONE_DIRECTION = {"bidirectional": False}  # Two, under one loss, would see each other's targets.
OF_BACKBONE: dict[str, dict[str, Options]] = {
    "transformer": {"permutation_lm": {}},
    "lstm": {"causal_lm": ONE_DIRECTION, "1,024 candidates": ONE_DIRECTION},
}
FINE_TUNING = {"num_epochs": 6, "patience": 6}
TRIALS = (rates(1e-3), rates(3e-3))
# Of the two runs that estimate the cost of an epoch: so much text that its steps outweigh what an
# epoch costs besides, such as the writing of a checkpoint.
PROBE_CHARACTERS, PROBE_EPOCHS = 600_000, (1, 3)


def main() -> None:
    """Runs the missing trainings and prints the tables."""
    options = parser(__doc__, folder="checkpoint_ablations")
    options.add_argument("--data_sets", default="cail2018,goemotions")
    options.add_argument("--backbones", default="text_cnn,transformer", help="names with commas")
    options.add_argument("--components", help="names with semicolons; default: all")
    options.add_argument("--seeds", default="1", help="numbers with commas")
    options.add_argument("--minutes", type=float, default=60, help="of processor time")
    options.add_argument("--preset", default="small")
    options.add_argument("--raw_documents", type=int, default=0, help="to pre-train on; 0: all")
    options.add_argument("--labelled_documents", type=int, default=0, help="of training; 0: all")
    options.add_argument("--rates", type=rate_trials, default=TRIALS, help="RATE,RATE to try")
    options.add_argument(
        "--fine_tuning",
        type=options_of,
        default={},
        help="further options of every fine-tuning: NAME=VALUE,NAME=VALUE",
    )
    print(f"\n{run(options.parse_args())}")


def run(arguments: argparse.Namespace) -> str:
    """Runs the missing trainings and returns the tables as Markdown."""
    arguments.folder.mkdir(parents=True, exist_ok=True)
    results = Results(arguments.folder / "results.jsonl")
    seeds = [int(seed) for seed in arguments.seeds.split(",")]
    parts = []
    for name in arguments.data_sets.split(","):
        workspace = Workspace(
            arguments.data,
            name,
            arguments.folder / name,
            labelled_documents=arguments.labelled_documents,
        )
        rows = []
        for backbone in arguments.backbones.split(","):
            chosen = components(backbone, arguments.components)
            shared = {"backbone": backbone, "preset": arguments.preset}
            if arguments.raw_documents:
                shared["documents"] = arguments.raw_documents
            random = Variant(
                RANDOM,
                shared,
                {**FINE_TUNING, **arguments.fine_tuning},
                random_weights=True,
                own_vocabulary=True,
                trials=arguments.rates,
            )
            rows += measured(workspace, results, random, chosen, arguments.minutes, seeds)
        parts.append(f"**{name}**\n\n{markdown(rows)}")
    text = "\n\n".join(parts)
    (arguments.folder / "table.md").write_text(f"{text}\n", encoding="utf-8")
    return text


def components(backbone: str, chosen: str | None) -> dict[str, Options]:
    """The options of the chosen components, names with semicolons; None: of all.

    Ends the program with a message if there is no such component for this backbone.
    """
    own = OF_BACKBONE.get(backbone, {})
    known: dict[str, Options] = {
        name: {**(COMPONENTS.get(name) or {"objectives": name}), **own.get(name, {})}
        for name in {**COMPONENTS, **own}
    }
    if chosen is None:
        return known
    if unknown := sorted(set(names := chosen.split(";")) - known.keys()):
        sys.exit(f"error: --components={';'.join(unknown)}: there are {'; '.join(known)}")
    return {name: known[name] for name in names}


def measured(
    workspace: Workspace,
    results: Results,
    random: Variant,
    chosen: Mapping[str, Options],
    minutes: float,
    seeds: Sequence[int],
) -> list[dict[str, Any]]:
    """The rows of one backbone: random weights, then each component.

    Args:
        workspace: the data set and its folder.
        results: the results of earlier runs, to which those of this run are added.
        random: random weights, with the options of every pre-training and of every fine-tuning.
        chosen: the options of each component.
        minutes: the budget of each pre-training, in processor minutes.
        seeds: the seeds of fine-tuning; the first one also chooses the learning rate.
    """

    def fine_tune(variant: Variant) -> list[Result]:
        return run_variant(variant, workspace, results, seeds)

    shared = dict(random.pretraining or {})
    baseline = fine_tune(random)
    rows = [row(f"{shared['backbone']}, random weights", baseline)]
    for name, options in chosen.items():
        pretraining = {**shared, **options}
        pretraining["num_epochs"] = epochs_within(minutes, workspace, results, pretraining)
        variant = Variant(name, pretraining, random.fine_tuning, trials=random.trials)
        wanted = variant.pretraining_options(workspace)
        setting = {"data_set": workspace.name, "processor_seconds": wanted}
        used = results.once(setting, partial(timed_pretraining, workspace, wanted))
        cells = row(f"{shared['backbone']}, {name}", fine_tune(variant), baseline)
        epochs, spent = wanted["num_epochs"], used["processor_seconds"] / 60
        rows.append({**cells, "epochs": epochs, "processor minutes": f"{spent:.0f}"})
    return rows


def epochs_within(minutes: float, workspace: Workspace, results: Results, options: Options) -> int:
    """How many epochs of a pre-training come closest to a processor time; at least one."""
    documents, share = probed(workspace, PROBE_CHARACTERS, options.get("documents"))
    seconds = []
    for epochs in PROBE_EPOCHS:
        probe = {**options, "num_epochs": epochs, "documents": documents}
        setting = {"data_set": workspace.name, "probe": probe}
        found = results.once(setting, partial(timed_pretraining, workspace, probe))
        seconds.append(found["processor_seconds"])
    epoch = (seconds[1] - seconds[0]) / (PROBE_EPOCHS[1] - PROBE_EPOCHS[0]) / share
    return max(1, round(minutes * 60 / epoch))


@cache
def probed(workspace: Workspace, characters: int, of: int | None) -> tuple[int, float]:
    """How many of the first documents have so many characters together, or all of them.

    Args:
        workspace: the data set.
        characters: how many are wanted.
        of: how many documents there are to choose from, the first ones; None: all.

    Returns:
        The number of documents, and the fraction of the characters of the text that they have.
    """
    documents = islice(read_documents(workspace.sources, labelled=False), of)
    sums = np.cumsum([len(each.text) for each in documents])
    count = min(int(np.searchsorted(sums, characters)) + 1, len(sums))
    return count, float(sums[count - 1] / sums[-1])


def timed_pretraining(workspace: Workspace, options: Options) -> dict[str, float]:
    """Runs a pre-training and measures its processor time, with that of its processes."""
    _, seconds = timed(partial(pretrain, workspace, options))
    return {"processor_seconds": seconds}


def row(title: str, found: SeedResults, baseline: SeedResults = ()) -> dict[str, Any]:
    """A row of the table; `baseline`: what random weights have."""

    def points(pair: Sequence[Sequence[float]]) -> str:
        return f"{100 * (np.mean(pair[0]) - np.mean(pair[1])):+.1f}"

    def test(results: SeedResults) -> list[float]:
        return [result["test"]["f1"] for result in results]

    cells = {"component": title}
    for name, pick in (("first valid F1", first), ("best valid F1", max)):
        cells[name] = validation(found, pick)
    cells["test F1"] = mean_and_spread(test(found))
    for name, pick in (("first, points", first), ("best, points", max)):
        pairs = zip(picked(found, pick), picked(baseline, pick), strict=False)
        cells[name] = with_network(map(points, pairs))
    return {**cells, "test, points": points([test(found), test(baseline)]) if baseline else ""}


if __name__ == "__main__":
    main()
