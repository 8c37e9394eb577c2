"""What every backbone is made of: common sizes, checks, JSON in and out.

Each backbone has a subclass of `BackboneConfig` with the sizes that are its own. Nothing here, and
nothing in the modules of these subclasses, loads Keras: so that options can be listed quickly.
"""

import dataclasses
import functools
import reprlib
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from common.errors import ConfigError
from models.registry import BACKBONE_CONFIGS, BACKBONES, POOLINGS
from models.sizes import MAX_PARAMETERS, check_bounds, check_type, size

POSITIONS = ("learned", "sinusoidal", "rotary", "none")
NORMALIZATIONS = ("pre", "post")
PROJECTIONS = ("tokens", "sum")
ACTIVATIONS = ("gelu", "relu", "silu", "tanh")


@dataclass(frozen=True, kw_only=True)
class BackboneConfig:
    """The sizes and choices that all backbones have; a subclass adds those of one of them.

    A subclass is the `config_class` of a backbone that is named in `models.registry.BACKBONES`; one
    in `models.registry.BACKBONE_CONFIGS`, too, is found without loading Keras.
    `models.presets.backbone_config` makes one from a preset.

    Attributes:
        backbone: the backbone's key in `models.registry.BACKBONES`.
        has_attention: whether positions attend to each other, so that "rotary" is possible.
        learning_rates: the highest one in "pretraining" and in "fine_tuning", where the user names
            none.
        vocab_size: number of token ids.
        d_model: width of the vector at each position, and of the embeddings.
        num_heads: attention heads, of a backbone that has attention and of attention pooling.
        d_k: width of a head's queries and keys.
        d_v: width of a head's values.
        max_position: the longest sequence that the backbone takes.
        num_segments: number of segment ids; 0: segments are not told apart.
        position: "learned" or "sinusoidal" (added to the embeddings), "rotary" (in the attention)
            or "none".
        pooling: a key of `models.registry.POOLINGS`.
        activation: "gelu", "relu", "silu" or "tanh".
        gelu_approximate: whether gelu is its tanh approximation, as in Google's BERT.
        dropout: share of units that is dropped in training.
        layer_norm_epsilon: added to the variance in layer normalization.
        initializer_range: standard deviation of freshly made weights.
        embedding_width: width of the table of token vectors, which are projected to `d_model`
            (Lan et al. 2020, section 3.1, https://arxiv.org/abs/1909.11942); 0: `d_model`, and no
            projection.
        embedding_projection: what is projected: "tokens", the token vectors alone; or "sum", the
            normalized sum of token, segment and position vectors, which then all have that width,
            as in ALBERT and ELECTRA.
        position_offset: rows of the table of learned positions before that of position 0, which
            are never read; RoBERTa has them.

    Raises:
        ConfigError: a value is of the wrong type, out of its bounds or contradicts another one, or
            all together ask for too many parameters.
    """

    backbone: ClassVar[str]
    has_attention: ClassVar[bool] = False
    learning_rates: ClassVar[Mapping[str, float]] = {"pretraining": 1e-3, "fine_tuning": 1e-3}

    vocab_size: int = size(help="number of token ids", flag="", minimum=1)
    d_model: int = size(help="size of the vector at each position", minimum=1, is_width=True)
    num_heads: int = size(help="attention heads", flag="num_header", minimum=1, is_width=True)
    d_k: int = size(help="size of a head's queries and keys", minimum=1)
    d_v: int = size(help="size of a head's values", minimum=1)
    # [CLS] and [SEP] alone take two positions.
    max_position: int = size(512, "longest sequence that the backbone can ever take", minimum=2)
    num_segments: int = size(2, "number of segment ids", flag="", minimum=0)
    position: str = size("none", "how the position of a token is encoded", choices=POSITIONS)
    pooling: str = size("max", "how the vectors at the positions become one", choices=POOLINGS)
    activation: str = size("gelu", "activation function", flag="", choices=ACTIVATIONS)
    gelu_approximate: bool = size(False, "gelu by its tanh approximation", flag="")
    dropout: float = size(
        0.1, "share of the units dropped in training", flag="", minimum=0, below=1
    )
    layer_norm_epsilon: float = size(
        1e-12, "added to the variance in layer normalization", flag="", above=0, below=1
    )
    initializer_range: float = size(
        0.02, "standard deviation of the first weights", flag="", above=0, below=1
    )
    embedding_width: int = size(
        0, "width of the table of token vectors; 0: d_model", flag="", minimum=0
    )
    embedding_projection: str = size(
        "tokens", "what is projected to d_model", flag="", choices=PROJECTIONS
    )
    position_offset: int = size(
        0, "rows of the position table before that of position 0", flag="", minimum=0
    )

    def __post_init__(self) -> None:
        for name, field in self.fields().items():
            check_type(name, field.type, getattr(self, name))
        for name, field in self.fields().items():
            check_bounds(name, field.metadata, getattr(self, name))
        self.check()
        # With the widest that a head makes of a vector, see models/heads/base.py, and a
        # table of positions that are not learned.
        fixed = self.max_position if self.position != "learned" else 0
        most = self.min_parameters() + (4 * self.d_model + fixed) * self.d_model
        if most > MAX_PARAMETERS:
            given = ", ".join(
                f"{name} ({getattr(self, name)})"
                for name, field in self.fields().items()
                if field.type is int and getattr(self, name) > 1
            )
            raise ConfigError(
                f"these sizes ask for about {most:,} parameters, more than {MAX_PARAMETERS:,}; "
                f"make one of them smaller: {given}."
            )

    def check(self) -> None:
        """Checks what the bounds of single fields cannot say.

        Raises:
            ConfigError: two values contradict each other.
        """
        if self.position == "rotary" and not self.has_attention:
            raise ConfigError(
                f"position rotary is for attention, and a {self.backbone} has none: use "
                "learned, sinusoidal or none."
            )

    def min_parameters(self) -> int:
        """The parameters of the large arrays: the backbone has these and some more.

        Biases and normalization are left out. A subclass adds what is between the embeddings and
        the pooling.
        """
        rows = self.num_segments
        if self.position == "learned":
            rows += self.position_offset + self.max_position
        # The table of token vectors may be narrower than the model, or wider; it is projected then.
        width = self.embedding_width or self.d_model
        projection = width * self.d_model if width != self.d_model else 0
        parameters = rows * self.sum_width + self.vocab_size * width + projection
        if self.pooling == "attention":
            parameters += self.d_model * self.num_heads * (1 + 2 * self.d_v)
        return parameters

    @classmethod
    def fill_in(cls, values: dict[str, Any], given: AbstractSet[str]) -> None:
        """Sets those of `values` that follow from others.

        Args:
            values: those of the preset and the given ones, by field; changed in place.
            given: the names of those that may not be changed.

        Raises:
            ConfigError: a value is not one that others can follow from.
        """
        for name in ("d_model", "num_heads"):
            check_type(name, int, values[name])
            check_bounds(name, cls.fields()[name].metadata, values[name])
        d_model, num_heads = values["d_model"], values["num_heads"]
        if {"d_model", "num_heads"} & given:
            for name in {"d_k", "d_v"} - given:
                if d_model % num_heads:
                    raise ConfigError(
                        f"d_model ({d_model}) must be a multiple of num_heads ({num_heads}) where "
                        f"{name} is not given."
                    )
                values[name] = d_model // num_heads

    def narrowed(self, fraction: float) -> Self:
        """The sizes of a network of the same kind and depth, whose layers are narrower.

        Args:
            fraction: what the widths and the number of heads are multiplied by; the heads stay as
                wide as they are.

        Raises:
            ConfigError: such a network cannot be.
        """
        widths = {
            name: max(1, round(fraction * getattr(self, name)))
            for name, field in self.fields().items()
            if field.metadata["is_width"]
        }
        return dataclasses.replace(self, **widths)

    @property
    def activation_name(self) -> str:
        """The key of `ACTIVATION_FUNCTIONS` (models/kernels) that the layers are made with."""
        approximate = self.activation == "gelu" and self.gelu_approximate
        return "gelu_approximate" if approximate else self.activation

    @property
    def sum_width(self) -> int:
        """The width at which token, segment and position vectors are added up."""
        if self.embedding_projection == "sum":
            return self.embedding_width or self.d_model
        return self.d_model

    @property
    def summary(self) -> str:
        """In a few words, for the log: which backbone, of which width."""
        return f"{self.backbone} d_model {self.d_model}"

    @classmethod
    def fields(cls) -> dict[str, dataclasses.Field]:
        """The fields by name, as the class that declared them with `size` has them.

        Only their defaults are those of this class.
        """
        return _fields(cls)  # type: ignore[arg-type]

    def to_dict(self) -> dict[str, Any]:
        """The backbone's name and the fields as JSON has them."""
        values = dataclasses.asdict(self)
        lists = {name: list(value) for name, value in values.items() if isinstance(value, tuple)}
        return {"backbone": self.backbone, **values, **lists}

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> "BackboneConfig":
        """The configuration that `to_dict` gave, of the backbone's own class.

        Raises:
            ConfigError: a key is unknown or missing, or a value is of the wrong type or size.
        """
        if not isinstance(values, Mapping):
            raise ConfigError(
                f"the backbone's configuration must be a table, not {reprlib.repr(values)}."
            )
        if "backbone" not in values:
            raise ConfigError("the backbone's configuration lacks backbone; every key is needed.")
        cls = config_class(values["backbone"])
        names = set(cls.fields())
        values = {name: value for name, value in values.items() if name != "backbone"}
        if unknown := sorted(map(str, set(values) - names)):
            raise ConfigError(
                f"unknown key in the configuration of a {cls.backbone}: {', '.join(unknown):.200}; "
                f"it may have {', '.join(sorted(names))}."
            )
        if missing := sorted(names - set(values)):
            raise ConfigError(
                f"the backbone's configuration lacks {', '.join(missing)}; every key is needed."
            )
        return cls(**with_tuples(values))


@functools.cache
def _fields(cls: type[BackboneConfig]) -> dict[str, dataclasses.Field]:
    found: dict[str, dataclasses.Field] = {}
    for field in dataclasses.fields(cls):
        declared = [
            fields[field.name]
            for base in cls.__mro__
            if field.name in (fields := getattr(base, "__dataclass_fields__", {}))
        ]
        metadata = next(each.metadata for each in [*declared, size()] if each.metadata)
        one: Any = dataclasses.field(default=field.default, metadata=metadata)
        one.name, one.type = field.name, field.type
        found[field.name] = one
    return found


def config_class(backbone: Any) -> type[BackboneConfig]:
    """The class of a backbone's configuration, without loading the backbone where that can be.

    Raises:
        ConfigError: there is no backbone of this name.
    """
    if not isinstance(backbone, str):
        raise ConfigError(f"backbone must be a string, not {reprlib.repr(backbone)}.")
    if backbone in BACKBONE_CONFIGS:
        return BACKBONE_CONFIGS[backbone]
    if backbone in BACKBONES:
        return BACKBONES[backbone].config_class
    raise ConfigError(
        f"backbone must be one of {', '.join(BACKBONES)}, not {reprlib.repr(backbone)}."
    )


def with_tuples(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values, each list a tuple: JSON has no tuples."""
    return {
        name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
    }
