"""Scores from the n-grams of tokens around each position."""

from typing import Any

import keras
import numpy as np
from keras import ops

from models.kernels.dropout import Dropout
from models.serializable import Serializable

# Tokens to each side that are read, and the longest n-gram.
RADIUS = 2
MAX_ORDER = 3
# Of the vectors; and the rows of the table of each order, as a power of 2.
WIDTH = 32
BITS = 15
_STDDEV = 0.1


@keras.saving.register_keras_serializable(package="models")
class NgramScores(Serializable, keras.layers.Layer):
    """Scores each position from the n-grams around it: up to trigrams, in a window of five tokens.

    Each n-gram has a learned vector, and the scores are linear in the vectors. That is what a
    linear classifier over a window knows: that a certain pair of tokens begins an entity is learned
    from few examples of the pair. A network has to make it out of the tokens first.

    The vectors are found by hashing, so that no list of n-grams is kept; n-grams that share a row
    share its vector.

        >>> layer = NgramScores(num_scores=5, vocab_size=100)
        >>> layer(np.array([[1, 7, 2]]), np.ones((1, 3), bool)).shape
        TensorShape([1, 3, 5])

    Args:
        num_scores: how many scores each position gets.
        vocab_size: number of token ids.
        dropout: the dropout rate of the vectors.

    References:
        Bigrams of characters beside characters: Chen et al. 2015
        (https://aclanthology.org/D15-1141); hashing: Weinberger et al. 2009
        (https://arxiv.org/abs/0902.2206).
    """

    def __init__(
        self, num_scores: int, vocab_size: int, dropout: float = 0.0, **kwargs: Any
    ) -> None:
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.num_scores = num_scores
        self.vocab_size = vocab_size
        self.dropout = Dropout(dropout, dtype="float32", name="dropout")
        # With one place for each n-gram of the order that lies within the window.
        self.convolutions = [
            keras.layers.Conv1D(
                num_scores,
                2 * RADIUS + 2 - order,
                use_bias=False,
                dtype="float32",
                name=f"scores_{order}",
            )
            for order in range(1, MAX_ORDER + 1)
        ]

    def build(self, input_shape: Any = None) -> None:
        """Creates the vectors, and the weights of their scores."""
        self.vectors = []
        for order, convolution in enumerate(self.convolutions, start=1):
            self.vectors.append(
                self.add_weight(
                    shape=(1 << BITS, WIDTH),
                    initializer=keras.initializers.RandomNormal(stddev=_STDDEV),
                    name=f"vectors_{order}",
                )
            )
            convolution.build((None, None, WIDTH))

    def call(self, token_ids: Any, padding_mask: Any, training: bool | None = None) -> Any:
        """Scores all positions.

        Args:
            token_ids: (batch, length) int32.
            padding_mask: (batch, length) bool, True at tokens. Padding is read as what is beyond
                the ends of a batch, so that it changes no token's scores.
            training: whether dropout is active.

        Returns:
            (batch, length, num_scores) float32.
        """
        ids = ops.where(padding_mask, token_ids, 0)
        ids = ops.pad(ids, ((0, 0), (RADIUS, RADIUS)))
        scores: Any = 0.0
        for order, convolution in enumerate(self.convolutions, start=1):
            rows = ngram_rows(ids, order, self.vocab_size)
            vectors = ops.take(self.vectors[order - 1], rows, axis=0)
            scores += convolution(self.dropout(vectors, training=training))
        return scores


def ngram_rows(ids: Any, order: int, vocab_size: int) -> Any:
    """The row of each n-gram in the table of its order.

    Args:
        ids: (batch, length) int32.
        order: how many tokens an n-gram has.
        vocab_size: number of token ids.

    Returns:
        (batch, length - order + 1) int32, below 2 ** BITS, by the first token.
    """
    count = ops.shape(ids)[1] - order + 1
    # Tabulation hashing. So few numbers of 15 bits have a sum without overflow, which the runtimes
    # of exported models need not agree on.
    rows = sum(
        ops.take(_numbers(vocab_size, place), ids[:, place : place + count], axis=0)
        for place in range(order)
    )
    return ops.mod(rows, 1 << BITS)


def _numbers(vocab_size: int, place: int) -> np.ndarray:
    """(vocab_size,) int32 below 2 ** BITS: what stands for each token at a place of an n-gram.

    They are those of splitmix64 (https://doi.org/10.1145/2660193.2660195), so that every program
    finds the same ones and no checkpoint has to store them.
    """
    start = np.uint64(place << 32)
    with np.errstate(over="ignore"):
        bits = (np.arange(vocab_size, dtype=np.uint64) + start) * np.uint64(0x9E3779B97F4A7C15)
        bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        bits ^= bits >> np.uint64(31)
    return (bits >> np.uint64(64 - BITS)).astype(np.int32)
