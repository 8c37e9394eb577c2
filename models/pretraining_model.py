"""The model of pre-training: a backbone with self-supervised objectives."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
from keras import ops

from models.backbones.base import Backbone
from models.build import INPUTS, Array, example_batch
from models.encoding import Encoding
from models.kernels.losses import weighted_mean
from models.objectives.base import Term
from models.objectives.selection import check_objectives, check_visibilities
from models.registry import DEFAULT_OBJECTIVES, OBJECTIVES
from models.serializable import Serializable


@keras.saving.register_keras_serializable(package="models")
class PretrainingModel(Serializable, keras.Model):
    """Learns from raw text: the loss is the sum of the objectives' terms.

    A batch is one dict that includes the targets: after `compile(optimizer=...)`, `fit` and
    `evaluate` take a data set of such dicts. Each term has the metrics `<term>_loss` and, if the
    term has `hits`, `<term>_accuracy`: means over all targets since the last reset.

        >>> backbone = make_backbone(backbone_config("text_cnn", "tiny", vocab_size=100))
        >>> model = build(PretrainingModel(backbone, ["masked_lm"]))
        >>> model.metric_names
        ('masked_lm_loss', 'masked_lm_accuracy')

    Args:
        backbone: the backbone.
        objectives: keys of `OBJECTIVES`.
        settings: option values by name; each objective takes the ones it declares.

    Attributes:
        heads: the objectives' layers.
        all_reduce_sum: see `weighted_mean`; must be set if several replicas of the model train
            together.

    Raises:
        ConfigError: the objectives cannot be combined, or the backbone cannot see as they ask.
    """

    all_reduce_sum: Callable[[Any], Any] | None = None

    def __init__(
        self,
        backbone: Backbone,
        objectives: Sequence[str] = DEFAULT_OBJECTIVES,
        settings: Mapping[str, Any] | None = None,
        name: str = "pretraining",
        **kwargs: Any,
    ) -> None:
        # Keras would cast the weights of the targets to half precision, as it does all inputs.
        super().__init__(name=name, **{**kwargs, "autocast": False})
        check_objectives(objectives)
        check_visibilities(objectives, backbone.config)
        self.backbone = backbone
        self.objectives = tuple(objectives)
        self.heads = [
            OBJECTIVES[name].from_options(backbone.config, settings or {}, name=name)
            for name in objectives
        ]
        # If no objective reads the pooled output, it gets no gradient, and Keras would warn.
        backbone.pooling.trainable = any(head.reads_pooled_output for head in self.heads)
        self._factors: dict[str, float] = {}
        self._loss_means: dict[str, keras.metrics.Mean] = {}
        self._accuracies: dict[str, keras.metrics.Mean] = {}

    @property
    def arrays(self) -> dict[str, Array]:
        """The arrays of a batch by name: the backbone's inputs and those the objectives read."""
        arrays = dict(INPUTS)
        for head in self.heads:
            sized = {name: one.with_sizes(head.sizes) for name, one in head.arrays.items()}
            arrays.update(sized)
        return arrays

    @property
    def saved_settings(self) -> dict[str, Any]:
        """The objectives' `saved_settings` together, for `config.json`."""
        return {name: one for head in self.heads for name, one in head.saved_settings.items()}

    @property
    def metric_names(self) -> tuple[str, ...]:
        """The names of the metrics of the terms, once the model is built."""
        return tuple(
            f"{name}_{metric}"
            for name in self._loss_means
            for metric, means in (("loss", self._loss_means), ("accuracy", self._accuracies))
            if name in means
        )

    def measured(self, results: Mapping[str, float]) -> dict[str, float]:
        """The metrics without those of terms that had no target since the metrics were reset.

        Keras gives 0 for them, which would look like a perfect loss.

        Args:
            results: metrics by name.
        """
        empty = {
            mean.name
            for means in (self._loss_means, self._accuracies)
            for mean in means.values()
            if not float(ops.convert_to_numpy(ops.convert_to_tensor(mean.count)))
        }
        return {name: value for name, value in results.items() if name not in empty}

    def training_curves(self, results: Mapping[str, float]) -> dict[str, float]:
        """The metrics of training, under names of their own where validation has others.

        A loss over sampled candidates is lower than one over the vocabulary: one chart of both
        would compare what cannot be compared.

        Args:
            results: metrics by name.
        """
        sampled = tuple(f"{term}_" for head in self.heads for term in head.sampled_terms)
        if not sampled:
            return self.measured(results)
        return {
            f"sampled_{name}" if name == "loss" or name.startswith(sampled) else name: value
            for name, value in self.measured(results).items()
        }

    def build(self, input_shape: Any = None) -> None:
        """Creates all weights and the metrics of the terms."""
        if not self.backbone.built:
            self.backbone.build()
        for head in self.heads:
            head.build()
        for term in self._terms(example_batch(self.arrays), training=False):
            self._factors[term.name] = term.factor
            self._loss_means[term.name] = keras.metrics.Mean(f"{term.name}_loss")
            if term.hits is not None:
                self._accuracies[term.name] = keras.metrics.Mean(f"{term.name}_accuracy")

    def call(
        self, inputs: Mapping[str, Any], training: bool | None = None
    ) -> dict[str, dict[str, Any]]:
        """Computes the terms of the loss.

        Args:
            inputs: a batch, with all of `arrays`.
            training: whether the model is being trained.

        Returns:
            For each term, by name, a dict of "values", "weights" and, if the term has them, "hits",
            all of the same shape: see `Term`.
        """
        found = {}
        for term in self._terms(inputs, training):
            found[term.name] = {"values": term.values, "weights": term.weights}
            if term.hits is not None:
                found[term.name]["hits"] = term.hits
        return found

    def encoded(self, inputs: Mapping[str, Any], training: bool | None = None) -> dict[str, Any]:
        """The backbone's outputs for a batch, with the visibility of the first objective."""
        encoding = Encoding(self.backbone, self.heads, inputs, training)
        return encoding.outputs(self.heads[0].visibility)

    def _terms(self, batch: Mapping[str, Any], training: bool | None) -> list[Term]:
        encoding = Encoding(self.backbone, self.heads, batch, training)
        embedding = self.backbone.token_embedding
        return [
            term
            for head in self.heads
            for term in head.terms(encoding.of(head), batch, embedding, training)
        ]

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """The sum of the terms; each is its factor times the weighted mean over its targets.

        Args:
            x: the batch.
            y: not used: the targets are in the batch.
            y_pred: the terms, as returned by `call`.
            sample_weight: not used.
            training: not used.

        Returns:
            A float32 scalar.
        """
        losses = []
        for name, term in y_pred.items():
            values, weights = term["values"], term["weights"]
            # Flattened: Keras averages each row first, which overweights targets in short rows.
            each = ops.reshape(weights, (-1,))
            self._loss_means[name].update_state(ops.reshape(values, (-1,)), each)
            if "hits" in term:
                self._accuracies[name].update_state(ops.reshape(term["hits"], (-1,)), each)
            mean = weighted_mean(values, weights, self.all_reduce_sum)
            losses.append(_scaled(mean, self._factors[name]))
        return sum(losses[1:], losses[0])

    def get_metrics_result(self) -> dict[str, Any]:
        """The metrics; "loss" is the sum of the terms' mean losses, each times its factor.

        Keras' own "loss", the mean over batches, would overweight the targets of small batches.
        """
        results = super().get_metrics_result()
        means = [_scaled(results[f"{name}_loss"], factor) for name, factor in self._factors.items()]
        return {**results, "loss": sum(means[1:], means[0])}


def _scaled(mean: Any, factor: float) -> Any:
    return mean if factor == 1 else factor * mean
