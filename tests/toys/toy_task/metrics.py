"""The metrics of the toy task."""

from typing import Any

import numpy as np

from tasks.base import Evaluation
from tasks.rows import softmax_over_rows, split_rows


class ToyEvaluation(Evaluation):
    """The share of examples whose most probable option is right. Validation settles nothing."""

    def validate(self) -> dict[str, float]:
        """See `Evaluation.validate`."""
        self.found["validations"] = self.found.get("validations", 0) + 1
        return self._metrics("valid")

    def settle(self) -> None:
        """Notes in `metrics.json` which validation was the best."""
        self.found["settled_at"] = self.found["validations"]

    def test(self) -> tuple[dict[str, float], dict[str, str]]:
        """See `Evaluation.test`."""
        metrics = self._metrics("test")
        return metrics, {"test_choices.txt": f"{metrics['accuracy']:.4f}\n"}

    def _metrics(self, split: str) -> dict[str, float]:
        hits: list[Any] = []
        losses: list[Any] = []
        for inputs, targets, outputs in self.forward(self.data.batches[split]):
            probabilities = softmax_over_rows(outputs[:, 0], inputs["example"])
            losses += list(-np.log(probabilities[targets == 1]))
            rows = {"probability": probabilities, "target": targets}
            for example in split_rows(rows, inputs["example"]):
                hits.append(example["probability"].argmax() == example["target"].argmax())
        return {"loss": float(np.mean(losses)), "accuracy": float(np.mean(hits))}
