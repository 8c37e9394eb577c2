"""What a run has measured so far."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class RunHistory:
    """What a run has measured so far, as `metrics.json` holds it.

    Attributes:
        score: the name of the validation metric that chooses the best epoch.
        epochs: an entry for each epoch: its number, training and validation metrics, learning
            rate and seconds.
        best_epoch: the epoch (from 1) of the best validation so far, 0 before the first.
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
        """Takes over what an earlier session of the run has measured."""
        self.extra.update(metrics)
        self.extra.pop("score", None)
        self.epochs, self.best_epoch = self.extra.pop("history"), self.extra.pop("best_epoch")
