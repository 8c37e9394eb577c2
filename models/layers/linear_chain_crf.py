"""A linear-chain conditional random field: how well a tag follows another one."""

from typing import Any

import keras
from keras import ops

from models.kernels.scan import last_state
from models.serializable import Serializable


@keras.saving.register_keras_serializable(package="models")
class LinearChainCRF(Serializable, keras.layers.Layer):
    """Holds the scores of transitions; they begin at 0, which is a softmax at each position.

        >>> crf = LinearChainCRF(num_tags=5)
        >>> crf(logits).shape  # (rows, length, 5) logits
        (rows, 7, 5)

    Args:
        num_tags: the number of tags, T.

    References:
        Lafferty et al. 2001; Lample et al. 2016, section 2.2 (https://arxiv.org/abs/1603.01360).
    """

    def __init__(self, num_tags: int, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.num_tags = num_tags

    def build(self, input_shape: Any = None) -> None:
        """Creates the scores, (T + 2, T)."""
        shape = (self.num_tags + 2, self.num_tags)
        self.transitions = self.add_weight(shape=shape, initializer="zeros", name="transitions")

    def call(self, logits: Any) -> Any:
        """The scores, once for each row of the logits.

        Returns:
            (rows, T + 2, T) float32: `[i, j]` is the score of tag j after tag i. Row T has the
            score of tag j at the beginning of a text, row T + 1 that of tag j at its end.
        """
        scores = ops.convert_to_tensor(self.transitions)
        return ops.broadcast_to(scores, (ops.shape(logits)[0], self.num_tags + 2, self.num_tags))


def crf_loss(
    logits: Any, transitions: Any, tags: Any, previous: Any, last: Any, weights: Any
) -> Any:
    """The negative log-likelihood of the tags of each row.

    A row is a chain of those positions whose weight is 1; others are left out, so that a tag
    follows that of the nearest such position before it.

    Args:
        logits: (rows, length, T) float32, the scores of the tags at each position.
        transitions: (rows, T + 2, T) float32, see `LinearChainCRF.call`; the same in all rows.
        tags: (rows, length) int32, the true tags.
        previous: (rows, length) int32, the true tag before each; T at the first of a row.
        last: (rows,) int32, the true tag of the last position.
        weights: (rows, length) float32, 1 at the positions of the chain and 0 elsewhere.

    Returns:
        (rows,) float32; 0 for a row without positions.
    """
    num_tags = logits.shape[-1]
    scores = transitions[0]
    between, first, at_end = scores[:num_tags], scores[num_tags], scores[num_tags + 1]
    chosen = ops.one_hot(tags, num_tags, dtype="float32")
    path = ops.sum(logits * chosen, axis=-1) + ops.take(
        ops.reshape(scores, (-1,)), previous * num_tags + tags
    )
    path = ops.sum(path * weights, axis=-1) + ops.take(at_end, last)

    def step(state: tuple[Any, ...], position: tuple[Any, ...]) -> tuple[Any, ...]:
        alpha, begun = state
        emission, weight = position
        after = ops.logsumexp(alpha[:, :, None] + between[None], axis=1)
        entered = ops.where(begun > 0, after, first) + emission
        here = weight[:, None] > 0
        return ops.where(here, entered, alpha), ops.maximum(begun, weight[:, None])

    start = ops.zeros_like(logits[:, 0]), ops.zeros_like(logits[:, 0, :1])
    positions = ops.transpose(logits, (1, 0, 2)), ops.transpose(weights, (1, 0))
    alpha, begun = last_state(step, start, positions)
    total = ops.logsumexp(alpha + at_end, axis=-1)
    return (total - path) * begun[:, 0]
