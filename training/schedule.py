"""The learning rate of a step."""

import keras


@keras.saving.register_keras_serializable(package="training")
class WarmupDecay(keras.optimizers.schedules.LearningRateSchedule):
    """A linear rise to the peak, then a linear fall to zero at the last step.

    Args:
        peak: the highest learning rate.
        warmup_steps: steps of the rise; the first step already has `peak / warmup_steps`.
        total_steps: steps of the whole run; the last one still has a rate above zero.

    References:
        Devlin et al. 2019, appendix A.2 (https://arxiv.org/abs/1810.04805).
    """

    def __init__(self, peak: float, warmup_steps: int, total_steps: int) -> None:
        super().__init__()
        self.peak = peak
        self.warmup_steps = max(1, warmup_steps)
        self.total_steps = max(total_steps, self.warmup_steps)

    def __call__(self, step: int) -> keras.KerasTensor:
        step = keras.ops.cast(step, "float32")
        rise = (step + 1.0) / self.warmup_steps
        fall = (self.total_steps - step) / (self.total_steps - self.warmup_steps + 1.0)
        return self.peak * keras.ops.clip(keras.ops.minimum(rise, fall), 0.0, 1.0)

    def get_config(self) -> dict[str, float]:
        """The constructor's arguments."""
        return {
            "peak": self.peak,
            "warmup_steps": self.warmup_steps,
            "total_steps": self.total_steps,
        }
