"""A backbone with the head of a task."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import keras
from keras import ops

from models.backbones.base import Backbone
from models.kernels.losses import weighted_mean


class TaskLoss(Protocol):
    """What a `TaskModel` asks of its task; `tasks.base.Task` has it."""

    def loss(self, inputs: Mapping[str, Any], targets: Any, outputs: Any) -> tuple[Any, Any]:
        """The loss of each target and its weight; see `tasks.base.Task.loss`."""

    def serving_outputs(self, outputs: Any) -> dict[str, Any]:
        """What an exported model gives; see `tasks.base.Task.serving_outputs`."""


class TaskModel(keras.Model):
    """Learns a task from labelled examples.

    `fit` takes (inputs, targets) after `compile(optimizer=...)`, as the task's batches give them;
    the metric "loss" is the mean loss of a target.

        model = TaskModel(make_backbone(config), PooledHead(config, 3, 0.1, name="head"), task)

    Args:
        backbone: the backbone.
        head: what the task reads from the backbone's outputs.
        task: gives the loss. It is no part of the weights file.

    Attributes:
        all_reduce_sum: see `weighted_mean`; set by whoever runs several replicas of the model.
    """

    all_reduce_sum: Callable[[Any], Any] | None = None

    def __init__(
        self,
        backbone: Backbone,
        head: keras.layers.Layer,
        task: TaskLoss,
        name: str = "task_model",
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        # The weights file has these names.
        self.backbone = backbone
        self.head = head
        self.task = task
        # What nothing reads gets no gradient, of which Keras would warn.
        backbone.pooling.trainable = head.reads_pooled_output
        self._loss_mean = keras.metrics.Mean("target_loss")

    def build(self, input_shape: Any = None) -> None:
        """Makes every weight."""
        for layer in (self.backbone, self.head):
            if not layer.built:
                layer.build()

    def call(self, inputs: Mapping[str, Any], training: bool | None = None) -> Any:
        """The backbone's inputs to the head's outputs, both with one row for each sequence."""
        outputs = self.encoded(inputs, training)
        outputs = {**outputs, "segment_ids": inputs["segment_ids"]}
        # As in the backbone: under a strategy the mask comes as 0 and 1.
        padding_mask = ops.cast(inputs["padding_mask"], "bool")
        return self.head(outputs, padding_mask, training=training)

    def encoded(self, inputs: Mapping[str, Any], training: bool | None = None) -> dict[str, Any]:
        """The backbone's outputs that the head reads: see `Backbone.call`."""
        # Where the head reads no position, none is asked for.
        positions = None if self.head.reads_sequence_output else inputs["token_ids"][:, :0]
        return self.backbone(inputs, training=training, positions=positions)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """The mean loss of a target.

        Args:
            x: the inputs.
            y: the targets.
            y_pred: the head's outputs.
            sample_weight: (rows,) float, 0 at a row that only fills a batch; None: there is none.
        """
        values, weights = self.task.loss(x, y, y_pred)
        weights = _product(weights, sample_weight)
        self._loss_mean.update_state(values, weights)
        return weighted_mean(values, weights, self.all_reduce_sum)

    def get_metrics_result(self) -> dict[str, Any]:
        """The metrics; "loss" is the mean over all targets since the last reset.

        Keras' own mean of the batches' losses knows nothing of weights.
        """
        results = super().get_metrics_result()
        loss = results.pop("target_loss")
        return {**results, "loss": loss}


def _product(weights: Any, row_weights: Any) -> Any:
    """(rows, ...) and (rows,), of which either may be None, which counts as 1."""
    if weights is None or row_weights is None:
        return row_weights if weights is None else weights
    extra = (1,) * (len(weights.shape) - 1)
    return ops.cast(weights, "float32") * ops.reshape(row_weights, (-1, *extra))
