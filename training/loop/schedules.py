"""Learning-rate schedules: how the rate changes over the steps of a run."""

import keras


@keras.saving.register_keras_serializable(package="training")
class WarmupDecay(keras.optimizers.schedules.LearningRateSchedule):
    """A linear warm-up to the peak, followed by a linear decay to zero.

        >>> float(WarmupDecay(peak=1e-3, warmup_steps=10, total_steps=100)(9))
        0.001

    Args:
        peak: the highest learning rate.
        warmup_steps: the steps of the warm-up; the first step has the rate `peak / warmup_steps`.
        total_steps: the steps of the whole run; the last step still has a rate above zero.

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
        """Returns the constructor's arguments."""
        return {
            "peak": self.peak,
            "warmup_steps": self.warmup_steps,
            "total_steps": self.total_steps,
        }


@keras.saving.register_keras_serializable(package="training")
class SlantedTriangular(keras.optimizers.schedules.LearningRateSchedule):
    """A short linear rise from a low rate to the peak, then a long linear fall back to it.

    With T steps in all and `cut` of them in the rise, the rate of step t (from 0) is
    `peak (1 + p (ratio - 1)) / ratio`, where p is `t / cut` in the rise and `1 - (t - cut) / (T -
    cut)` after it.

        >>> float(SlantedTriangular(peak=0.01, warmup_steps=10, total_steps=100)(10))
        0.01

    Args:
        peak: the highest learning rate.
        warmup_steps: cut.
        total_steps: T.
        ratio: of the highest to the lowest rate.

    References:
        Howard & Ruder 2018, section 3.2, equation 3, with `cut / T` of 0.1 and a ratio of 32
        (https://arxiv.org/abs/1801.06146).
    """

    def __init__(
        self, peak: float, warmup_steps: int, total_steps: int, ratio: float = 32.0
    ) -> None:
        super().__init__()
        self.peak = peak
        self.warmup_steps = max(1, warmup_steps)
        self.total_steps = max(total_steps, self.warmup_steps + 1)
        self.ratio = ratio

    def __call__(self, step: int) -> keras.KerasTensor:
        step = keras.ops.cast(step, "float32")
        rise = step / self.warmup_steps
        fall = (self.total_steps - step) / (self.total_steps - self.warmup_steps)
        share = keras.ops.clip(keras.ops.minimum(rise, fall), 0.0, 1.0)
        return self.peak * (1.0 + share * (self.ratio - 1.0)) / self.ratio

    def get_config(self) -> dict[str, float]:
        """Returns the constructor's arguments."""
        return {
            "peak": self.peak,
            "warmup_steps": self.warmup_steps,
            "total_steps": self.total_steps,
            "ratio": self.ratio,
        }
