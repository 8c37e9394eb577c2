"""The metrics of multiple choice, and what validation settles: a temperature."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from models.calibrated_model import CalibratedModel
from tasks.calibration import Calibration, fit_temperature_over_rows
from tasks.evaluation import Evaluation, Findings, Forward
from tasks.multiple_choice.findings import findings_of, predictions_of
from tasks.multiple_choice.outcome import Outcome, outcome_of
from tasks.multiple_choice.records import Question

if TYPE_CHECKING:
    from tasks.multiple_choice.data import ChoiceData
    from tasks.multiple_choice.task import MultipleChoice


class ChoiceEvaluation(Evaluation):
    """Accuracy, and the temperature with which probabilities are right as often as they say.

    In `metrics.json`, "calibration" is that of the best validation so far.
    """

    model: CalibratedModel
    data: "ChoiceData"

    def __init__(
        self,
        task: "MultipleChoice",
        model: CalibratedModel,
        data: "ChoiceData",
        forward: Forward,
        found: dict[str, Any],
    ) -> None:
        super().__init__(task, model, data, forward, found)
        self._last = Calibration()
        self._tested: tuple[Outcome, list[Question]]

    def validate(self) -> dict[str, float]:
        """The metrics of calibrated probabilities; "loss" is that of the network, as in training.

        The probabilities are calibrated on the same questions.
        """
        self.model.calibration.calibrate(1.0, 0.0)
        network = outcome_of(self.data.batches["valid"], self.forward)
        self._last = fit_temperature_over_rows(network.scores, network.question, network.right)
        self.model.calibration.calibrate(self._last.scale, self._last.bias)
        metrics = network.calibrated(self._last).metrics()
        return {**metrics, "loss": network.metrics()["loss"]}

    def settle(self) -> None:
        """Notes the temperature in `metrics.json`; the model's weights have it."""
        self.found["calibration"] = asdict(self._last)

    def test(self) -> tuple[dict[str, float], dict[str, str]]:
        """The metrics, and each question with its choices and their probabilities."""
        outcome = outcome_of(self.data.batches["test"], self.forward)
        listed = predictions_of(outcome, self.data.questions("test"))
        texts, questions = ({}, []) if listed is None else listed
        self._tested = outcome, questions
        return outcome.metrics(), texts

    def findings(self) -> Findings:
        """The questions that are most wrong, the accuracy by number of choices, the reliability."""
        return findings_of(*self._tested)
