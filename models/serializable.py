"""Layers and models that remember what they were made with."""

import inspect
from collections.abc import Mapping
from typing import Any

import keras

from models.config import BackboneConfig

# Keras saves what it finds in a layer's attributes, unless a name begins like this.
_ARGUMENTS = "__arguments__"


class Serializable:
    """Gives a Keras layer or model `get_config` and `from_config`, by its constructor's arguments.

    A class takes it first and Keras' class second. The arguments may be numbers, strings, lists and
    dicts of them, a `BackboneConfig`, and other layers that can be serialized.

        >>> @keras.saving.register_keras_serializable("example")
        ... class Scale(Serializable, keras.layers.Layer):
        ...     def __init__(self, factor, **kwargs):
        ...         super().__init__(**kwargs)
        ...         self.factor = factor
        >>> Scale.from_config(Scale(2.0).get_config()).factor
        2.0
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """Makes the object and keeps the arguments that it is made with."""
        layer = super().__new__(cls, *args, **kwargs)
        bound = inspect.signature(cls.__init__).bind(layer, *args, **kwargs)
        bound.apply_defaults()
        arguments = dict(list(bound.arguments.items())[1:])
        arguments |= arguments.pop("kwargs", {})
        vars(layer)[_ARGUMENTS] = arguments
        return layer

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, as JSON can hold them."""
        arguments = {name: _to_json(value) for name, value in vars(self)[_ARGUMENTS].items()}
        # What Keras says of the name and the precision holds for what was left open, too.
        return {**arguments, **super().get_config()}  # type: ignore[misc]

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Any:
        """The layer that `get_config` described, with fresh weights."""
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
