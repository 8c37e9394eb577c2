"""The loss of the classification tasks: true labels, soft labels of teachers, or both."""

from collections.abc import Mapping
from typing import Any

from tasks.classification.decisions import LabelDecisions

SOFT_TARGETS, SOFT_WEIGHTS, HARD_WEIGHTS = "soft_targets", "soft_weights", "hard_weights"


class LabelLoss(LabelDecisions):
    """The part of a classification task that computes the loss.

    With soft labels q, the teachers' probabilities at the temperature T, the loss of a row with
    logits z and targets y is

        hard_weight * H(y, p(z)) + soft_weight * T^2 * KL(q || p(z / T))

    where H is the cross-entropy. The factor T^2 keeps the gradients of the second term as large as
    those of the first one whatever the temperature is (Hinton et al. 2015,
    https://arxiv.org/abs/1503.02531). Several labels are so many distributions of two outcomes, and
    their divergences are summed.

    Attributes:
        temperature: T.
    """

    temperature: float = 1.0

    def loss(self, inputs: Mapping[str, Any], targets: Any, outputs: Any) -> tuple[Any, Any]:
        """The losses and the weights of the rows, (rows,) each; see `tasks.base.Task.loss`.

        Args:
            inputs: where teachers are learned from, with "soft_targets" (rows, labels), and
                "soft_weights" and "hard_weights" (rows,), all of them float32; where examples
                count differently, with "example_weights" (rows,).
            targets: (rows, labels), 1 for each true label and 0 elsewhere.
            outputs: (rows, labels) float32 logits.
        """
        from keras import ops

        values = self.cross_entropy(ops.cast(targets, "float32"), outputs)
        if SOFT_TARGETS in inputs:
            soft = inputs[SOFT_TARGETS]
            divergences = self.cross_entropy(soft, outputs / self.temperature) - self.entropy(soft)
            values = inputs[HARD_WEIGHTS] * values + (
                inputs[SOFT_WEIGHTS] * self.temperature**2 * divergences
            )
        return values, inputs.get("example_weights")

    def cross_entropy(self, targets: Any, outputs: Any) -> Any:
        """The cross-entropy of probabilities and logits, both (rows, labels) float32: (rows,)."""
        raise NotImplementedError

    def entropy(self, probabilities: Any) -> Any:
        """The cross-entropy of probabilities and themselves: its least value, (rows,)."""
        raise NotImplementedError
