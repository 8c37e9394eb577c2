"""The contract of every tuning: what of a backbone is trained, and what is added to it."""

from collections.abc import Collection, Sequence
from typing import Any, ClassVar

import keras

from models.backbones.base import Backbone
from models.build import LayerT, build
from models.task_model import TaskModel


class Tuning:
    """Says which of a backbone's weights are trained, and adds weights of its own.

    A tuning is a subclass that is registered in `models.registry.TUNINGS`. The options that its
    constructor takes are declared in `models.registry.TUNING_OPTIONS`.

        >>> tuning = TUNINGS["lora"](lora_rank=4)
        >>> backbone = tuning.build(BackboneModel(make_backbone(config))).backbone
        >>> len(tuning.trained(backbone, epoch=0))
        18

    Attributes:
        name: the key in `models.registry.TUNINGS`.
        needs_checkpoint: whether it makes no sense on random weights.
        holds_part: whether the checkpoint holds only what it does not share with the one that
            fine-tuning started from.
        is_mergeable: whether, after `merge`, the backbone is one without additions.
        is_static: whether nothing in the backbone ever changes, so that its outputs are the same in
            every epoch.
    """

    name: ClassVar[str]
    needs_checkpoint: ClassVar[bool] = True
    holds_part: ClassVar[bool] = False
    is_mergeable: ClassVar[bool] = True
    is_static: ClassVar[bool] = False

    def settings(self) -> dict[str, Any]:
        """The constructor's arguments without which a checkpoint cannot be read."""
        return {}

    def extend(self, backbone: Backbone) -> None:
        """Adds layers to a backbone that is not built yet.

        Raises:
            ConfigError: the backbone has no place for them.
        """

    def extend_built(self, backbone: Backbone) -> None:
        """Adds weights to a built backbone."""

    def merge(self, backbone: Backbone) -> None:
        """Makes the weights that were added part of the backbone's own, as far as that can be."""

    def added(self, backbone: Backbone) -> list[keras.Variable]:
        """The weights that were added to a built backbone, which no other checkpoint has."""
        return []

    def trained(self, backbone: Backbone, epoch: int) -> list[keras.Variable]:
        """The weights of a built backbone that are trained in an epoch (from 0)."""
        raise NotImplementedError

    def first_epoch(self, level: int, levels: int) -> int:
        """The first epoch (from 0) in which a level of the backbone is trained, if it is at all.

        Args:
            level: from 0, the embeddings.
            levels: the number of levels.
        """
        return 0

    def build(self, model: LayerT) -> LayerT:
        """Builds a model whose `backbone` gets what this tuning adds, and returns it."""
        self.extend(model.backbone)
        build(model)
        self.extend_built(model.backbone)
        return model


def level_weights(backbone: Backbone) -> list[list[keras.Variable]]:
    """The weights of each of the backbone's levels, from the embeddings to the top.

    A weight that several levels share is one of the highest; one that no level names is one of the
    top.
    """
    weights = [
        [weight for layer in level for weight in layer.weights] for level in backbone.levels()
    ]
    level_of = {id(each): index for index, level in enumerate(weights) for each in level}
    found: list[list[keras.Variable]] = [[] for _ in weights]
    for weight in backbone.weights:
        found[level_of.get(id(weight), -1)].append(weight)
    return found


class Freezing:
    """Trains some of a model's weights and keeps the others as they are.

    The weights of the head, and whatever else is not of the backbone, are trained as before. In a
    level of the backbone in which nothing is trained, dropout is off.

    Args:
        model: built; its trainable weights are those that may be trained at all.
    """

    def __init__(self, model: TaskModel) -> None:
        self._backbone = model.backbone
        self._weights = model.backbone.weights
        self._possible = {id(weight) for weight in model.backbone.trainable_weights}
        self._levels = [
            (_dropouts(layers), {id(weight) for weight in weights})
            for layers, weights in zip(
                self._backbone.levels(), level_weights(self._backbone), strict=True
            )
        ]
        self._rates = {id(each): each.rate for dropouts, _ in self._levels for each in dropouts}

    def train(self, weights: Collection[keras.Variable]) -> None:
        """Trains these weights of the backbone, as far as the head reads what they compute."""
        trained = {id(weight) for weight in weights} & self._possible
        for weight in self._weights:
            weight.trainable = id(weight) in trained
        for dropouts, level in self._levels:
            for dropout in dropouts:
                dropout.rate = self._rates[id(dropout)] if level & trained else 0.0


def _dropouts(layers: Sequence[keras.layers.Layer]) -> list[keras.layers.Dropout]:
    # Not `layers`, which only models have.
    inner = [each for layer in layers for each in layer._flatten_layers()]
    return [each for each in inner if isinstance(each, keras.layers.Dropout)]
