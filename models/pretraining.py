"""A backbone with self-supervised heads."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
from keras import ops

from common.errors import ConfigError
from models.backbone import Backbone
from models.cross_entropy import cross_entropy
from models.losses import weighted_mean
from models.tables import OBJECTIVES


@keras.saving.register_keras_serializable(package="models")
class PretrainingModel(keras.Model):
    """Learns from free text: the loss is the sum of the objectives' losses.

    A batch is one dict, with the targets inside: `fit` and `evaluate` take a data set that
    yields such dicts, after `compile(optimizer=...)`. For each objective there are the metrics
    `<objective>_loss` and `<objective>_accuracy`, means over all targets since the last reset.

    Args:
        backbone: the backbone.
        objectives: keys of `OBJECTIVES`.
        head_options: further arguments of an objective's head, by its key.

    Attributes:
        over_replicas: see `weighted_mean`; set by whoever runs several replicas of the model.
    """

    over_replicas: Callable[[Any], Any] | None = None

    def __init__(
        self,
        backbone: Backbone,
        objectives: Sequence[str] = ("masked_lm", "next_sentence"),
        head_options: Mapping[str, Mapping[str, Any]] | None = None,
        name: str = "pretraining",
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        if not objectives or len(set(objectives)) < len(objectives):
            raise ConfigError(f"objectives must be different, and one or more: {objectives}.")
        if unknown := sorted(set(objectives) - set(OBJECTIVES)):
            raise ConfigError(
                f"objectives must be of {', '.join(OBJECTIVES)}, not {', '.join(unknown)}."
            )
        self.backbone = backbone
        self.objectives = tuple(objectives)
        self.head_options = {key: dict(value) for key, value in (head_options or {}).items()}
        self.heads = [
            OBJECTIVES[name](backbone.config, **self.head_options.get(name, {}), name=name)
            for name in objectives
        ]
        # What nothing reads gets no gradient, of which Keras would warn.
        backbone.pooling.trainable = any(head.reads_pooled_output for head in self.heads)
        self._loss_means = {name: keras.metrics.Mean(f"{name}_loss") for name in objectives}
        self._accuracies = {name: keras.metrics.Mean(f"{name}_accuracy") for name in objectives}

    def build(self, input_shape: Any = None) -> None:
        """Makes every weight."""
        if not self.backbone.built:
            self.backbone.build()
        for head in self.heads:
            head.build()

    def call(self, inputs: Mapping[str, Any], training: bool | None = None) -> dict[str, Any]:
        """Predicts each objective's targets.

        Args:
            inputs: the backbone's inputs and "masked_positions" (batch, slots) int32.

        Returns:
            float32 logits by objective: "masked_lm" (batch, slots, vocab_size), or fewer tokens
            in training (see `MaskedLMHead`); "next_sentence" (batch, 2).
        """
        outputs = self.encoded(inputs, training)
        return {
            head.name: head.logits(outputs, inputs, self.backbone.token_embedding, training)
            for head in self.heads
        }

    def encoded(self, inputs: Mapping[str, Any], training: bool | None = None) -> dict[str, Any]:
        """The backbone's outputs that the objectives' heads read: see `Backbone.call`."""
        # A noise that hides nothing gives no positions: the sequence output is then not read.
        positions = inputs.get("masked_positions", inputs["token_ids"][:, :0])
        return self.backbone(inputs, training=training, positions=positions)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """The sum of the objectives' losses, each a weighted mean over its targets in `x`.

        Args:
            x: the batch: beside the inputs "masked_ids" (batch, slots) int32, "masked_weights"
                (batch, slots) float32, "pair_kind" (batch,) int32, "pair_weights" (batch,) float32.
            y_pred: the logits.
        """
        losses = []
        for head in self.heads:
            ids, weights = head.targets(x, training)
            values, predicted = cross_entropy(ids, y_pred[head.name])
            hits = ops.equal(ops.cast(predicted, ids.dtype), ids)
            # A row at a time, Keras would count the targets of rows with few slots for more.
            each = ops.reshape(weights, (-1,))
            self._loss_means[head.name].update_state(ops.reshape(values, (-1,)), each)
            self._accuracies[head.name].update_state(ops.reshape(hits, (-1,)), each)
            losses.append(weighted_mean(values, weights, self.over_replicas))
        return sum(losses[1:], losses[0])

    def get_metrics_result(self) -> dict[str, Any]:
        """The metrics; "loss" is the sum of the objectives' mean losses.

        Keras' own mean of the batches' losses would count each target of a small batch for more.
        """
        results = super().get_metrics_result()
        means = [results[f"{name}_loss"] for name in self.objectives]
        return {**results, "loss": sum(means[1:], means[0])}

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "backbone": keras.saving.serialize_keras_object(self.backbone),
            "objectives": list(self.objectives),
            "head_options": self.head_options,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "PretrainingModel":
        """The model that `get_config` described."""
        backbone = keras.saving.deserialize_keras_object(config.pop("backbone"))
        return cls(backbone, **config)
