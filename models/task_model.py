"""The model of fine-tuning: a backbone with the head of a task."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import keras
from keras import ops

from models.backbones.base import Backbone
from models.build import INPUTS, Array
from models.kernels.losses import weighted_mean
from models.layers.layer_weights import LayerWeights
from models.layers.windows import cut, highest

# What inputs are called that hold outputs of the backbone, and outputs that are those of a layer.
FEATURE = "feature/"
LAYER = "layer_"


class TaskLoss(Protocol):
    """The interface that a `TaskModel` needs from its task; `tasks.base.Task` implements it."""

    def loss(self, inputs: Mapping[str, Any], targets: Any, outputs: Any) -> tuple[Any, Any]:
        """The loss of each target and its weight; see `tasks.base.Task.loss`."""

    def serving_outputs(self, outputs: Any) -> dict[str, Any]:
        """The outputs of an exported model; see `tasks.base.Task.serving_outputs`."""


class TaskModel(keras.Model):
    """Learns a task from labelled examples.

    After `compile(optimizer=...)`, `fit` takes (inputs, targets) as the task's batches yield them;
    the metric "loss" is the mean loss over all targets.

        head = PooledHead(config, num_labels=3, dropout=0.1, name="head")
        model = build(TaskModel(make_backbone(config), head, task))
        model(inputs)  # (rows, 3) of the task's logits

    Args:
        backbone: the backbone.
        head: a layer from the backbone's outputs to the task's, e.g. a `ClassificationHead`.
        task: computes the loss. It is not part of the weights file.

    Attributes:
        layer_weights: see `weight_layers`; None: the head reads the last layer's output.
        window_length: a document that is longer is read in windows of this length, and each of the
            head's outputs (rows, count) is the highest over the windows; None: it is read at once.
        all_reduce_sum: see `weighted_mean`; must be set if several replicas of the model train
            together.
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
        # The weights file uses these attribute names.
        self.backbone = backbone
        self.head = head
        self.task = task
        self.layer_weights: LayerWeights | None = None
        self.window_length: int | None = None
        # If the head does not read the pooled output, it gets no gradient, and Keras would warn.
        backbone.pooling.trainable = head.reads_pooled_output
        self._loss_mean = keras.metrics.Mean("target_loss")

    @property
    def arrays(self) -> dict[str, Array]:
        """The arrays of a batch that it reads, by name."""
        return dict(INPUTS)

    def weight_layers(self) -> None:
        """Makes the head read a weighted mean of all layers in place of the last one's output.

        It is for a model that is not built yet. The embeddings are one of the layers.
        """
        self.layer_weights = LayerWeights(self.backbone.config.d_model, name="layer_weights")

    def leave_out_unused(self) -> None:
        """Computes only what the outputs depend on; for a model that is not trained further."""

    def build(self, input_shape: Any = None) -> None:
        """Creates all weights."""
        for layer in (self.backbone, self.head):
            if not layer.built:
                layer.build()

    def call(self, inputs: Mapping[str, Any], training: bool | None = None) -> Any:
        """Computes the head's outputs.

        Args:
            inputs: the backbone's inputs, see `Backbone.call`, of shape (rows, length).
            training: whether dropout is active.

        Returns:
            The head's outputs, (rows, ...).
        """
        if self.window_length is None:
            return self._scores(inputs, training)
        windows, real = cut(inputs, self.window_length)
        return highest(self._scores(windows, training), real)

    def _scores(self, inputs: Mapping[str, Any], training: bool | None) -> Any:
        outputs = self.encoded(inputs, training)
        read = {name: inputs[name] for name in ("token_ids", "segment_ids")}
        outputs = {**outputs, **read}
        # As in the backbone: under a distribution strategy the mask arrives as 0 and 1.
        padding_mask = ops.cast(inputs["padding_mask"], "bool")
        return self.head(outputs, padding_mask, training=training)

    def encoded(self, inputs: Mapping[str, Any], training: bool | None = None) -> dict[str, Any]:
        """The outputs that the head reads; see `Backbone.call`."""
        kept = {
            (output := name.removeprefix(FEATURE)): self._of_known_width(output, value)
            for name, value in inputs.items()
            if name.startswith(FEATURE)
        }
        outputs = kept or self.read_backbone(inputs, training)
        if self.layer_weights is None:
            return outputs
        layers = [outputs["embedding_output"]]
        while (name := f"{LAYER}{len(layers)}") in outputs:
            layers.append(outputs[name])
        outputs = {**outputs, "sequence_output": self.layer_weights(layers)}
        if self.head.reads_pooled_output:
            padding_mask = ops.cast(inputs["padding_mask"], "bool")
            pooled = self.backbone.pooling(outputs["sequence_output"], padding_mask)
            outputs["pooled_output"] = pooled
        return outputs

    def _of_known_width(self, name: str, output: Any) -> Any:
        """A backbone's output with its static width, which batches leave open as any size."""
        if name.startswith(LAYER):
            return output  # of another width, which the layer's projection knows
        return ops.reshape(output, (*ops.shape(output)[:-1], self.backbone.config.d_model))

    def read_backbone(
        self, inputs: Mapping[str, Any], training: bool | None = None
    ) -> dict[str, Any]:
        """What is read of the backbone, before layers are weighted.

        Returns:
            The backbone's outputs; with weighted layers "embedding_output" and, by `LAYER` and
            their numbers from 1, the layers' outputs.
        """
        if self.layer_weights is not None:
            outputs = self.backbone(inputs, training=training, layers=True)
            layers = enumerate(outputs["layer_outputs"], start=1)
            found = {f"{LAYER}{number}": output for number, output in layers}
            return {"embedding_output": outputs["embedding_output"], **found}
        # A head that does not read the sequence output needs it at no position.
        positions = None if self.head.reads_sequence_output else inputs["token_ids"][:, :0]
        return self.backbone(inputs, training=training, positions=positions)

    def features(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """What is read of a backbone that is frozen, which is the same in every epoch.

        Among the inputs of `call` it takes the place of the backbone, which is not called then.

        Returns:
            Arrays (rows, ...) or, for each position, (rows, length, ...), by names that begin with
            `FEATURE`.
        """
        outputs = self.read_backbone(inputs, training=False)
        unread: set[str] = set()
        if self.layer_weights is None and not self.head.reads_sequence_output:
            unread |= {"embedding_output", "sequence_output"}
        if self.layer_weights is None and not self.head.reads_pooled_output:
            unread |= {"pooled_output"}
        return {f"{FEATURE}{name}": each for name, each in outputs.items() if name not in unread}

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """The mean loss over the batch's targets.

        Args:
            x: the inputs.
            y: the targets.
            y_pred: the head's outputs.
            sample_weight: (rows,) float, 0 at rows that only fill up a batch; None if there are
                no such rows.
            training: not used.

        Returns:
            A float32 scalar.
        """
        values, weights = self.task.loss(x, y, y_pred)
        weights = _product(weights, sample_weight)
        self._loss_mean.update_state(values, weights)
        return weighted_mean(values, weights, self.all_reduce_sum)

    def get_metrics_result(self) -> dict[str, Any]:
        """The metrics; "loss" is the mean over all targets since the last reset.

        Keras' own "loss", the mean over batches, ignores the weights of targets.
        """
        results = super().get_metrics_result()
        loss = results.pop("target_loss")
        return {**results, "loss": loss}


def _product(weights: Any, row_weights: Any) -> Any:
    """The product of (rows, ...) and (rows,); None stands for weights of 1."""
    if weights is None or row_weights is None:
        return row_weights if weights is None else weights
    extra = (1,) * (len(weights.shape) - 1)
    return ops.cast(weights, "float32") * ops.reshape(row_weights, (-1, *extra))
