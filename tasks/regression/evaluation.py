"""How regression measures a model: validation settles nothing."""

from typing import TYPE_CHECKING

import numpy as np

from tasks.evaluation import Evaluation, Findings
from tasks.regression.findings import findings_of, predictions_of
from tasks.regression.metrics import regression_metrics
from tasks.regression.records import Valued

if TYPE_CHECKING:
    from tasks.regression.data import ValuedData
    from tasks.regression.task import Regression


class RegressionEvaluation(Evaluation):
    """Correlations and errors."""

    task: "Regression"
    data: "ValuedData"
    _tested: tuple[np.ndarray, np.ndarray, list[Valued]]

    def validate(self) -> dict[str, float]:
        """The metrics of `regression_metrics`, and "loss", the mean standardized squared error."""
        return self._metrics(self._predicted("valid"), self.data.values["valid"])

    def test(self) -> tuple[dict[str, float], dict[str, str]]:
        """The metrics, and each example with its value and the predicted one."""
        predicted, true = self._predicted("test"), self.data.values["test"]
        listed = predictions_of(predicted, true, self.data.examples("test"))
        texts, examples = ({}, []) if listed is None else listed
        self._tested = predicted, true, examples
        return self._metrics(predicted, true), texts

    def findings(self) -> Findings:
        """Predicted values against true ones, and the examples with the largest errors."""
        return findings_of(*self._tested)

    def _metrics(self, predicted: np.ndarray, true: np.ndarray) -> dict[str, float]:
        standardized = (predicted.astype(np.float64) - true) / self.task.scale
        return {"loss": float((standardized**2).mean()), **regression_metrics(predicted, true)}

    def _predicted(self, split: str) -> np.ndarray:
        batches = self.data.batches[split]
        found = np.zeros(len(batches), np.float32)
        for inputs, _, outputs in self.forward(batches):
            found[inputs["example"]] = outputs[:, 0]
        return found
