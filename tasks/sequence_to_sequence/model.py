"""The model of sequence to sequence: a backbone that reads, and a decoder that writes."""

from collections.abc import Mapping
from typing import Any

from keras import ops

from models.build import INPUTS, Array
from models.kernels.losses import cross_entropy
from models.layers.decoder_layer import KeysAndValues
from models.serving_model import ServingPart, as_integers
from models.task_model import TaskModel

TARGETS: Mapping[str, Array] = {
    "previous_ids": Array(("batch", "target_length"), "int32"),
    "next_ids": Array(("batch", "target_length"), "int32"),
}


class SequenceToSequenceModel(TaskModel):
    """Computes the loss of each token of the targets; its parts write texts.

    Args:
        As for `TaskModel`; the head is a `models.heads.decoder.Decoder`.
    """

    @property
    def arrays(self) -> dict[str, Array]:
        """The arrays of a batch that it reads, by name."""
        return {**INPUTS, **TARGETS}

    def call(self, inputs: Mapping[str, Any], training: bool | None = None) -> dict[str, Any]:
        """Predicts each token of the targets from the true tokens before it.

        Args:
            inputs: the backbone's, and "previous_ids" and "next_ids" (rows, target_length) int32.
            training: whether dropout is active.

        Returns:
            "loss" (rows, target_length) float32, in nats, and "hit" (rows, target_length) float32,
            1 where the most probable token is the true one.
        """
        memory = self.encoded(inputs, training)["sequence_output"]
        memory_mask = ops.cast(inputs["padding_mask"], "bool")
        logits = self.head(
            inputs["previous_ids"],
            memory,
            memory_mask,
            token_embedding=self.backbone.token_embedding,
            training=training,
        )
        loss, predicted = cross_entropy(inputs["next_ids"], logits)
        return {"loss": loss, "hit": ops.cast(predicted == inputs["next_ids"], "float32")}


class MemoryPart(ServingPart):
    """Reads the sources: what the decoder attends to.

    Args:
        model: a built `SequenceToSequenceModel`; its layers are shared.
    """

    @property
    def arrays(self) -> dict[str, Array]:
        """See `ServingPart.arrays`."""
        return as_integers(INPUTS)

    def call(self, inputs: Mapping[str, Any], training: bool | None = None) -> dict[str, Any]:
        """Computes the keys and values of each layer of the decoder.

        Args:
            inputs: the backbone's.
            training: has no effect.

        Returns:
            "memory_keys" (rows, layers, length, num_heads, d_k) and "memory_values" (rows, layers,
            length, num_heads, d_v).
        """
        mask = ops.cast(inputs["padding_mask"], "bool")
        encoded = self.model.encoded({**inputs, "padding_mask": mask}, training=False)
        memory = encoded["sequence_output"]
        keys, values = zip(*self.model.head.project_memory(memory), strict=True)
        return {"memory_keys": ops.stack(keys, axis=1), "memory_values": ops.stack(values, axis=1)}


class StepPart(ServingPart):
    """Scores the next token of sequences, with a cache.

    Args:
        model: a built `SequenceToSequenceModel`; its layers are shared.
    """

    @property
    def arrays(self) -> dict[str, Array]:
        """See `ServingPart.arrays`."""
        config = self.model.head.config
        found = {
            "token_ids": Array(("batch", 1), "int32"),
            "sources": Array(("batch",), "int32"),
            "memory_mask": Array(("sources", "source_length"), "int32"),
        }
        for name, size in (("keys", config.d_k), ("values", config.d_v)):
            layers, each = config.num_layers, (config.num_heads, size)
            memory = ("sources", layers, "source_length", *each)
            found[f"memory_{name}"] = Array(memory, "float32")
            found[name] = Array(("batch", layers, "step", *each), "float32")
        return found

    def call(self, inputs: Mapping[str, Any], training: bool | None = None) -> dict[str, Any]:
        """Computes one step.

        Args:
            inputs: "token_ids" (rows, 1) int32, the last tokens; "memory_keys" and "memory_values"
                of `MemoryPart`, and "memory_mask" (sources, length); "sources" (rows,) int32,
                the source of each row; "keys" and "values" (rows, layers, t, num_heads, ...), what
                the step before it gave as "new_keys" and "new_values", or with t = 0.
            training: has no effect.

        Returns:
            "new_keys" and "new_values", for the step after it, and "logits" (rows, vocab_size)
            float32.
        """
        sources, head = inputs["sources"], self.model.head

        def layers_of(keys: str, values: str, rows: Any = None) -> list[KeysAndValues]:
            arrays = [inputs[keys], inputs[values]]
            if rows is not None:
                arrays = [ops.take(array, rows, axis=0) for array in arrays]
            return [
                KeysAndValues(*(array[:, layer] for array in arrays))
                for layer in range(len(head.decoder_layers))
            ]

        logits, kept = head.step(
            inputs["token_ids"],
            layers_of("keys", "values"),
            layers_of("memory_keys", "memory_values", sources),
            ops.take(ops.cast(inputs["memory_mask"], "bool"), sources, axis=0),
            self.model.backbone.token_embedding,
        )
        keys, values = zip(*kept, strict=True)
        return {
            "new_keys": ops.stack(keys, axis=1),
            "new_values": ops.stack(values, axis=1),
            "logits": logits,
        }
