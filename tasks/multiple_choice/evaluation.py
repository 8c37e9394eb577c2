"""The metrics of multiple choice, and what validation settles: weights and a temperature."""

import logging
import time
from dataclasses import asdict
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.calibration import Calibration, fit_temperature_over_rows
from tasks.evaluation import Evaluation, Findings, Forward
from tasks.multiple_choice.findings import findings_of, predictions_of
from tasks.multiple_choice.linear_ranking import fit_mixture, fit_ranking
from tasks.multiple_choice.model import ChoiceModel
from tasks.multiple_choice.outcome import Outcome, outcome_of
from tasks.multiple_choice.records import Question

if TYPE_CHECKING:
    from tasks.multiple_choice.data import ChoiceData
    from tasks.multiple_choice.task import MultipleChoice

logger = logging.getLogger(__name__)


class ChoiceEvaluation(Evaluation):
    """Accuracy, and the temperature with which probabilities are right as often as they say.

    In `metrics.json`, "calibration" is that of the best validation so far, and "comparison" has an
    entry for each validation: how much the network and the comparison of the choices count, and the
    accuracy of each alone.
    """

    model: ChoiceModel
    data: "ChoiceData"

    def __init__(
        self,
        task: "MultipleChoice",
        model: ChoiceModel,
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
        if self.model.comparison is not None:
            self.model.comparison.mix(1.0, 0.0)
        network = outcome_of(self.data.batches["valid"], self.forward)
        outcome = network if self.model.comparison is None else self._compared(network)
        self._last = fit_temperature_over_rows(outcome.scores, outcome.question, outcome.right)
        self.model.calibration.calibrate(self._last.scale, self._last.bias)
        metrics = outcome.calibrated(self._last).metrics()
        return {**metrics, "loss": network.metrics()["loss"]}

    def _compared(self, network: Outcome) -> Outcome:
        """The scores of the network and of the comparison together, with the best weights."""
        layer = self.model.comparison
        assert layer is not None
        linear = self.data.examples["valid"].compared.features @ self._kernel
        weights = fit_mixture(network.scores, linear, network.question, network.right)
        layer.mix(*weights)
        alone = Outcome(linear, network.question, network.right)
        accuracy = [float(each.hits.mean()) for each in (network, alone)]
        logger.info(
            "valid: accuracy of the network alone %.4f, of the comparison alone %.4f; "
            "weights: network %.3g, comparison %.3g",
            *accuracy,
            *weights,
        )
        names = ("network_weight", "linear_weight", "network_accuracy", "linear_accuracy")
        entry = dict(zip(names, (*weights, *accuracy), strict=True))
        self.found.setdefault("comparison", []).append(entry)
        scores = weights[0] * network.scores + weights[1] * linear
        return Outcome(scores, network.question, network.right)

    @cached_property
    def _kernel(self) -> np.ndarray:
        """The weights of the features; a run that resumes has them."""
        layer = self.model.comparison
        assert layer is not None
        if not np.asarray(layer.kernel).any():
            began = time.monotonic()
            train, valid = (self.data.examples[split] for split in ("train", "valid"))
            kernel, penalty = fit_ranking(train.compared, valid.compared)
            layer.fill(kernel)
            logger.info(
                "comparison of the choices of %s questions fitted in %.0f s, penalty %g",
                f"{len(train.lengths):,}",
                time.monotonic() - began,
                penalty,
            )
        return np.asarray(layer.kernel)

    def part_improved(self) -> bool:
        """Whether the network alone did better in the last validation than in any before.

        The comparison is as good from the first epoch, and can hide that the network still learns.
        """
        accuracy = [entry["network_accuracy"] for entry in self.found.get("comparison", [])]
        return len(accuracy) > 1 and accuracy[-1] > max(accuracy[:-1])

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
