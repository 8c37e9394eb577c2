"""The contract of a pre-training objective."""

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
    """A term of the loss: `factor` times the mean of `values`, weighted by `weights`.

        >>> Term("masked_lm", values=np.ones((2, 5)), weights=np.ones((2, 5))).factor
        1.0

    Attributes:
        name: names the metrics `<name>_loss` and, with `hits`, `<name>_accuracy`.
        values: the loss of each target, float32 of any shape.
        weights: the same shape, floating point; 0 where there is no target.
        hits: the same shape, True or 1 where the prediction is correct; None for no accuracy.
        factor: the weight of the term in the loss; the same in each step.
    """

    name: str
    values: Any
    weights: Any
    hits: Any = None
    factor: float = 1.0


class Encode(Protocol):
    """The function with which an objective runs the backbone on the batch; passes are cached.

    Args:
        visibility: which positions each position sees, one of the backbone's `visibilities`; None
            for the objective's own.
        positions: one of the objective's `positions`: the name of the batch's array, (batch, count)
            int32, of the positions of the sequence output. None: the sequence output at all
            positions if the objective declares `positions = None`, otherwise no sequence output.
        token_ids: (batch, length) int32 that replace those of the batch, in a separate pass.
        layers: whether to return the output of each layer, at all positions.
        embeddings_only: whether to return the embedding output alone, without running the encoder;
            all other arguments are ignored.
        start: (sum_width,), with `positions`: return the sequence output of
            `Backbone.query_stream` alone, in a separate pass.

    Returns:
        The outputs of `Backbone.call`.
    """

    def __call__(
        self,
        *,
        visibility: str | None = None,
        positions: str | None = None,
        token_ids: Any = None,
        layers: bool = False,
        embeddings_only: bool = False,
        start: Any = None,
    ) -> dict[str, Any]: ...


class Objective(Serializable, keras.layers.Layer):
    """Computes the terms of a self-supervised loss from the backbone's outputs.

    An objective is a subclass that implements `terms` and is registered in
    `models.registry.OBJECTIVES`. Its class attributes declare what it reads; the batches and the
    backbone's passes are chosen accordingly.

        >>> from models.objectives.masked_lm import MaskedLMHead
        >>> MaskedLMHead.noise, MaskedLMHead.arrays["masked_ids"]
        (('token',), Array(shape=('batch', 'slots'), dtype='int32'))

    Args:
        config: the backbone's configuration.

    Attributes:
        rows: the row plan it requires, a key of `data_util.registry.ROWS`: "single" (one text) or
            "pairs" (two segments); None for any.
        noise: the noises it supports, keys of `data_util.registry.NOISES`, the default first; empty
            if it works with any noise and with none.
        pair_shares: the required fractions of pairs in which B is from another document, follows A,
            or is swapped with A (`pair_kind` 0, 1, 2); None for any.
        arrays: the arrays of the batch that it reads in addition to the backbone's inputs, by name.
        sizes: the sizes of those dimensions of `arrays` that its settings determine, by name.
        visibility: which positions each position sees in the pass that it reads.
        further_visibilities: the visibilities of further passes that it reads, at all positions.
        positions: the names of those `arrays` that hold the positions at which it reads the
            sequence output, so that other positions need not be computed; empty if it does not
            read the sequence output, None if it reads all positions.
        reads_layers: whether it reads the output of each layer.
        reads_pooled_output: whether it reads the backbone's pooled output.
        reads_query_stream: whether it needs a backbone with a query stream.
        settings: the names of the settings that its constructor takes. Those that are options are
            declared in `models.registry.OBJECTIVE_OPTIONS`; others are facts about the data.
        saved_settings: the settings without which a checkpoint cannot be read, by name, as JSON can
            represent them; `config.json` keeps them.
        sampled_terms: the names of those of its terms whose targets training scores against fewer
            candidates than validation, so that their losses and accuracies cannot be compared.
    """

    rows: ClassVar[str | None] = None
    noise: ClassVar[tuple[str, ...]] = ()
    pair_shares: ClassVar[tuple[float, float, float] | None] = None
    arrays: ClassVar[Mapping[str, Array]] = {}
    visibility: ClassVar[str] = "both"
    further_visibilities: ClassVar[tuple[str, ...]] = ()
    positions: ClassVar[tuple[str, ...] | None] = None
    reads_layers: ClassVar[bool] = False
    reads_pooled_output: ClassVar[bool] = False
    reads_query_stream: ClassVar[bool] = False
    settings: ClassVar[tuple[str, ...]] = ()

    @property
    def token_weights(self) -> tuple[keras.Variable, ...]:
        """Its variables that have one row per token of the vocabulary; none."""
        return ()

    @property
    def sizes(self) -> dict[str, int]:
        """See above; none."""
        return {}

    @property
    def saved_settings(self) -> dict[str, Any]:
        """See above; none."""
        return {}

    @property
    def sampled_terms(self) -> tuple[str, ...]:
        """See above; none."""
        return ()

    def __init__(self, config: BackboneConfig, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.config = config

    @classmethod
    def from_options(
        cls, config: BackboneConfig, settings: Mapping[str, Any], **kwargs: Any
    ) -> "Objective":
        """Creates the objective, with the options that it declares in `settings`.

        Args:
            config: the backbone's configuration.
            settings: option values by name, of all objectives together.
            kwargs: further arguments of the layer.
        """
        own = {name: settings[name] for name in cls.settings if name in settings}
        return cls(config, **own, **kwargs)

    @classmethod
    def min_parameters(cls, config: BackboneConfig, settings: Mapping[str, Any]) -> int:
        """A lower bound on its parameters, computed from its large matrices.

        Args:
            config: the backbone's configuration.
            settings: `saved_settings` of all objectives together, not yet checked; those that are
                missing or invalid count as 0 parameters.
        """
        return 0

    def companions(self, config: BackboneConfig) -> dict[str, keras.layers.Layer]:
        """Returns further networks that are trained with it, such as a generator or a decoder.

        They are built with the objective and are then available in `networks`, under the same
        names. Like the objective itself, they are discarded in fine-tuning.

        Args:
            config: the backbone's configuration.

        Returns:
            Layers by name.
        """
        return {}

    def build(self, input_shape: Any = None) -> None:
        """Creates the companions' weights; subclasses extend it for their own."""
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
        """Computes its terms of the loss.

        Args:
            encode: runs the backbone on the batch.
            batch: the backbone's inputs and `arrays`.
            token_embedding: the backbone's layer, for heads that predict tokens.
            training: whether a gradient will be computed.

        Returns:
            The terms, with the same names in each call.
        """
        raise NotImplementedError


def softmax_term(name: str, ids: Any, logits: Any, weights: Any, factor: float = 1.0) -> Term:
    """Creates the term of a classification: cross-entropy losses, and hits for the accuracy.

    Args:
        name: the name of the term.
        ids: (...) int32, the targets.
        logits: (..., classes) float32.
        weights: (...) float32.
        factor: as in `Term`.
    """
    values, predicted = cross_entropy(ids, logits)
    hits = ops.equal(ops.cast(predicted, ids.dtype), ids)
    return Term(name, values, weights, hits, factor)
