"""The forward passes of a backbone over one batch, shared by all objectives."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from keras import ops

from models.backbones.base import Backbone
from models.kernels.gather import gather_positions
from models.objectives.base import Encode, Objective


class Encoding:
    """Computes the backbone's outputs for one batch, each pass once, and caches them.

    Objectives with the same visibility share one pass. Their class attributes declare in advance
    what they read: if all of them read the sequence output only at certain positions, the backbone
    computes its last layer only there.

        encode = Encoding(backbone, [masked_lm], batch, training=False).of(masked_lm)
        encode(positions="masked_positions")["sequence_output"]  # (batch, slots, d_model)

    Args:
        backbone: the backbone.
        objectives: all objectives that read the batch.
        batch: the backbone's inputs and the objectives' arrays.
        training: as in `Backbone.call`.
    """

    def __init__(
        self,
        backbone: Backbone,
        objectives: Sequence[Objective],
        batch: Mapping[str, Any],
        training: bool | None,
    ) -> None:
        self._backbone = backbone
        self._objectives = objectives
        self._batch = batch
        self._training = training
        self._passes: dict[tuple, dict[str, Any]] = {}
        # Referenced here, so that the id of a cached array is not reused for another array.
        self._token_ids: list[Any] = []

    def of(self, objective: Objective) -> Encode:
        """Returns the function with which this objective runs the backbone, see `Encode`."""
        return partial(self._encode, objective)

    def outputs(self, visibility: str) -> dict[str, Any]:
        """All outputs of the pass shared by the objectives with this visibility."""
        positions, layers = self._plan(visibility)
        at = None if positions is None else self._positions(positions)
        return self._pass(visibility, self._batch, at, layers, key=(visibility,))

    def _encode(
        self,
        objective: Objective,
        *,
        visibility: str | None = None,
        positions: str | None = None,
        token_ids: Any = None,
        layers: bool = False,
        embeddings_only: bool = False,
        start: Any = None,
    ) -> dict[str, Any]:
        if embeddings_only:
            return self._embeddings()
        if start is not None and positions is not None:
            at = self._batch[positions]
            stream = self._backbone.query_stream(self._batch, start, at, self._training)
            return {"sequence_output": stream}
        visibility = visibility or objective.visibility
        if token_ids is not None:
            self._token_ids.append(token_ids)
            at = None if positions is None else self._batch[positions]
            batch = {**self._batch, "token_ids": token_ids}
            key = (visibility, positions, layers, id(token_ids))
            return self._pass(visibility, batch, at, layers, key)
        outputs = dict(self.outputs(visibility))
        planned, has_layers = self._plan(visibility)
        if layers and not has_layers:
            raise ValueError(
                f"{objective.name} reads layer outputs: set `reads_layers = True` in its class."
            )
        if positions is None and planned is not None:
            if objective.positions is None:
                raise ValueError(
                    f"{objective.name} reads all positions with visibility {visibility}, which its "
                    f"class does not declare; the shared pass has only {', '.join(planned)}."
                )
            del outputs["sequence_output"]  # It exists only at the other objectives' positions.
        elif positions is not None and planned is None:
            at = self._batch[positions]
            outputs["sequence_output"] = gather_positions(outputs["sequence_output"], at)
        elif positions is not None and planned is not None:
            if positions not in planned:
                raise ValueError(
                    f"{objective.name} reads {positions}: add it to `positions` in its class."
                )
            if len(planned) > 1:
                counts = [ops.shape(self._batch[name])[1] for name in planned]
                begin = sum(counts[: planned.index(positions)])
                end = begin + counts[planned.index(positions)]
                outputs["sequence_output"] = outputs["sequence_output"][:, begin:end]
        return outputs

    def _embeddings(self) -> dict[str, Any]:
        """The embeddings of the batch."""
        key = ("embeddings",)
        if key not in self._passes:
            ids, segments = self._batch["token_ids"], self._batch["segment_ids"]
            embedded = self._backbone.embeddings(ids, segments, training=self._training)
            self._passes[key] = {"embedding_output": embedded}
        return self._passes[key]

    def _plan(self, visibility: str) -> tuple[tuple[str, ...] | None, bool]:
        """Returns the positions that its objectives read (None: all), and if any reads layers."""
        readers = [one for one in self._objectives if one.visibility == visibility]
        layers = any(reader.reads_layers for reader in readers)
        if layers or not readers or any(reader.positions is None for reader in readers):
            return None, layers
        names = (name for one in readers for name in one.positions or ())
        return tuple(dict.fromkeys(names)), False

    def _positions(self, names: Sequence[str]) -> Any:
        """Concatenates the arrays of positions with these names, (batch, count) int32."""
        if not names:
            return self._batch["token_ids"][:, :0]
        if len(names) == 1:
            return self._batch[names[0]]
        return ops.concatenate([self._batch[name] for name in names], axis=1)

    def _pass(
        self, visibility: str, batch: Mapping[str, Any], positions: Any, layers: bool, key: tuple
    ) -> dict[str, Any]:
        if key not in self._passes:
            self._passes[key] = self._backbone(
                batch,
                training=self._training,
                visibility=visibility,
                positions=positions,
                layers=layers,
            )
        return self._passes[key]
