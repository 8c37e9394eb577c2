"""A classifier as the service uses it: token ids in, logits out, compiled once."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from data_util.bucketing import LENGTH_STEP
from data_util.inputs import token_budget
from data_util.sentence_pairs import Text
from models.serving_model import INPUTS, ServingModel
from training.prediction import Classifier


class Scorer:
    """Scores batches of tokenized texts.

    Args:
        classifier: the checkpoint.

    Attributes:
        takes_pairs: whether a document is a pair of texts.
    """

    def __init__(self, classifier: Classifier) -> None:
        self.classifier = classifier
        self.takes_pairs = classifier.pairs
        model = ServingModel(classifier.model)
        # Open lengths: one trace serves every bucket.
        self._run = tf.function(
            lambda inputs: model(inputs, training=False)["logits"],
            input_signature=[{name: tf.TensorSpec((None, None), tf.int32) for name in INPUTS}],
        )

    @property
    def max_tokens(self) -> int:
        """Tokens of a text, or of both texts of a pair together, that the model reads."""
        return token_budget(self.classifier.sequence_length, pairs=self.takes_pairs)

    def encode(self, texts: Sequence[Text]) -> list[tuple[np.ndarray, ...]]:
        """The ids of each text's tokens, or of both texts of each pair, (tokens,) int32 each."""
        return self.classifier.encode(texts)

    def logits(self, ids: Sequence[tuple[np.ndarray, ...]]) -> np.ndarray:
        """(texts, labels) float32; lengths are padded to a multiple of 32."""
        packed = self.classifier.pack(ids)
        return self._run(
            {name: tf.constant(array, tf.int32) for name, array in packed.items()}
        ).numpy()

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """(texts, labels) float32 of the logits."""
        return np.asarray(self.classifier.model.probabilities(tf.constant(logits)))

    def result(self, probabilities: np.ndarray, top_k: int) -> dict[str, Any]:
        """See `Classifier.result`."""
        return self.classifier.result(probabilities, top_k)

    def warm_up(self, batch_size: int) -> None:
        """Runs every bucket once, so that no request waits for it."""
        longest = self.classifier.sequence_length
        for length in (*range(LENGTH_STEP, longest, LENGTH_STEP), longest):
            ids = np.full(max(length - 2, 1), self.classifier.vocabulary.unk_id, np.int32)
            texts = (ids, ids[:1]) if self.takes_pairs else (ids,)
            self.logits([texts] * batch_size)
