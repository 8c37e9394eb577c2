"""A linear TF-IDF classifier whose decisions are added to the network's logits."""

from typing import Any

import keras
from keras import ops

from models.heads.ngram_classifier import combine
from models.serializable import Serializable


@keras.saving.register_keras_serializable(package="models")
class BagOfWords(Serializable, keras.layers.Layer):
    """Adds the decisions of a linear classifier over TF-IDF features to the network's logits.

    A token that occurs t times in a document has the weight `(1 + ln t) idf(token)`; the weights of
    a document are scaled to unit length (Manning, Raghavan & Schütze 2008, sections 6.2.2 and
    6.4.1, https://nlp.stanford.edu/IR-book/). The decision for a label is the dot product of the
    document's and the label's weights, plus a bias (Joachims 1998, "Text categorization with
    support vector machines").

    With few labelled documents such a classifier is hard to beat, and it makes different errors
    than a network, so that the combination is better than either. Nothing here is trained by
    gradients: `fill` takes the solution of a solver for linear classifiers. Until `fill` is
    called, the network's logits pass through unchanged.

        >>> layer = BagOfWords(vocab_size=100, num_labels=3)
        >>> layer.build()
        >>> layer(np.ones((1, 3), "float32"), np.array([[1, 7, 2]]), np.ones((1, 3), bool)).shape
        TensorShape([1, 3])

    Args:
        vocab_size: the size of the vocabulary.
        num_labels: the number of labels.
    """

    def __init__(self, vocab_size: int, num_labels: int, **kwargs: Any) -> None:
        # It sums hundreds of small numbers: float32 regardless of the network's precision.
        super().__init__(**{**kwargs, "trainable": False, "dtype": "float32"})
        self.vocab_size = vocab_size
        self.num_labels = num_labels

    @staticmethod
    def min_parameters(vocab_size: int, num_labels: int) -> int:
        """A lower bound on its parameters, computed from its large arrays."""
        return vocab_size * (1 + num_labels)

    def build(self, input_shape: Any = None) -> None:
        """Creates the weights; they leave the network's logits unchanged until `fill` is called."""
        labels = (self.num_labels,)
        self.idf = self._weight((self.vocab_size,), "idf")
        self.kernel = self._weight((self.vocab_size, *labels), "kernel")
        self.bias = self._weight(labels, "bias")
        self.word_weight = self._weight((), "word_weight")
        self.network_weight = self._weight((), "network_weight", "ones")
        self.offset = self._weight((), "offset")
        self.built = True

    def fill(self, idf: Any, kernel: Any, bias: Any) -> None:
        """Sets the weights of a fitted classifier.

        Args:
            idf: (vocab_size,), 0 for tokens that are ignored.
            kernel: (vocab_size, num_labels).
            bias: (num_labels,).
        """
        self.idf.assign(idf)
        self.kernel.assign(kernel)
        self.bias.assign(bias)

    def decisions(self, token_ids: Any, padding_mask: Any) -> Any:
        """Signed distances of documents from the decision boundary of each label.

        Args:
            token_ids: (batch, length) int32.
            padding_mask: (batch, length) bool, True at tokens.

        Returns:
            (batch, num_labels) float32.
        """
        mask = ops.cast(padding_mask, "float32")
        # -1 is no token's id, so padding is not counted.
        among = ops.where(padding_mask, token_ids, -1)
        same = ops.equal(ops.expand_dims(token_ids, 2), ops.expand_dims(among, 1))
        count = ops.maximum(ops.sum(ops.cast(same, "float32"), axis=2), 1.0)
        weight = (1.0 + ops.log(count)) * ops.take(self.idf, token_ids, axis=0) * mask
        # A token that occurs t times appears t times in the sums below: each time with weight / t.
        length = ops.sqrt(ops.sum(ops.square(weight) / count, axis=1, keepdims=True))
        weight = weight / count / ops.maximum(length, 1e-12)
        rows = ops.take(self.kernel, token_ids, axis=0)
        return ops.squeeze(ops.matmul(ops.expand_dims(weight, 1), rows), 1) + self.bias

    def mix(self, network_weight: float, word_weight: float, offset: float) -> None:
        """Sets the coefficients of `combine`."""
        self.network_weight.assign(network_weight)
        self.word_weight.assign(word_weight)
        self.offset.assign(offset)

    def call(self, logits: Any, token_ids: Any, padding_mask: Any) -> Any:
        """Combines the network's logits with the decisions; see `combine`.

        A decision of -1 is the margin of a label's negative class; most documents are at or below
        it for most labels. The 1 is added so that there the network's logits hardly change.

        Args:
            logits: (batch, num_labels) float32, the network's.
            token_ids: as in `decisions`.
            padding_mask: as in `decisions`.

        Returns:
            (batch, num_labels) float32.
        """
        evidence = self.decisions(token_ids, padding_mask) + 1.0
        return combine(logits, evidence, self.network_weight, self.word_weight, self.offset)

    def _weight(
        self, shape: tuple[int, ...], name: str, initializer: str = "zeros"
    ) -> keras.Variable:
        return self.add_weight(shape=shape, name=name, initializer=initializer, trainable=False)
