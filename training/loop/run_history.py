"""The metrics of a run, epoch by epoch."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from common.errors import CheckpointError
from models.checkpoints.folder import METRICS


@dataclass
class RunHistory:
    """The metrics of a run so far, as stored in `metrics.json`.

        >>> RunHistory("loss").metrics()
        {'score': 'loss', 'history': [], 'best_epoch': 0}

    Attributes:
        score: the name of the validation metric that determines the best epoch.
        epochs: one entry per epoch: its number, training and validation metrics, learning rate
            and duration in seconds.
        best_epoch: the epoch (from 1) of the best validation so far; 0 before the first one.
        extra: further entries of `metrics.json`.
    """

    score: str
    epochs: list[dict[str, Any]] = field(default_factory=list)
    best_epoch: int = 0
    extra: dict[str, Any] = field(default_factory=dict)

    def metrics(self) -> dict[str, Any]:
        """The content of `metrics.json`."""
        return {
            "score": self.score,
            "history": self.epochs,
            "best_epoch": self.best_epoch,
            **self.extra,
        }

    def restore(self, metrics: Mapping[str, Any]) -> None:
        """Restores the history of an earlier session of the run.

        Args:
            metrics: the content of its `metrics.json`.

        Raises:
            CheckpointError: it is not as this class writes it.
        """
        history, best = metrics.get("history"), metrics.get("best_epoch")
        if not isinstance(history, list) or type(best) is not int:
            raise CheckpointError(
                f"{METRICS}: history or best_epoch cannot be what it is there; was the file edited "
                "by hand? Use --overwrite to start over."
            )
        self.extra.update(metrics)
        self.extra.pop("score", None)
        self.epochs, self.best_epoch = self.extra.pop("history"), self.extra.pop("best_epoch")


def as_text(metrics: Mapping[str, Any]) -> str:
    """The metrics that are fractional numbers, for the log: "loss 0.1234  f1 0.5678"."""
    numbers = {name: value for name, value in metrics.items() if isinstance(value, float)}
    return "  ".join(f"{name} {value:.4f}" for name, value in numbers.items())
