"""The table of `benchmarks.accuracy`, and what its picture shows."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

HEADER = (
    "| set | arm | valid f1, epoch 1 (network alone) | best valid f1 (network alone) | test micro "
    "| test macro | test f1 | seeds | training, s | pre-training, s | parameters | MB "
    "| documents/s |"
    "\n|---|---|---|---|---|---|---|---|---|---|---|---|---|"
)


def row(name: str, arm: str, results: Sequence[dict[str, Any]]) -> str:
    """A line of the Markdown table: means, and the standard deviation of F1 over the seeds.

    In brackets is what the network has without the bag of words beside it.
    """

    def with_network(pick: Callable[[Sequence[float]], float]) -> str:
        curves = [result["curve"] for result in results if "curve" in result]
        alone = [result["network_f1"] for result in results if result.get("network_f1")]
        cells = [mean_and_spread([pick(curve) for curve in curves])] if curves else []
        cells += [f"({mean_and_spread([pick(curve) for curve in alone])})"] if alone else []
        return " ".join(cells)

    def test(figure: str) -> str:
        return mean_and_spread([result["test"][figure] for result in results])

    def average(key: str) -> float:
        return float(np.mean([result.get(key, 0.0) for result in results]))

    cells = [
        name,
        arm,
        with_network(lambda curve: curve[0]),
        with_network(max) or mean_and_spread([result["valid"]["f1"] for result in results]),
        test("micro_f1"),
        test("macro_f1"),
        test("f1"),
        str(len(results)),
        f"{average('seconds'):.0f}",
        f"{average('pretraining_seconds'):.0f}",
        f"{results[0]['parameters']:,}",
        f"{results[0]['bytes'] / 1e6:.0f}",
        f"{average('documents_per_second'):,.0f}",
    ]
    return f"| {' | '.join(cells)} |"


def mean_and_spread(values: Sequence[float]) -> str:
    """The mean, and the standard deviation where there is one to be seen."""
    spread = np.std(values, ddof=1) if len(values) > 1 else 0.0
    return f"{np.mean(values):.3f}" + (f" ± {spread:.3f}" if spread >= 0.0005 else "")


def curves(measured: Mapping[str, Sequence[dict[str, Any]]]) -> dict[str, list[float]]:
    """By arm that is trained in epochs, the mean validation F1 after each; the network alone too.

    Args:
        measured: the results of each arm, one a seed.
    """
    found = {}
    for arm, results in measured.items():
        for key, title in (("curve", arm), ("network_f1", f"{arm}, network alone")):
            runs = [result[key] for result in results if result.get(key)]
            if runs:
                found[title] = np.mean(runs, axis=0).tolist()
    return found


def levels(measured: Mapping[str, Sequence[dict[str, Any]]]) -> dict[str, float]:
    """By arm that is not trained in epochs, its mean validation F1."""
    return {
        arm: float(np.mean([result["valid"]["f1"] for result in results]))
        for arm, results in measured.items()
        if results and "curve" not in results[0]
    }
