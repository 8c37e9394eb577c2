"""AdamW with a learning rate per part of the model."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import keras
import tensorflow as tf

from common.progress import Progress
from training.devices.distribution import all_reduce_sum
from training.loop.schedules import SlantedTriangular, WarmupDecay
from training.options.groups import OptimizationOptions


@keras.saving.register_keras_serializable(package="training")
class AdamW(keras.optimizers.Adam):
    """Adam with decoupled weight decay on matrices, and learning-rate factors per variable.

    In each step, decay shrinks each matrix by the factor `1 - learning_rate * decay`, in addition
    to Adam's update. (As a term of the loss, Adam would divide it by the gradient's magnitude.)
    Vectors (biases, the scales and shifts of normalization) are not decayed.

        optimizer = AdamW(WarmupDecay(1e-3, 10, 100))
        optimizer.scale_learning_rate(model.backbone.trainable_variables, 0.1)

    Args:
        learning_rate: a float or a schedule.
        decay: the coefficient of weight decay.
        clip_norm: the maximum norm of the gradients, over all variables together; None for no
            clipping.

    References:
        Loshchilov & Hutter 2019, algorithm 2 (https://arxiv.org/abs/1711.05101);
        exclusions as in Devlin et al. 2019.
    """

    def __init__(
        self,
        learning_rate: float | keras.optimizers.schedules.LearningRateSchedule = 1e-3,
        decay: float = 0.01,
        clip_norm: float | None = 1.0,
        **kwargs: object,
    ) -> None:
        super().__init__(learning_rate=learning_rate, global_clipnorm=clip_norm, **kwargs)
        self.decay = decay
        self._rate = learning_rate
        self._factor_by_path: dict[str, float] = {}
        self._factors: list[float] = []
        self._begin_by_path: dict[str, int] = {}
        self._begins: list[int] = []

    def scale_learning_rate(self, variables: Iterable[keras.Variable], factor: float) -> None:
        """Multiplies the learning rate of `variables` by `factor` in every step.

        Call it before the optimizer is built, that is, before the first step.
        """
        self._factor_by_path.update({variable.path: factor for variable in variables})

    def begin_at(self, variables: Iterable[keras.Variable], step: int) -> None:
        """Says that `variables` are left alone before a step (from 0).

        Adam's moments start at zero and are corrected for that by the number of steps that they
        have seen. Call it before the optimizer is built.
        """
        self._begin_by_path.update({variable.path: step for variable in variables})

    def last_learning_rate(self) -> float:
        """The learning rate of the previous step, without factors."""
        step = max(0, int(self.iterations.numpy()) - 1)
        return float(self._rate(step) if callable(self._rate) else self.learning_rate)

    def build(self, variables: Sequence[keras.Variable]) -> None:
        """Creates Adam's moments of each variable."""
        super().build(variables)
        self._factors = [self._factor_by_path.get(variable.path, 1.0) for variable in variables]
        self._begins = [self._begin_by_path.get(variable.path, 0) for variable in variables]

    def apply(
        self,
        grads: Sequence[Any],
        trainable_variables: Sequence[keras.Variable] | None = None,
    ) -> None:
        """Updates the variables with the sum of all replicas' gradients.

        This corrects Keras' global norm in two cases. Keras clips each replica's gradients before
        it sums them, but the norm should be that of the sum. And TensorFlow's sparse gradient of an
        embedding has one row per occurrence of a token, whose norm Keras computes as if the rows
        were of different tokens; it is converted to a dense table, as Adam does in any case.
        """
        whole = [
            tf.convert_to_tensor(grad) if isinstance(grad, tf.IndexedSlices) else grad
            for grad in grads
        ]
        super().apply(all_reduce_sum(whole), trainable_variables)

    def _all_reduce_sum_gradients(self, grads_and_vars: Any) -> Any:
        # Keras calls this on TensorFlow; `apply` has already reduced the gradients.
        return grads_and_vars

    def update_step(
        self,
        gradient: keras.KerasTensor,
        variable: keras.Variable,
        learning_rate: keras.KerasTensor,
    ) -> None:
        """Updates one variable."""
        index = self._get_variable_index(variable)
        learning_rate = learning_rate * self._factors[index]
        if self.decay and len(variable.shape) > 1:
            shrink = keras.ops.cast(learning_rate * self.decay, variable.dtype)
            self.assign_sub(variable, variable * shrink)
        if begin := self._begins[index]:
            taken = self.iterations + 1
            learning_rate = (
                learning_rate * self._correction(taken - begin) / self._correction(taken)
            )
        if keras.backend.backend() == "tensorflow":
            self._apply_adam(gradient, variable, learning_rate, index)
        else:
            super().update_step(gradient, variable, learning_rate)

    def _apply_adam(
        self, gradient: Any, variable: tf.Variable, learning_rate: Any, index: int
    ) -> None:
        """Keras' update in one operation, which reads and writes each array once."""
        first, second = self._momentums[index].value, self._velocities[index].value
        steps = tf.cast(self.iterations.value, variable.dtype) + 1
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=first.handle,
            v=second.handle,
            beta1_power=self.beta_1**steps,
            beta2_power=self.beta_2**steps,
            lr=tf.cast(learning_rate, variable.dtype),
            beta1=self.beta_1,
            beta2=self.beta_2,
            epsilon=self.epsilon,
            grad=tf.cast(gradient, variable.dtype),
        )

    def _correction(self, steps: Any) -> Any:
        """By what Adam multiplies the rate after so many steps (Kingma & Ba 2015, section 2)."""
        steps = keras.ops.cast(steps, "float32")
        first, second = (1.0 - beta**steps for beta in (self.beta_1, self.beta_2))
        return keras.ops.sqrt(second) / first

    def get_config(self) -> dict[str, object]:
        """Returns the constructor's arguments."""
        config = super().get_config()
        for name in ("weight_decay", "global_clipnorm", "clipnorm", "clipvalue"):
            config.pop(name, None)
        return {**config, "decay": self.decay, "clip_norm": self.global_clipnorm}


def last_learning_rate(optimizer: keras.optimizers.Optimizer) -> float:
    """The learning rate of the previous step, without factors.

    Args:
        optimizer: an `AdamW`, or the loss-scaling optimizer that Keras wraps around it with
            `mixed_float16`.
    """
    return getattr(optimizer, "inner_optimizer", optimizer).last_learning_rate()


def make_optimizer(
    options: OptimizationOptions, peak: float, total_steps: int, schedule: str = "linear"
) -> AdamW:
    """Creates an AdamW with a warm-up and a decay.

    Args:
        options: the ratio of warm-up, the weight decay and the clipping norm.
        peak: the highest learning rate.
        total_steps: the number of steps of the run.
        schedule: "linear" or "slanted_triangular".
    """
    made = SlantedTriangular if schedule == "slanted_triangular" else WarmupDecay
    rate = made(peak, round(options.warmup_ratio * total_steps), total_steps)
    return AdamW(rate, decay=options.weight_decay, clip_norm=options.clip_norm)


def total_steps(options: OptimizationOptions, steps: Callable[[int], int]) -> int:
    """The number of steps of the whole run; `steps` returns that of an epoch (from 0)."""
    total = 0
    # In pre-training the rows of each epoch are drawn to count them.
    with Progress("counting the steps of all epochs", options.num_epochs) as progress:
        for epoch in range(options.num_epochs):
            total += steps(epoch)
            progress.advance()
    return total
