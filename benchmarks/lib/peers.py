"""Training steps of networks of the same shape in transformers, KerasHub and plain Keras.

Each peer gets its input in its usual form: for transformers, batches in random order, padded to the
longest document (`DataCollatorWithPadding`); for KerasHub and plain Keras, all documents padded to
the sequence length.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

PAD, CLS, SEP, MASK = 0, 2, 3, 4
Step = Callable[[], float]


@dataclass(frozen=True)
class Shape:
    """The sizes that all sides share.

    Attributes:
        vocab_size: the size of the vocabulary.
        num_labels: the number of labels.
        d_model: the width of the network.
        num_layers: the number of layers.
        num_heads: the number of attention heads.
        d_ff: the width of the feed-forward network.
        sequence_length: the maximum number of tokens of a document.
        batch_size: documents per step.
        steps: the number of steps of a measurement.
    """

    vocab_size: int
    num_labels: int
    d_model: int = 128
    num_layers: int = 2
    num_heads: int = 2
    d_ff: int = 512
    sequence_length: int = 200
    batch_size: int = 64
    steps: int = 20


@dataclass
class InputCount:
    """Counts the positions of a side's batches, and how many of them hold a token."""

    positions: int = 0
    tokens: int = 0

    def add(self, mask: np.ndarray) -> None:
        """Adds a batch, given its padding mask."""
        self.positions += mask.size
        self.tokens += int(mask.sum())

    @property
    def waste(self) -> float:
        """The fraction of positions that were padding."""
        return 1 - self.tokens / max(1, self.positions)


def padded(documents: Sequence[np.ndarray], shape: Shape, length: int = 0) -> np.ndarray:
    """Pads `[CLS] ids [SEP]` to a length (0: that of the longest), (documents, length) int64."""
    rows = [ids[: shape.sequence_length - 2] for ids in documents]
    length = length or max(len(row) for row in rows) + 2
    batch = np.full((len(rows), length), PAD, np.int64)
    for line, row in zip(batch, rows, strict=True):
        line[: len(row) + 2] = [CLS, *row, SEP]
    return batch


def masked(batch: np.ndarray, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Masks 15 % of the tokens; returns the batch, and labels that are -100 at other tokens."""
    chosen = (batch > MASK) & (random.random(batch.shape) < 0.15)
    return np.where(chosen, MASK, batch), np.where(chosen, batch, -100)


class Torch:
    """BERT of transformers with PyTorch's AdamW, in eager mode, trained as in its examples.

    One thing differs for masked LM: the library's loss computes the logits at every position, which
    takes many times as long. Here its head gets only the masked positions, like ours.

    Args:
        shape: the sizes of the network.
        documents: the token ids of each document.
        targets: (documents, labels) float; None for masked LM.
    """

    def __init__(
        self, shape: Shape, documents: Sequence[np.ndarray], targets: np.ndarray | None
    ) -> None:
        import torch
        import transformers

        config = transformers.BertConfig(
            vocab_size=shape.vocab_size,
            hidden_size=shape.d_model,
            num_hidden_layers=shape.num_layers,
            num_attention_heads=shape.num_heads,
            intermediate_size=shape.d_ff,
            num_labels=shape.num_labels,  # type: ignore[call-arg]
            problem_type="multi_label_classification",
        )
        self._torch, self._shape, self._documents, self._targets = torch, shape, documents, targets
        kind = "ForMaskedLM" if targets is None else "ForSequenceClassification"
        self._model = getattr(transformers, f"Bert{kind}")(config).train()
        self._optimizer = torch.optim.AdamW(self._model.parameters(), lr=1e-4)
        self._random = np.random.default_rng(1)
        self.input = InputCount()

    def work(self) -> float:
        """Runs the steps; returns the number of documents (for masked LM: tokens) processed."""
        torch, shape, units = self._torch, self._shape, 0
        for _ in range(shape.steps):
            chosen = self._random.choice(len(self._documents), shape.batch_size, replace=False)
            batch = padded([self._documents[number] for number in chosen], shape)
            mask = batch != PAD
            self.input.add(mask)
            units += int(mask.sum()) if self._targets is None else len(chosen)
            if self._targets is None:
                batch, labels = masked(batch, self._random)
            else:
                labels = self._targets[chosen]
            self._loss(batch, mask, labels).backward()
            torch.nn.utils.clip_grad_norm_(self._model.parameters(), 1.0)
            self._optimizer.step()
            self._optimizer.zero_grad()
        return units

    def _loss(self, batch: np.ndarray, mask: np.ndarray, labels: np.ndarray) -> Any:
        torch = self._torch
        inputs = {
            "input_ids": torch.from_numpy(batch),
            "attention_mask": torch.from_numpy(mask.astype(np.int64)),
        }
        if self._targets is not None:
            return self._model(**inputs, labels=torch.from_numpy(labels)).loss
        hidden = self._model.bert(**inputs).last_hidden_state
        where = torch.from_numpy(labels >= 0)
        logits = self._model.cls(hidden[where])
        return torch.nn.functional.cross_entropy(logits, torch.from_numpy(labels)[where])


class KerasPeer:
    """A network of Keras' or KerasHub's layers, trained by `fit` on arrays.

    Args:
        shape: the sizes of the network.
        documents: as in `Torch`.
        targets: as in `Torch`.
        kind: "keras_hub", or "plain" for a TextCNN like the original's: an embedding, convolutions
            of several widths, the maximum of each filter, a dense layer.
    """

    def __init__(
        self,
        shape: Shape,
        documents: Sequence[np.ndarray],
        targets: np.ndarray | None,
        kind: str = "keras_hub",
    ) -> None:
        import keras

        self._shape, self._documents, self._targets = shape, documents, targets
        self._random = np.random.default_rng(1)
        self._slots = round(0.15 * shape.sequence_length)
        self.input = InputCount()
        self._model = (
            _plain(shape) if kind == "plain" else _keras_hub(shape, targets is None, self._slots)
        )
        loss: keras.losses.Loss = keras.losses.BinaryCrossentropy(from_logits=True)
        if targets is None:
            loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        optimizer = keras.optimizers.AdamW(1e-4, global_clipnorm=1.0)
        self._model.compile(optimizer=optimizer, loss=loss)

    def work(self) -> float:
        """See `Torch.work`."""
        shape = self._shape
        count = min(len(self._documents), shape.steps * shape.batch_size)
        chosen = self._random.choice(len(self._documents), count, replace=False)
        batch = padded([self._documents[n] for n in chosen], shape, shape.sequence_length)
        mask = batch != PAD
        self.input.add(mask)
        inputs = {
            "token_ids": batch,
            "segment_ids": np.zeros_like(batch),
            "padding_mask": mask.astype(np.int64),
        }
        weights = None
        if self._targets is None:
            order = self._random.random(batch.shape) + (batch <= MASK)
            positions = np.sort(np.argsort(order, axis=1)[:, : self._slots], axis=1)
            targets = np.take_along_axis(batch, positions, axis=1)
            weights = (targets > MASK).astype(np.float32)
            np.put_along_axis(batch, positions, MASK, axis=1)
            inputs["mask_positions"] = positions
        else:
            targets = self._targets[chosen]
        if len(self._model.inputs) == 1:
            inputs = {"token_ids": batch}
        self._model.fit(
            inputs, targets, sample_weight=weights, batch_size=shape.batch_size, verbose=0
        )
        return int(mask.sum()) if self._targets is None else count


def _plain(shape: Shape):  # type: ignore[no-untyped-def]
    import keras

    token_ids = keras.Input((shape.sequence_length,), dtype="int32", name="token_ids")
    x = keras.layers.Embedding(shape.vocab_size, shape.d_model)(token_ids)
    pooled = [
        keras.layers.GlobalMaxPooling1D()(
            keras.layers.Conv1D(shape.d_model, size, activation="relu")(
                keras.layers.Conv1D(shape.d_model, size, activation="relu", padding="same")(x)
            )
        )
        for size in (2, 3, 4, 5)
    ]
    return keras.Model(
        {"token_ids": token_ids},
        keras.layers.Dense(shape.num_labels)(keras.layers.Concatenate()(pooled)),
    )


def _keras_hub(shape: Shape, masked_lm: bool, slots: int):  # type: ignore[no-untyped-def]
    import keras
    import keras_hub

    backbone = keras_hub.models.BertBackbone(
        vocabulary_size=shape.vocab_size,
        num_layers=shape.num_layers,
        num_heads=shape.num_heads,
        hidden_dim=shape.d_model,
        intermediate_dim=shape.d_ff,
    )
    inputs = dict(backbone.input)
    outputs = backbone(inputs)
    if not masked_lm:
        return keras.Model(inputs, keras.layers.Dense(shape.num_labels)(outputs["pooled_output"]))
    inputs["mask_positions"] = keras.Input((slots,), dtype="int32", name="mask_positions")
    head = keras_hub.layers.MaskedLMHead(
        token_embedding=backbone.token_embedding, intermediate_activation="gelu"
    )
    return keras.Model(inputs, head(outputs["sequence_output"], inputs["mask_positions"]))
