"""The two classification tasks: any number of labels, or exactly one."""

from typing import Any

import numpy as np

from tasks.classification.classification import Classification

_TINY = 1e-30  # 0 log 0 is 0.


class MultiLabel(Classification):
    """Any number of labels; each is decided independently."""

    name = "multi_label"
    exclusive = False

    def cross_entropy(self, targets: Any, outputs: Any) -> Any:
        """Sigmoid cross-entropy, summed over the labels."""
        from keras import ops

        from models.kernels.losses import sigmoid_cross_entropy

        return ops.sum(sigmoid_cross_entropy(targets, outputs), axis=-1)

    def entropy(self, probabilities: Any) -> Any:
        """That of each label's two outcomes, summed over the labels."""
        return _entropy(probabilities) + _entropy(1 - probabilities)

    def probabilities(self, outputs: np.ndarray) -> np.ndarray:
        """Sigmoid."""
        # exp() of a positive number could overflow.
        power = np.exp(-np.abs(outputs))
        return np.where(outputs >= 0, 1, power) / (1 + power)

    def serving_outputs(self, outputs: Any) -> dict[str, Any]:
        """The logits and the probabilities."""
        from keras import ops

        return {"logits": outputs, "probabilities": ops.sigmoid(outputs)}

    def log_odds(self, outputs: np.ndarray, label: int) -> np.ndarray:
        """The label's logit."""
        return outputs[:, label].astype(np.float64)

    def bias(self, frequencies: np.ndarray) -> np.ndarray:
        """Log-odds."""
        return np.log(frequencies) - np.log1p(-frequencies)


class MultiClass(Classification):
    """Exactly one label."""

    name = "multi_class"
    exclusive = True

    def cross_entropy(self, targets: Any, outputs: Any) -> Any:
        """Softmax cross-entropy."""
        from keras import ops

        return ops.categorical_crossentropy(targets, outputs, from_logits=True)

    def entropy(self, probabilities: Any) -> Any:
        """That of the labels."""
        return _entropy(probabilities)

    def probabilities(self, outputs: np.ndarray) -> np.ndarray:
        """Softmax."""
        powers = np.exp(outputs - outputs.max(axis=-1, keepdims=True))
        return powers / powers.sum(axis=-1, keepdims=True)

    def serving_outputs(self, outputs: Any) -> dict[str, Any]:
        """The logits and the probabilities."""
        from keras import ops

        return {"logits": outputs, "probabilities": ops.softmax(outputs, axis=-1)}

    def log_odds(self, outputs: np.ndarray, label: int) -> np.ndarray:
        """The label's logit minus the log-sum-exp of the others."""
        outputs = outputs.astype(np.float64)
        if outputs.shape[1] < 2:
            return outputs[:, label]
        others = np.delete(outputs, label, axis=1)
        return outputs[:, label] - np.logaddexp.reduce(others, axis=1)

    def bias(self, frequencies: np.ndarray) -> np.ndarray:
        """Logarithms."""
        return np.log(frequencies)


def _entropy(probabilities: Any) -> Any:
    """`-sum p log p`, (rows,)."""
    from keras import ops

    return -ops.sum(probabilities * ops.log(ops.maximum(probabilities, _TINY)), axis=-1)
