"""What a family of released models says of itself."""

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from conversion.released.names import ReleasedVariable, dense, embedding, norm
from models.backbones.transformer_config import TransformerConfig
from models.config import BackboneConfig

# Our field, the key in `config.json`, and its default if a file lacks it.
Size = tuple[str, str, Any]

# BERT's, and of most that came after it, in transformers' files and in Google's.
SIZES: tuple[Size, ...] = (
    ("vocab_size", "vocab_size", None),
    ("d_model", "hidden_size", 768),
    ("num_layers", "num_hidden_layers", 12),
    ("num_heads", "num_attention_heads", 12),
    ("d_ff", "intermediate_size", 3072),
    ("max_position", "max_position_embeddings", 512),
    ("num_segments", "type_vocab_size", 2),
    ("dropout", "hidden_dropout_prob", 0.1),
    ("attention_dropout", "attention_probs_dropout_prob", 0.1),
    ("layer_norm_epsilon", "layer_norm_eps", 1e-12),
    ("initializer_range", "initializer_range", 0.02),
)

# Keys whose values are fixed in all families; those that a file lacks have these values.
ONLY: Mapping[str, Any] = {
    "position_embedding_type": "absolute",
    "is_decoder": False,
    "add_cross_attention": False,
}


# Any value of a field.
ANY: Any = None

# What our fields must be, in all families where they do not say otherwise.
FIXED: Mapping[str, Any] = {
    "position": "learned",
    "normalization": "post",
    "pooling": "cls",
    "embedding_width": 0,
    "embedding_projection": "tokens",
    "position_offset": 0,
    "share_layers": "none",
    "attention_window": 0,
}

# Of families whose heads always apply gelu: what `only` and `fixed` must say.
ONLY_GELU: Mapping[str, Any] = {"hidden_act": "gelu", **ONLY}
FIXED_GELU: Mapping[str, Any] = {**FIXED, "activation": "gelu", "gelu_approximate": False}


class Family:
    """A family of released models: a table of sizes, a table of variables, and what is fixed.

    Attributes:
        model_type: as in `config.json`, and the key in `conversion.registry.FAMILIES`.
        title: its name in messages.
        prefix: of the encoder's names in a model with heads; they lack it in an encoder alone.
        sizes: our fields, their keys and defaults.
        activation: the key of the activation function, and its default.
        only: values that keys must have.
        fixed: values that our fields must have; `ANY` where `from_theirs` gives them.
        tied: the head's output matrix, which must be the token embedding.
        renamed: second names of tensors, with those in the table of variables.
        architectures: what transformers calls a model with the heads of some objectives, which are
            in alphabetical order; without any, an encoder alone.
    """

    model_type: ClassVar[str]
    title: ClassVar[str]
    prefix: ClassVar[str]
    sizes: ClassVar[tuple[Size, ...]] = SIZES
    activation: ClassVar[tuple[str, str]] = ("hidden_act", "gelu")
    only: ClassVar[Mapping[str, Any]] = ONLY
    fixed: ClassVar[Mapping[str, Any]] = FIXED
    tied: ClassVar[str]
    renamed: ClassVar[Mapping[str, str]] = {}
    architectures: ClassVar[Mapping[tuple[str, ...], str]]

    def describes(self, config: BackboneConfig) -> bool:
        """Whether a backbone has what distinguishes this family from the others."""
        raise NotImplementedError

    def objectives(self, names: Collection[str]) -> tuple[str, ...]:
        """The objectives of an imported checkpoint: those that the release was trained with.

        Args:
            names: of the release's tensors, as in the table of variables.
        """
        return ("masked_lm",)

    def from_theirs(self, values: Mapping[str, Any], fields: dict[str, Any]) -> dict[str, Any]:
        """Our fields, where they are not just theirs under another name.

        Args:
            values: the content of `config.json`.
            fields: those of the table of sizes.

        Raises:
            ConfigError: a value is impossible.
        """
        return fields

    def to_theirs(self, config: BackboneConfig, keys: dict[str, Any]) -> dict[str, Any]:
        """The inverse of `from_theirs`.

        Args:
            config: a backbone of this family.
            keys: those of the table of sizes.
        """
        return keys

    def variables(self, config: TransformerConfig) -> list[ReleasedVariable]:
        """All variables, including those of the heads."""
        raise NotImplementedError


def embedding_table(prefix: str, *, segments: bool = True) -> list[ReleasedVariable]:
    """The variables of the embeddings, as BERT and most of its kin name them."""
    tables = {
        "token_embedding": "word_embeddings",
        "segment_embedding": "token_type_embeddings",
        "positional_encoding": "position_embeddings",
    }
    return [
        *(
            embedding(f"backbone/embeddings/{ours}", f"{prefix}.embeddings.{theirs}")
            for ours, theirs in tables.items()
            if segments or ours != "segment_embedding"
        ),
        *norm("backbone/embeddings/layer_norm", f"{prefix}.embeddings.LayerNorm"),
    ]


def layer_table(ours: str, theirs: str, names: Mapping[str, str]) -> list[ReleasedVariable]:
    """The variables of a Transformer layer.

    Args:
        ours, theirs: the layer's names.
        names: their names of its parts, by ours: see `BERT_LAYER`.
    """
    found: list[ReleasedVariable] = []
    for part, name in names.items():
        make = norm if part.endswith("layer_norm") else dense
        found += make(f"{ours}/{part}", f"{theirs}.{name}")
    return found


_ATTENTION = "attention/multi_head_attention"
_FEED_FORWARD = "feed_forward/feed_forward"

# The parts of our Transformer layer, by what they do.
LAYER_PARTS = (
    f"{_ATTENTION}/query",
    f"{_ATTENTION}/key",
    f"{_ATTENTION}/value",
    f"{_ATTENTION}/output",
    "attention/layer_norm",
    f"{_FEED_FORWARD}/inner",
    f"{_FEED_FORWARD}/outer",
    "feed_forward/layer_norm",
)

BERT_LAYER = dict(
    zip(
        LAYER_PARTS,
        (
            "attention.self.query",
            "attention.self.key",
            "attention.self.value",
            "attention.output.dense",
            "attention.output.LayerNorm",
            "intermediate.dense",
            "output.dense",
            "output.LayerNorm",
        ),
        strict=True,
    )
)


def bert_layers(prefix: str, num_layers: int) -> list[ReleasedVariable]:
    """The variables of a stack of layers, as BERT and most of its kin name them."""
    return [
        variable
        for index in range(num_layers)
        for variable in layer_table(
            f"backbone/layer_{index}", f"{prefix}.encoder.layer.{index}", BERT_LAYER
        )
    ]
