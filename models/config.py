"""The sizes and choices of a backbone: presets, checks, JSON in and out."""

import dataclasses
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from common.errors import ConfigError
from models.tables import BACKBONES, POOLINGS

MAX_PARAMETERS = 1_000_000_000
MAX_LAYERS = 200
MAX_FILTER_SIZES = 64
POSITIONS = ("learned", "sinusoidal", "rotary", "none")
NORMALIZATIONS = ("pre", "post")
ACTIVATIONS = ("gelu", "relu", "silu", "tanh")

PRESETS: dict[str, dict[str, int]] = {
    "tiny": {"d_model": 64, "num_header": 8, "d_k": 8, "d_v": 8, "num_layer": 2},
    "small": {"d_model": 128, "num_header": 8, "d_k": 16, "d_v": 16, "num_layer": 2},
    "big": {"d_model": 512, "num_header": 8, "d_k": 64, "d_v": 64, "num_layer": 6},
}

_POSITIVE = (
    "vocab_size",
    "d_model",
    "num_layer",
    "num_header",
    "d_k",
    "d_v",
    "d_ff",
    "num_filters",
    "num_segment",
)

# Keys that the first checkpoints lack, and what they mean there.
_NEWER: dict[str, Any] = {"embedding_width": 0}


@dataclass(frozen=True, kw_only=True)
class BackboneConfig:
    """What a backbone is made of. `backbone_config` fills in what depends on other fields.

    Attributes:
        backbone: a key of `models.tables.BACKBONES`.
        vocab_size: number of token ids.
        d_model: width of the output at each position, and of the embeddings.
        num_layer: layers of the Transformer.
        num_header: attention heads (of the Transformer's layers and of attention pooling).
        d_k: width of a head's queries and keys.
        d_v: width of a head's values.
        d_ff: inner width of the Transformer's feed-forward networks.
        num_filters: filters of each size in each convolution of the TextCNN.
        position: "learned" or "sinusoidal" (added to the embeddings), "rotary" (in the attention of
            the Transformer) or "none".
        pooling: a key of `models.tables.POOLINGS`.
        max_position: the longest sequence that the backbone takes.
        num_segment: number of segment ids.
        normalization: "pre" (before each sub-layer) or "post" (after its residual connection).
        activation: "gelu", "relu", "silu" or "tanh".
        dropout: share of units that is dropped in training.
        attention_dropout: share of the attention weights that is dropped in training; 0 by
            default, because Keras' fused attention has none.
        filter_sizes: widths of the TextCNN's filters, in tokens.
        layer_norm_epsilon: added to the variance in layer normalization.
        initializer_range: standard deviation of freshly made weights.
        gelu_approximate: whether gelu is its tanh approximation, as in Google's BERT.
        embedding_width: width of the table of token vectors, which are projected to `d_model`
            (Lan et al. 2020, section 3.1, https://arxiv.org/abs/1909.11942); 0: `d_model`, and no
            projection.
    """

    backbone: str
    vocab_size: int
    d_model: int
    num_layer: int
    num_header: int
    d_k: int
    d_v: int
    d_ff: int
    num_filters: int
    position: str
    pooling: str
    max_position: int = 512
    num_segment: int = 2
    normalization: str = "pre"
    activation: str = "gelu"
    dropout: float = 0.1
    attention_dropout: float = 0.0
    filter_sizes: tuple[int, ...] = (2, 3, 4, 5)
    layer_norm_epsilon: float = 1e-12
    initializer_range: float = 0.02
    gelu_approximate: bool = False
    embedding_width: int = 0

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            _check_type(field.name, field.type, getattr(self, field.name))
        for name in _POSITIVE:
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} must be at least 1, not {getattr(self, name)}.")
        for name in (*_POSITIVE, "max_position"):
            # Beyond this a product of two has more digits than Python likes to print.
            if getattr(self, name) > MAX_PARAMETERS:
                raise ConfigError(
                    f"{name} asks for more than {MAX_PARAMETERS:,} parameters; make it smaller."
                )
        if self.num_layer > MAX_LAYERS:
            raise ConfigError(f"num_layer must be at most {MAX_LAYERS:,}, not {self.num_layer:,}.")
        if self.max_position < 2:
            # [CLS] and [SEP] alone take two.
            raise ConfigError(f"max_position must be at least 2, not {self.max_position}.")
        if self.embedding_width < 0:
            raise ConfigError(f"embedding_width must be at least 0, not {self.embedding_width}.")
        for name, choices in _choices().items():
            if getattr(self, name) not in choices:
                raise ConfigError(
                    f"{name} must be one of {', '.join(choices)}, not "
                    f"{reprlib.repr(getattr(self, name))}."
                )
        if self.position == "rotary":
            if "num_layer" in BACKBONES[self.backbone].unused:
                raise ConfigError(
                    f"position rotary is for attention, and a {self.backbone} has none: use "
                    "learned, sinusoidal or none."
                )
            if self.d_k % 2:
                raise ConfigError(
                    f"position rotary needs an even d_k, not {self.d_k}; the others take any."
                )
        for name in ("dropout", "attention_dropout"):
            if not 0 <= getattr(self, name) < 1:
                raise ConfigError(
                    f"{name} must be at least 0 and below 1, not {getattr(self, name)}."
                )
        for name in ("layer_norm_epsilon", "initializer_range"):
            if not 0 < getattr(self, name) < 1:
                raise ConfigError(f"{name} must be between 0 and 1, not {getattr(self, name)}.")
        sizes = self.filter_sizes
        if not sizes or min(sizes) < 1 or len(set(sizes)) < len(sizes):
            raise ConfigError(
                "filter_sizes must be different numbers of at least 1, not "
                f"{reprlib.repr(list(sizes))}."
            )
        if len(sizes) > MAX_FILTER_SIZES or max(sizes) > MAX_PARAMETERS:
            raise ConfigError(
                f"filter_sizes must be at most {MAX_FILTER_SIZES} numbers, none of them enormous."
            )
        if self._size() > MAX_PARAMETERS:
            raise ConfigError(
                f"these sizes ask for about {self._size():,} parameters, more than "
                f"{MAX_PARAMETERS:,}; make vocab_size ({self.vocab_size}), d_model "
                f"({self.d_model}), num_layer ({self.num_layer}) or d_ff ({self.d_ff}) smaller."
            )

    @property
    def activation_name(self) -> str:
        """The key of `models.activations.ACTIVATION_FUNCTIONS` that the layers are made with."""
        approximate = self.activation == "gelu" and self.gelu_approximate
        return "gelu_approximate" if approximate else self.activation

    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON has them."""
        return {**dataclasses.asdict(self), "filter_sizes": list(self.filter_sizes)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "BackboneConfig":
        """The configuration that `to_dict` gave.

        Raises:
            ConfigError: a key is unknown or missing, or a value is of the wrong type or size.
        """
        if not isinstance(values, Mapping):
            raise ConfigError(
                f"the backbone's configuration must be a table, not {reprlib.repr(values)}."
            )
        names = {field.name for field in dataclasses.fields(cls)}
        values = {**_NEWER, **values}
        if unknown := sorted(map(str, set(values) - names)):
            raise ConfigError(
                f"unknown key in the backbone's configuration: {', '.join(unknown):.200}; "
                f"it may have {', '.join(sorted(names))}."
            )
        if missing := sorted(names - set(values)):
            raise ConfigError(
                f"the backbone's configuration lacks {', '.join(missing)}; every key is needed."
            )
        sizes = values["filter_sizes"]
        return cls(**{**values, "filter_sizes": tuple(sizes) if isinstance(sizes, list) else sizes})

    def _size(self) -> int:
        """The parameters that these sizes can lead to, with any backbone, biases aside."""
        width = self.embedding_width or self.d_model
        tokens = self.vocab_size * width + (width * self.d_model if width != self.d_model else 0)
        embeddings = tokens + (self.max_position + self.num_segment) * self.d_model
        attention = 2 * self.d_model * self.num_header * (self.d_k + self.d_v)
        transformer = self.num_layer * (attention + 2 * self.d_model * self.d_ff)
        filters = sum(self.filter_sizes) * self.num_filters * (self.d_model + self.num_filters)
        combination = len(self.filter_sizes) * self.num_filters * self.d_model
        # The widest that a head makes of a position: see models/classification_heads.py.
        head = 4 * self.d_model**2
        return embeddings + max(transformer, filters + combination) + head


def backbone_config(
    backbone: str, preset: str, vocab_size: int, **overrides: Any
) -> BackboneConfig:
    """A preset with changes.

    Args:
        backbone: a key of `models.tables.BACKBONES`.
        preset: a key of `PRESETS`.
        vocab_size: number of token ids.
        overrides: fields of `BackboneConfig`; those that are None are left as the preset has
            them. `d_k` and `d_v` follow `d_model // num_header`, `d_ff` and `num_filters` follow
            `d_model`, where they are not given.

    Raises:
        ConfigError: a name or a value is not one that can be; or a field was given that this
            backbone makes no use of.
    """
    given = {name: value for name, value in overrides.items() if value is not None}
    names = {field.name for field in dataclasses.fields(BackboneConfig)}
    if unknown := sorted(set(given) - names):
        raise ConfigError(f"a backbone has no {', '.join(unknown)}; it has {sorted(names)}.")
    if backbone not in BACKBONES:
        raise ConfigError(f"backbone must be one of {', '.join(BACKBONES)}, not {backbone!r}.")
    if preset not in PRESETS:
        raise ConfigError(f"preset must be one of {', '.join(PRESETS)}, not {preset!r}.")
    if unused := sorted(set(given) & set(BACKBONES[backbone].unused)):
        raise ConfigError(
            f"{unused[0]} was set to {given[unused[0]]!r}, but a {backbone} has no use for it; "
            "leave it out."
        )
    values: dict[str, Any] = {**PRESETS[preset], **BACKBONES[backbone].defaults, **given}
    for name in ("d_model", "num_header"):
        _check_type(name, int, values[name])
        if values[name] < 1:
            raise ConfigError(f"{name} must be at least 1, not {values[name]}.")
    d_model, num_header = values["d_model"], values["num_header"]
    if {"d_model", "num_header"} & set(given):
        for name in {"d_k", "d_v"} - set(given):
            if d_model % num_header:
                raise ConfigError(
                    f"d_model ({d_model}) must be a multiple of num_header ({num_header}) where "
                    f"{name} is not given."
                )
            values[name] = d_model // num_header
    values.setdefault("d_ff", 4 * d_model)
    values.setdefault("num_filters", max(1, d_model // 2))
    sizes = values.get("filter_sizes")
    if isinstance(sizes, list):
        values["filter_sizes"] = tuple(sizes)
    return BackboneConfig(backbone=backbone, vocab_size=vocab_size, **values)


def _choices() -> dict[str, tuple[str, ...]]:
    return {
        "backbone": tuple(BACKBONES),
        "pooling": tuple(POOLINGS),
        "position": POSITIONS,
        "normalization": NORMALIZATIONS,
        "activation": ACTIVATIONS,
    }


def _check_type(name: str, expected: Any, value: Any) -> None:
    if expected is int:
        fits = isinstance(value, int) and not isinstance(value, bool)
    elif expected is float:
        fits = isinstance(value, int | float) and not isinstance(value, bool)
    elif expected in (str, bool):
        fits = isinstance(value, expected)
    else:
        fits = isinstance(value, tuple) and all(type(size) is int for size in value)
    if not fits:
        kind = {int: "a whole number", float: "a number", str: "a string", bool: "true or false"}
        raise ConfigError(
            f"{name} must be {kind.get(expected, 'a list of whole numbers')}, not "
            f"{reprlib.repr(value)}."
        )
