"""What an exported model is: integers in, logits and probabilities out."""

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from models.classification import ClassificationModel
from models.serializable import Serializable

INPUTS = ("token_ids", "segment_ids", "padding_mask")
OUTPUTS = ("logits", "probabilities")


@keras.saving.register_keras_serializable(package="models")
class ServingModel(Serializable, keras.Model):
    """A classifier as other runtimes see it, always in inference mode.

    Its inputs are all int32, because not every runtime takes bool. The layers within are the
    classifier's own, not copies: to quantize this model is to quantize the classifier.

    Args:
        classifier: a built classifier.
    """

    def __init__(
        self, classifier: ClassificationModel, name: str = "serving", **kwargs: Any
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.classifier = classifier
        self.built = True

    def call(self, inputs: Mapping[str, Any], training: bool | None = None) -> dict[str, Any]:
        """Scores a batch.

        Args:
            inputs: "token_ids", "segment_ids" and "padding_mask" (1 at tokens, 0 at padding),
                each (batch, length) int32.
            training: has no effect.

        Returns:
            "logits" and "probabilities", each (batch, num_labels) float32.
        """
        mask = ops.cast(inputs["padding_mask"], "bool")
        logits = self.classifier({**inputs, "padding_mask": mask}, training=False)
        return {"logits": logits, "probabilities": self.classifier.probabilities(logits)}
