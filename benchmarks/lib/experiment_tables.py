"""The Markdown tables of `benchmarks.experiments`, and the curves of its picture."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

import numpy as np

from benchmarks.lib.measuring import markdown

# Of a variant: one for each seed.
SeedResults = Sequence[Mapping[str, Any]]

# F1 at each validation: of the whole, and of the network alone.
_CURVES = ("curve", "network_f1")
AFTER = (1, 5, 7, 35)
LOSSES_AFTER = (1, 5)
# F1 after these epochs in the README of the original, on 450,000 documents of CAIL2018.
ORIGINAL = {
    "the original's, random weights": (0.09, 0.40, 0.44, 0.58),
    "the original's, pretrained": (0.58, 0.74, 0.75, 0.75),
}


def comparison(measured: Mapping[str, SeedResults]) -> str:
    """A table with one row per variant: means over the seeds, and the standard deviation of F1.

    Scores in brackets are those of the network without the TF-IDF classifier.
    """
    return markdown([_comparison_row(name, results) for name, results in measured.items()])


def _comparison_row(name: str, results: SeedResults) -> dict[str, Any]:
    def test(metric: str) -> str:
        return mean_and_spread([result["test"][metric] for result in results])

    def average(key: str) -> float:
        return float(np.mean([result.get(key, 0.0) for result in results]))

    best = mean_and_spread([result["valid"]["f1"] for result in results])
    return {
        "variant": name,
        "first valid F1 (network alone)": validation(results, first),
        "best valid F1 (network alone)": validation(results, max) or best,
        "test micro F1": test("micro_f1"),
        "test macro F1": test("macro_f1"),
        "test F1": test("f1"),
        "seeds": len(results),
        "training, s": round(average("seconds")),
        "pre-training, s": round(average("pretraining_seconds")),
        "parameters": results[0]["parameters"],
        "MB": round(results[0]["bytes"] / 1e6),
        "documents/s": round(average("documents_per_second")),
    }


def first(curve: Sequence[float]) -> float:
    """F1 at the first validation."""
    return curve[0]


def picked(
    results: SeedResults, pick: Callable[[Sequence[float]], float]
) -> tuple[list[float], ...]:
    """F1 at one validation, for each seed.

    Args:
        results: of a variant.
        pick: chooses the validation: takes the F1 of all of them, and returns one.

    Returns:
        F1 of the whole and, if that has a TF-IDF classifier, of the network alone; nothing of a
        baseline, which has one validation.
    """
    curves = ([result[key] for result in results if result.get(key)] for key in _CURVES)
    return tuple([pick(curve) for curve in found] for found in curves if found)


def validation(results: SeedResults, pick: Callable[[Sequence[float]], float]) -> str:
    """A cell about what `picked` returns: the mean over the seeds and its spread."""
    return with_network(map(mean_and_spread, picked(results, pick)))


def with_network(cells: Iterable[str]) -> str:
    """A cell about the whole and, in brackets, one about the network alone if there is one."""
    return " ".join(cell if index == 0 else f"({cell})" for index, cell in enumerate(cells))


def mean_and_spread(values: Sequence[float]) -> str:
    """The mean, and the standard deviation unless it rounds to 0.000."""
    spread = np.std(values, ddof=1) if len(values) > 1 else 0.0
    return f"{np.mean(values):.3f}" + (f" ± {spread:.3f}" if spread >= 0.0005 else "")


def first_epochs(measured: Mapping[str, SeedResults]) -> str:
    """A table of F1 and validation loss after some epochs, like that of the original project.

    The variant `NAME/untrained` provides the loss of the initial weights of `NAME`.
    """
    rows: list[dict[str, Any]] = [
        {"start": name}
        | {f"F1 after {epoch}": f"{f1:.2f}" for epoch, f1 in zip(AFTER, scores, strict=True)}
        for name, scores in ORIGINAL.items()
    ]
    for name, results in measured.items():
        if name.endswith("/untrained"):
            continue
        f1, loss = (_mean_by_epoch(results, key) for key in ("curve", "valid_loss"))
        start = _mean_by_epoch(measured.get(f"{name}/untrained", []), "valid_loss").get(1)
        losses = {"valid loss at the start": start}
        losses |= {f"valid loss after {epoch}": loss.get(epoch) for epoch in LOSSES_AFTER}
        rows.append(
            {"start": name}
            | {f"F1 after {epoch}": f"{f1[epoch]:.3f}" for epoch in AFTER if epoch in f1}
            | {title: "" if value is None else f"{value:.2f}" for title, value in losses.items()}
            | {"training, s": round(np.mean([result["seconds"] for result in results]))}
        )
    return markdown(rows)


def _mean_by_epoch(results: SeedResults, key: str) -> dict[int, float]:
    """The mean over the seeds after each epoch (from 1) that all seeds reached."""
    columns = zip(*(result[key] for result in results), strict=False)
    return {epoch: float(np.mean(values)) for epoch, values in enumerate(columns, start=1)}


def time_to_loss(measured: Mapping[str, SeedResults]) -> str:
    """Tables of the validation after each epoch, and of the time to a loss that a group reaches.

    A group consists of the variants with the same prefix. The time is that of the training steps,
    interpolated between two validations.
    """
    epochs, times = [], []
    for _, group in groupby(measured.items(), key=lambda item: item[0].partition("/")[0]):
        curves = {}
        for name, results in group:
            loss, accuracy, seconds = (
                list(_mean_by_epoch(results, key).values())
                for key in ("masked_lm_loss", "masked_lm_accuracy", "epoch_seconds")
            )
            curves[name] = np.column_stack([np.cumsum(seconds), loss])
            epochs += [
                {
                    "variant": name,
                    "epoch": epoch + 1,
                    "seconds": float(np.sum(seconds[: epoch + 1])),
                    "masked LM loss": loss[epoch],
                    "masked LM accuracy": accuracy[epoch],
                }
                for epoch in range(len(loss))
            ]
        common = max(float(curve[:, 1].min()) for curve in curves.values())
        reached = {name: seconds_to(common, curve) for name, curve in curves.items()}
        slowest = max(reached.values())
        times += [
            {
                "variant": name,
                "loss": common,
                "seconds": seconds,
                "times as fast": slowest / seconds,
            }
            for name, seconds in reached.items()
        ]
    return f"{markdown(epochs)}\n\nTo the loss that all of them reach:\n\n{markdown(times)}"


def seconds_to(loss: float, curve: np.ndarray) -> float:
    """The time at which a curve first reaches a loss, interpolated between two validations.

    Args:
        loss: a loss that the curve reaches.
        curve: (epochs, 2), seconds and loss after each epoch.
    """
    reached = int(np.argmax(curve[:, 1] <= loss))
    if not reached:
        return float(curve[0, 0])
    (before, high), (after, low) = curve[reached - 1], curve[reached]
    return float(after - (after - before) * (loss - low) / (high - low))


def curves(measured: Mapping[str, SeedResults]) -> dict[str, list[float]]:
    """The mean validation F1 after each epoch, for each variant that is trained in epochs.

    The scores of the network without the TF-IDF classifier are a separate curve.
    """
    found = {}
    for variant, results in measured.items():
        for key, title in (("curve", variant), ("network_f1", f"{variant}, network alone")):
            runs = [result for result in results if result.get(key)]
            if runs and not variant.endswith("/untrained"):
                found[title] = list(_mean_by_epoch(runs, key).values())
    return found


def levels(measured: Mapping[str, SeedResults]) -> dict[str, float]:
    """The mean validation F1 of each variant that is not trained in epochs."""
    return {
        variant: float(np.mean([result["valid"]["f1"] for result in results]))
        for variant, results in measured.items()
        if "valid" in results[0] and "curve" not in results[0]
    }
