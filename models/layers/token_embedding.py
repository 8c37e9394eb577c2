"""The table of token vectors, of the model's width or narrower."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="models")
class TokenEmbedding(keras.layers.ReversibleEmbedding):
    """`E[id]`, or `E[id] W` where the table E is of another width than the model.

    Reversed, as a language-model head uses it: `x E^T`, or `x W^T E^T`. So a head is tied through
    W as well. W starts with variance 1 / width, so that a vector keeps its scale on its way.

    Args:
        vocab_size: number of token ids.
        d_model: width of the output.
        width: of the table; 0 for `d_model`.
        kwargs: further arguments of Keras' layer.

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
        """Makes the table, and the projection where there is one."""
        super().build(input_shape)
        if self.projection is not None:
            self.projection.build((None, None, self.output_dim))

    def call(self, inputs: Any, reverse: bool = False) -> Any:
        """Token ids (...) int32 to (..., d_model); reversed, (..., d_model) to scores of tokens.

        Returns:
            (..., d_model), or reversed (..., vocab_size).
        """
        if reverse:
            return super().call(self.to_table_width(inputs), reverse=True)
        vectors = super().call(inputs)
        return vectors if self.projection is None else self.projection(vectors)

    def to_table_width(self, vectors: Any) -> Any:
        """(..., d_model) to the table's width, `x W^T`: what is multiplied with its rows."""
        if self.projection is None:
            return vectors
        kernel = ops.cast(self.projection.kernel, vectors.dtype)
        return ops.matmul(vectors, ops.transpose(kernel))

    def compute_output_shape(self, input_shape: tuple, reverse: bool = False) -> tuple:
        """The shape of what `call` gives."""
        if reverse:
            return (*input_shape[:-1], self.input_dim)
        return (*input_shape, self.d_model)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        config = super().get_config()
        config["vocab_size"] = config.pop("input_dim")
        del config["output_dim"]
        return {**config, "d_model": self.d_model, "width": self.width}
