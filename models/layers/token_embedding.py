"""The token embedding, optionally factorized."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="models")
class TokenEmbedding(keras.layers.ReversibleEmbedding):
    """Computes `E[id]`, or `E[id] W` if the width of the table E is not `d_model`.

    With `reverse=True`, as used by language-model heads, it computes `x E^T` or `x W^T E^T`, so
    heads share W as well. W is initialized with variance 1 / width, which preserves the scale of
    the vectors.

        >>> embedding = TokenEmbedding(vocab_size=100, d_model=16, width=4)
        >>> embedding(np.array([[1, 7, 2]])).shape
        TensorShape([1, 3, 16])

    Args:
        vocab_size: the number of token ids.
        d_model: the width of the output.
        width: the width of the table; 0 for `d_model`.
        kwargs: further arguments of `keras.layers.ReversibleEmbedding`.

    References:
        factorized embedding: Lan et al. 2020, section 3.1 (https://arxiv.org/abs/1909.11942);
        shared with the output: Press & Wolf 2017 (https://arxiv.org/abs/1608.05859).
    """

    def __init__(self, vocab_size: int, d_model: int, width: int = 0, **kwargs: Any) -> None:
        super().__init__(vocab_size, width or d_model, **kwargs)
        self.d_model = d_model
        self.width = width
        self.projection: keras.layers.Dense | None = None
        if width not in (0, d_model):
            self.projection = keras.layers.Dense(
                d_model,
                use_bias=False,
                kernel_initializer=keras.initializers.TruncatedNormal(stddev=width**-0.5),
                dtype=self.dtype_policy,
                name="projection",
            )

    def build(self, input_shape: Any = None) -> None:
        """Creates the table and, if factorized, the projection."""
        super().build(input_shape)
        if self.projection is not None:
            self.projection.build((None, None, self.output_dim))

    def call(self, inputs: Any, reverse: bool = False) -> Any:
        """Embeds token ids, or scores all tokens if `reverse`.

        Args:
            inputs: token ids, (...) int32; with `reverse` vectors, (..., d_model).
            reverse: whether to apply the transposed embedding.

        Returns:
            Vectors (..., d_model); with `reverse` one score per token, (..., vocab_size).
        """
        if reverse:
            return super().call(self.to_table_width(inputs), reverse=True)
        vectors = super().call(inputs)
        return vectors if self.projection is None else self.projection(vectors)

    def to_table_width(self, vectors: Any) -> Any:
        """Projects vectors (..., d_model) to the width of the table, `x W^T`."""
        if self.projection is None:
            return vectors
        kernel = ops.cast(self.projection.kernel, vectors.dtype)
        return ops.matmul(vectors, ops.transpose(kernel))

    def compute_output_shape(self, input_shape: tuple, reverse: bool = False) -> tuple:
        """The shape of the output of `call`."""
        if reverse:
            return (*input_shape[:-1], self.input_dim)
        return (*input_shape, self.d_model)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        config = super().get_config()
        config["vocab_size"] = config.pop("input_dim")
        del config["output_dim"]
        return {**config, "d_model": self.d_model, "width": self.width}
