"""Low-rank updates of the matrices of Keras' layers."""

from typing import Any

import keras
from keras import ops

LOW_RANK = ("lora_kernel_a", "lora_kernel_b")


def add_low_rank(layer: keras.layers.Layer, rank: int, alpha: float) -> None:
    """Adds `(alpha / r) A B` to the kernel W of a built layer; W itself is not changed.

    A is random and B is 0, so the layer computes the same as before. The kernel of a convolution,
    (filter size, input, output), is updated by A of (filter size, input, r) and B of (r, output).
    Of an LSTM cell, both the kernel and the recurrent kernel get an update.

    Args:
        layer: a dense layer, a convolution or an LSTM cell.
        rank: r.
        alpha: the scale of the update.

    References:
        Hu et al. 2021, section 4.1 (https://arxiv.org/abs/2106.09685); A is initialized as in
        https://github.com/microsoft/LoRA, uniform within 1 / sqrt(inputs).
    """
    uniform = keras.initializers.VarianceScaling(1 / 3, mode="fan_in", distribution="uniform")
    if isinstance(layer, keras.layers.LSTMCell):
        # Keras has it for dense layers and convolutions alone.
        layer.__class__ = LowRankLSTMCell
        layer.add_low_rank(rank, alpha, uniform)
    else:
        layer.enable_lora(rank, lora_alpha=alpha, a_initializer=uniform)


def merge_low_rank(layer: keras.layers.Layer) -> None:
    """Adds the update to the kernel itself, for good; the layer is an ordinary one from then on."""
    if isinstance(layer, LowRankLSTMCell):
        layer.merge_low_rank()
        return
    merged = ops.convert_to_numpy(layer.kernel)
    layer.lora_enabled = False
    layer._kernel.assign(merged)
    _remove(layer, LOW_RANK)


class LowRankLSTMCell(keras.layers.LSTMCell):
    """An LSTM cell whose two kernels have low-rank updates; see `add_low_rank`.

    A cell becomes one of this class when it gets them. Its own kernels stay where they were.
    """

    @property
    def kernel(self) -> Any:
        """The kernel with its update, (input, 4 units)."""
        return self._updated("kernel")

    @property
    def recurrent_kernel(self) -> Any:
        """The recurrent kernel with its update, (units, 4 units)."""
        return self._updated("recurrent_kernel")

    def add_low_rank(self, rank: int, alpha: float, initializer: Any) -> None:
        """Creates A and B of both kernels."""
        self._tracker.unlock()
        self.low_rank_scale = alpha / rank
        for name in ("kernel", "recurrent_kernel"):
            inputs, outputs = vars(self)[name].shape
            shapes = ((inputs, rank), initializer), ((rank, outputs), "zeros")
            for letter, (shape, initial) in zip("ab", shapes, strict=True):
                weight = f"lora_{name}_{letter}"
                created = self.add_weight(
                    shape=shape, initializer=initial, dtype="float32", name=weight
                )
                setattr(self, weight, created)
        self._tracker.lock()

    def merge_low_rank(self) -> None:
        """See the function of this name."""
        for name in ("kernel", "recurrent_kernel"):
            vars(self)[name].assign(ops.convert_to_numpy(self._updated(name)))
            _remove(self, [f"lora_{name}_{letter}" for letter in "ab"])
        self.__class__ = keras.layers.LSTMCell

    def _updated(self, name: str) -> Any:
        update = ops.matmul(getattr(self, f"lora_{name}_a"), getattr(self, f"lora_{name}_b"))
        kernel = ops.convert_to_tensor(vars(self)[name], dtype=self.compute_dtype)
        return kernel + ops.cast(self.low_rank_scale * update, kernel.dtype)


def _remove(layer: keras.layers.Layer, names: Any) -> None:
    layer._tracker.unlock()
    for name in names:
        layer._untrack_variable(getattr(layer, name))
        # Keras' own method collects garbage for each variable, which takes seconds in all.
        super(keras.layers.Layer, layer).__delattr__(name)
    layer._tracker.lock()
