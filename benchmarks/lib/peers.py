"""Training steps of the same shape in transformers with PyTorch, KerasHub and plain Keras.

Each peer gets its input as its users give it: transformers batches in random order, padded to their
longest document (`DataCollatorWithPadding`); KerasHub and plain Keras every document padded to the
sequence length.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

PAD, CLS, SEP, MASK = 0, 2, 3, 4
Step = Callable[[], float]


@dataclass(frozen=True)
class Shape:
    """What the sides have in common.

    Attributes:
        vocab_size, num_labels, d_model, num_layer, num_header, d_ff: of the network.
        sequence_length: tokens of a document that are read.
        batch_size: documents per step.
        steps: steps that are measured at once.
    """

    vocab_size: int
    num_labels: int
    d_model: int = 128
    num_layer: int = 2
    num_header: int = 2
    d_ff: int = 512
    sequence_length: int = 200
    batch_size: int = 64
    steps: int = 20


@dataclass
class InputCount:
    """The positions in the batches that a side has read, and how many of them held a token."""

    positions: int = 0
    tokens: int = 0

    def add(self, mask: np.ndarray) -> None:
        """Counts a batch by its mask."""
        self.positions += mask.size
        self.tokens += int(mask.sum())

    @property
    def waste(self) -> float:
        """The share of the positions that were padding."""
        return 1 - self.tokens / max(1, self.positions)


def padded(documents: Sequence[np.ndarray], shape: Shape, length: int = 0) -> np.ndarray:
    """`[CLS] ids [SEP]`, (documents, length) int64; length 0: that of the longest."""
    rows = [ids[: shape.sequence_length - 2] for ids in documents]
    length = length or max(len(row) for row in rows) + 2
    batch = np.full((len(rows), length), PAD, np.int64)
    for line, row in zip(batch, rows, strict=True):
        line[: len(row) + 2] = [CLS, *row, SEP]
    return batch


def masked(batch: np.ndarray, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Masks 15 % of the tokens: the batch, and the true ids there and -100 elsewhere."""
    chosen = (batch > MASK) & (random.random(batch.shape) < 0.15)
    return np.where(chosen, MASK, batch), np.where(chosen, batch, -100)


class Torch:
    """transformers' BERT with PyTorch's AdamW, in eager mode, as its examples train it.

    Except for masked LM: its own loss computes the logits at every position, masked or not, which
    takes many times as long. Here its head gets the masked positions alone, as ours does.

    Args:
        shape: of the network.
        documents: token ids of each.
        targets: (documents, labels) float; None: masked LM.
    """

    def __init__(
        self, shape: Shape, documents: Sequence[np.ndarray], targets: np.ndarray | None
    ) -> None:
        import torch
        import transformers

        config = transformers.BertConfig(
            vocab_size=shape.vocab_size,
            hidden_size=shape.d_model,
            num_hidden_layers=shape.num_layer,
            num_attention_heads=shape.num_header,
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
        """Does some steps; returns the documents, or for masked LM the tokens, that they read."""
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
        shape: of the network.
        documents, targets: as in `Torch`.
        kind: "keras_hub", or "plain" for a TextCNN as the original's: an embedding, convolutions
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
        """As `Torch.work`."""
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
        num_layers=shape.num_layer,
        num_heads=shape.num_header,
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
