"""Layers and models that remember the arguments of their constructor."""

import inspect
from collections.abc import Mapping
from typing import Any

import keras

from models.config import BackboneConfig

# The underscores keep Keras from saving it: it saves what it finds in a layer's attributes.
_ARGUMENTS = "__arguments__"


class Serializable:
    """A mixin that gives a Keras layer or model `get_config` and `from_config`.

    The config consists of the constructor's arguments. List this class before Keras' class among
    the bases. Arguments may be numbers, strings, lists and dicts of these, a `BackboneConfig`, and
    other serializable layers.

        >>> @keras.saving.register_keras_serializable("example")
        ... class Scale(Serializable, keras.layers.Layer):
        ...     def __init__(self, factor, **kwargs):
        ...         super().__init__(**kwargs)
        ...         self.factor = factor
        >>> Scale.from_config(Scale(2.0).get_config()).factor
        2.0
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """Creates the object and records the arguments of the constructor."""
        layer = super().__new__(cls, *args, **kwargs)
        bound = inspect.signature(cls.__init__).bind(layer, *args, **kwargs)
        bound.apply_defaults()
        arguments = dict(list(bound.arguments.items())[1:])
        arguments |= arguments.pop("kwargs", {})
        vars(layer)[_ARGUMENTS] = arguments
        return layer

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments, in a form that JSON can represent."""
        arguments = {name: _to_json(value) for name, value in vars(self)[_ARGUMENTS].items()}
        # Keras' entries come last: they also give the name and dtype that were left to defaults.
        return {**arguments, **super().get_config()}  # type: ignore[misc]

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Any:
        """Creates a layer with fresh weights from the result of `get_config`."""
        return cls(**{name: _from_json(name, value) for name, value in config.items()})


def _to_json(value: Any) -> Any:
    if isinstance(value, BackboneConfig):
        return value.to_dict()
    if isinstance(value, keras.layers.Layer):
        return keras.saving.serialize_keras_object(value)
    if isinstance(value, tuple):
        return list(value)
    return value


def _from_json(name: str, value: Any) -> Any:
    if isinstance(value, Mapping) and "backbone" in value and name == "config":
        return BackboneConfig.from_dict(value)
    if isinstance(value, Mapping) and "class_name" in value and name != "dtype":
        return keras.saving.deserialize_keras_object(value)
    return value
