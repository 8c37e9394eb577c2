"""Label mention: which labels did the text name, before their names were hidden?"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import keras
import numpy as np
from keras import ops

from common.errors import ConfigError
from models.build import Array
from models.config import BackboneConfig
from models.heads.max_pooled import MaxPooledHead
from models.kernels.losses import sigmoid_cross_entropy
from models.layers.token_embedding import TokenEmbedding
from models.objectives.base import Encode, Objective, Term

# A label that no document names, or all do, would start where it can hardly be learned.
_MIN_FREQUENCY = 1e-4


@keras.saving.register_keras_serializable(package="models")
class LabelMentionHead(Objective):
    """Predicts the labels that a text names, with a head as fine-tuning uses it.

    Raw text often says what labelled documents are labelled with, such as the charge in a judgment.
    The names are hidden and the rest of the text predicts them. Fine-tuning takes over the head,
    where the labels have the same names.

    The logits are those of the head plus the log-odds of the labels' frequencies, so that the
    head's weights say what the text adds to the frequencies, which differ in the labelled
    documents.

        >>> config = backbone_config("text_cnn", "tiny", vocab_size=100)
        >>> head = LabelMentionHead(config, [0.2, 0.8], name="label_mention")

    Args:
        config: the backbone's configuration.
        mention_frequencies: for each label, the fraction of the documents naming any that name it.

    Raises:
        ConfigError: there are no frequencies, or one is not between 0 and 1.
    """

    arrays: ClassVar[Mapping[str, Array]] = {
        "mentioned_labels": Array(("batch", "labels"), "float32"),
        "mention_weights": Array(("batch",), "float32"),
    }
    settings: ClassVar[tuple[str, ...]] = ("mention_frequencies",)

    def __init__(
        self, config: BackboneConfig, mention_frequencies: Sequence[float] = (), **kwargs: Any
    ) -> None:
        super().__init__(config, **kwargs)
        if not _are_frequencies(mention_frequencies):
            raise ConfigError(
                "mention_frequencies must be one or more fractions between 0 and 1, one for each "
                "label that a text may name."
            )
        self._frequencies = tuple(mention_frequencies)
        shares = np.clip(self._frequencies, _MIN_FREQUENCY, 1 - _MIN_FREQUENCY)
        self._log_odds = (np.log(shares) - np.log1p(-shares)).astype(np.float32)
        self.head = MaxPooledHead(
            config, len(shares), config.dropout, dtype=self.dtype_policy, name="head"
        )

    @property
    def sizes(self) -> dict[str, int]:
        """The number of labels."""
        return {"labels": self.head.num_labels}

    @property
    def saved_settings(self) -> dict[str, Any]:
        """The frequencies, and with them the number of labels."""
        return {"mention_frequencies": list(self._frequencies)}

    @classmethod
    def min_parameters(cls, config: BackboneConfig, settings: Mapping[str, Any]) -> int:
        """A lower bound on its parameters: those of the head."""
        frequencies = settings.get("mention_frequencies")
        labels = len(frequencies) if isinstance(frequencies, list) else 0
        return MaxPooledHead.min_parameters(config, labels)

    def build(self, input_shape: Any = None) -> None:
        """Creates the head's weights."""
        super().build()
        self.head.build()

    def call(
        self, outputs: Mapping[str, Any], padding_mask: Any, training: bool | None = None
    ) -> Any:
        """Scores the labels: see `ClassificationHead.call`."""
        return self.head(outputs, padding_mask, training=training) + self._log_odds

    def terms(
        self,
        encode: Encode,
        batch: Mapping[str, Any],
        token_embedding: TokenEmbedding,
        training: bool | None,
    ) -> list[Term]:
        """Returns one term: the losses of all labels of a row, added up.

        A row is a hit if the label with the highest logit is among those that the text names.
        """
        # Under a distribution strategy the mask arrives as 0 and 1.
        padding_mask = ops.cast(batch["padding_mask"], "bool")
        logits = self(encode(), padding_mask, training=training)
        named = batch["mentioned_labels"]
        losses = ops.sum(sigmoid_cross_entropy(named, logits), axis=-1)
        first = ops.argmax(logits, axis=-1)
        hits = ops.squeeze(ops.take_along_axis(named, first[:, None], axis=-1), axis=-1) > 0
        return [Term(self.name, losses, batch["mention_weights"], hits)]


def _are_frequencies(values: Any) -> bool:
    return (
        isinstance(values, list | tuple)
        and len(values) > 0
        and all(type(each) in (int, float) and 0 <= each <= 1 for each in values)
    )
