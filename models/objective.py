"""What a pre-training objective is."""

from collections.abc import Mapping
from typing import Any, ClassVar

import keras

from models.config import BackboneConfig
from models.token_embedding import TokenEmbedding


class Objective(keras.layers.Layer):
    """A self-supervised head: logits from the backbone's output, and targets from the batch.

    An objective is a subclass, named in `models.tables.OBJECTIVES`. Its loss is the softmax
    cross-entropy of its logits against its targets.

    Args:
        config: the backbone's configuration.

    Attributes:
        reads_pooled_output: whether the backbone's pooling has a part in it.
    """

    reads_pooled_output: ClassVar[bool] = False

    def __init__(self, config: BackboneConfig, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.config = config

    @classmethod
    def min_parameters(cls, config: BackboneConfig) -> int:
        """The parameters of its large matrices; a file of its weights holds no fewer."""
        return 0

    def logits(
        self,
        outputs: Mapping[str, Any],
        batch: Mapping[str, Any],
        token_embedding: TokenEmbedding,
        training: bool | None,
    ) -> Any:
        """float32 logits (..., classes) from the backbone's `outputs` for `batch`.

        Their "sequence_output" is that of the batch's "masked_positions" alone.
        """
        raise NotImplementedError

    def targets(self, batch: Mapping[str, Any], training: bool) -> tuple[Any, Any]:
        """Class ids (...) int32 and their weights (...) float32; `training` as in `logits`."""
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "config": self.config.to_dict()}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Objective":
        """The head that `get_config` described."""
        return cls(BackboneConfig.from_dict(config.pop("config")), **config)
