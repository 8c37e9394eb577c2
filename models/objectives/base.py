"""What a pre-training objective is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import keras
from keras import ops

from models.build import Array
from models.config import BackboneConfig
from models.kernels.losses import cross_entropy
from models.layers.token_embedding import TokenEmbedding
from models.serializable import Serializable


@dataclass(frozen=True)
class Term:
    """A part of the loss: the mean of `values`, weighted by `weights`, times `factor`.

    Attributes:
        name: of its metrics, `<name>_loss` and, with `hits`, `<name>_accuracy`.
        values: the loss of each target, float32 of any shape.
        weights: of the same shape; 0 where there is no target.
        hits: of the same shape, True or 1 where the target was predicted; None: no accuracy.
        factor: what the mean counts for in the sum of all terms, always the same number.
    """

    name: str
    values: Any
    weights: Any
    hits: Any = None
    factor: float = 1.0


class Encode(Protocol):
    """The backbone as an objective sees it: each pass over a batch is computed once.

    Args:
        visibility: what a position sees, one of the backbone's `visibilities`; None: the
            objective's own.
        positions: the name of the batch's array (batch, count) int32 of the positions where the
            sequence output is wanted, one of the objective's `positions`; None: everywhere, if
            the objective reads it everywhere, or else not at all.
        token_ids: (batch, length) int32, read in place of the batch's own, in a pass of its own.
        layers: whether the outputs of the layers are wanted, everywhere.

    Returns:
        What `Backbone.call` gives.
    """

    def __call__(
        self,
        *,
        visibility: str | None = None,
        positions: str | None = None,
        token_ids: Any = None,
        layers: bool = False,
    ) -> dict[str, Any]: ...


class Objective(Serializable, keras.layers.Layer):
    """A self-supervised task: from the backbone's outputs for a batch to the terms of a loss.

    An objective is a subclass, named in `models.registry.OBJECTIVES`. Its attributes say what it
    reads, so that the batches are made for it and the backbone computes what is needed, and
    gives its part of the loss in `terms`.

        >>> from models.objectives.masked_lm import MaskedLMHead
        >>> MaskedLMHead.noise, MaskedLMHead.arrays["masked_ids"]
        (('token',), Array(shape=('batch', 'slots'), dtype='int32'))

    Args:
        config: the backbone's configuration.

    Attributes:
        rows: what a sequence is made of: "single" (one text), "pairs" (two segments); None: any.
        noise: the names of the noises that it may stand on, the default first; (): any, and none.
        pair_shares: the shares of the kinds of pairs that it learns from: B is of another document,
            follows A, or is exchanged with A (`pair_kind` 0, 1, 2); None: any.
        arrays: what it reads of a batch beside the backbone's inputs, by name.
        visibility: what a position sees in the pass that it reads.
        positions: the names of those of `arrays` that hold the positions where it reads the
            sequence output, so that the pass need not compute the others; (): it reads none.
            None: everywhere.
        reads_layers: whether it reads the outputs of the layers.
        reads_pooled_output: whether the backbone's pooling has a part in it.
        settings: the names of the settings that its constructor takes; those of its options in
            `models.registry.OBJECTIVE_OPTIONS`, where it has any.
    """

    rows: ClassVar[str | None] = None
    noise: ClassVar[tuple[str, ...]] = ()
    pair_shares: ClassVar[tuple[float, float, float] | None] = None
    arrays: ClassVar[Mapping[str, Array]] = {}
    visibility: ClassVar[str] = "both"
    positions: ClassVar[tuple[str, ...] | None] = None
    reads_layers: ClassVar[bool] = False
    reads_pooled_output: ClassVar[bool] = False
    settings: ClassVar[tuple[str, ...]] = ()

    def __init__(self, config: BackboneConfig, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.config = config

    @classmethod
    def from_options(
        cls, config: BackboneConfig, settings: Mapping[str, Any], **kwargs: Any
    ) -> "Objective":
        """The objective with those of the settings that it knows.

        Args:
            config: the backbone's configuration.
            settings: values by name, of all objectives together.
            kwargs: further arguments of the layer.
        """
        own = {name: settings[name] for name in cls.settings if name in settings}
        return cls(config, **own, **kwargs)

    @classmethod
    def min_parameters(cls, config: BackboneConfig) -> int:
        """The parameters of its large matrices; a file of its weights holds no fewer."""
        return 0

    def companions(self, config: BackboneConfig) -> dict[str, keras.layers.Layer]:
        """Further networks that are trained with it: a generator, a decoder.

        They are made when the objective is built and are then in `networks`, under the same names.
        Fine-tuning leaves them behind, as it does the objective itself.

        Args:
            config: the backbone's configuration.
        """
        return {}

    def build(self, input_shape: Any = None) -> None:
        """Makes the companions' weights; a subclass makes its own."""
        if networks := self.companions(self.config):
            self.networks = networks
            for network in networks.values():
                network.build()

    def terms(
        self,
        encode: Encode,
        batch: Mapping[str, Any],
        token_embedding: TokenEmbedding,
        training: bool | None,
    ) -> list[Term]:
        """Its part of the loss.

        Args:
            encode: gives the backbone's outputs for the batch.
            batch: the backbone's inputs and `arrays`.
            token_embedding: the backbone's layer, for a head that predicts tokens.
            training: whether a gradient is to follow.

        Returns:
            The same terms, by name, at each call.
        """
        raise NotImplementedError


def softmax_term(name: str, ids: Any, logits: Any, weights: Any, factor: float = 1.0) -> Term:
    """The term of a choice between classes: cross-entropy, and whether the target is the highest.

    Args:
        name: the term's.
        ids: (...) int32, the targets.
        logits: (..., classes) float32.
        weights: (...) float32.
        factor: as in `Term`.
    """
    values, predicted = cross_entropy(ids, logits)
    hits = ops.equal(ops.cast(predicted, ids.dtype), ids)
    return Term(name, values, weights, hits, factor)
