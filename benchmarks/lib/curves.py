"""Draws F1 on the validation documents over the epochs of training."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path


def draw(
    curves: Mapping[str, Sequence[float]], target: Path, levels: Mapping[str, float] | None = None
) -> None:
    """Draws a line for each curve, or prints that matplotlib is missing.

    Args:
        curves: by name, F1 after each epoch.
        target: the picture's file.
        levels: by name, F1 of systems that are not trained in epochs, dashed.
    """
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        print("no curves were drawn: pip install matplotlib", file=sys.stderr)
        return
    figure = Figure(figsize=(7, 5), layout="constrained")
    axes = figure.subplots()
    for name, values in curves.items():
        axes.plot(range(1, len(values) + 1), values, marker=".", label=name)
    for number, (name, value) in enumerate((levels or {}).items(), start=len(curves)):
        axes.axhline(value, linestyle="--", color=f"C{number}", label=name)
    axes.set(xlabel="epoch", ylabel="validation F1 (mean of micro and macro)", ylim=(0, 1))
    axes.grid(alpha=0.3)
    # Below the axes, as there are many curves.
    figure.legend(loc="outside lower center", ncols=2, fontsize="small")
    figure.savefig(target, dpi=120)
    print(f"\nthe curves are in {target}")
