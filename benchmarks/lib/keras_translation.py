"""A Transformer that translates, as a plain Keras program has it, trained on the same sentences."""

from collections.abc import Mapping
from typing import Any, cast

import numpy as np

from common.progress import Progress
from tasks.sequence_to_sequence.data import SequenceToSequenceData
from tasks.sequence_to_sequence.metrics import bleu, chrf
from tasks.sequence_to_sequence.task import SequenceToSequence
from training.options.scripts import FineTuningOptions

DROPOUT, CLIP_NORM, WARMUP = 0.1, 1.0, 0.1


def keras_translation(
    options: FineTuningOptions, sizes: Mapping[str, int], *, epochs: int, rate: float
) -> dict[str, float]:
    """Trains a plain Keras Transformer and writes the test texts with a greedy search.

    It reads the same batches of the same tokens. Its layers are Keras' own, put together as in the
    tutorial of keras.io: learned positions, normalization after each sum, an output layer of its
    own; Adam with a rate that rises for a tenth of the steps and then falls to 0 (cosine).

    Args:
        options: of this project's fine-tuning: files, tokens, lengths, batches and the seed.
        sizes: "d_model", "num_layers" (of the encoder, and as many of the decoder) and "num_heads"
            of a preset; feed-forward layers are four times as wide as d_model.
        epochs: of training.
        rate: the highest learning rate.

    Returns:
        "loss", the lowest on the validation pairs, by which the epoch is chosen; "bleu" and "chrf"
        of the test pairs.
    """
    import keras

    from training.fine_tuning import prepare_data

    data = cast("SequenceToSequenceData", prepare_data(options, None))
    task = cast("SequenceToSequence", data.task)
    vocabulary, longest = data.text.vocabulary, task.options.max_target_length
    keras.utils.set_random_seed(options.seed)
    model = transformer(
        len(vocabulary),
        options.sequence_length,
        longest,
        width=sizes["d_model"],
        layers=sizes["num_layers"],
        heads=sizes["num_heads"],
    )
    train = data.batches["train"]
    steps = epochs * train.steps(0)
    rises = int(WARMUP * steps)
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, steps - rises, warmup_target=rate, warmup_steps=rises
    )
    compile_model(model, schedule)
    best, kept = np.inf, model.get_weights()
    with Progress("plain Keras", steps) as progress:
        for epoch in range(epochs):
            for inputs, weights in train.batches(epoch):
                model.train_on_batch(_read(inputs), inputs["next_ids"], weights)
                progress.advance(text=f"epoch {epoch + 1}/{epochs}")
            with progress.aside("validation"):
                loss = validation_loss(model, data.batches["valid"])
            if loss < best:
                best, kept = loss, model.get_weights()
    model.set_weights(kept)
    texts: dict[int, str] = {}
    for inputs, _ in data.batches["test"].batches(0):
        ids = greedy(model, inputs, longest, vocabulary.cls_id, vocabulary.sep_id)
        texts |= zip(inputs["example"].tolist(), map(task.text_of, ids), strict=True)
    written = [texts[number] for number in range(len(texts))]
    references = [example.target for example in data.examples["test"]]
    return {
        "loss": best,
        "bleu": bleu(written, references)["bleu"],
        "chrf": chrf(written, references)["chrf"],
    }


def transformer(
    vocab_size: int, source_length: int, target_length: int, *, width: int, layers: int, heads: int
) -> Any:
    """A Keras model of (source, source mask, target up to each token) to logits of the next."""
    import keras
    from keras import layers as of_keras
    from keras import ops

    embedding = of_keras.Embedding(vocab_size, width)

    def embedded(ids: Any, length: int) -> Any:
        place = ops.cumsum(ops.ones_like(ids), axis=1) - 1
        x = embedding(ids) + of_keras.Embedding(length, width)(place)
        return of_keras.Dropout(DROPOUT)(of_keras.LayerNormalization()(x))

    def added(x: Any, part: Any) -> Any:
        return of_keras.LayerNormalization()(x + of_keras.Dropout(DROPOUT)(part))

    def attention(x: Any, memory: Any, **masks: Any) -> Any:
        layer = of_keras.MultiHeadAttention(heads, width // heads, dropout=DROPOUT)
        return added(x, layer(x, memory, **masks))

    def feed_forward(x: Any) -> Any:
        hidden = of_keras.Dense(4 * width, "gelu")(x)
        return added(x, of_keras.Dense(width)(hidden))

    source = keras.Input((None,), dtype="int32")
    mask = keras.Input((None,), dtype="bool")
    target = keras.Input((None,), dtype="int32")
    seen = mask[:, None, :]
    memory = embedded(source, source_length)
    for _ in range(layers):
        memory = feed_forward(attention(memory, memory, attention_mask=seen))
    x = embedded(target, target_length)
    for _ in range(layers):
        x = attention(x, x, use_causal_mask=True)
        x = feed_forward(attention(x, memory, attention_mask=seen))
    return keras.Model([source, mask, target], of_keras.Dense(vocab_size)(x))


def compile_model(model: Any, rate: Any) -> None:
    """Compiles with the mean cross-entropy of the tokens whose weight is 1."""
    import keras

    model.compile(
        keras.optimizers.Adam(rate, global_clipnorm=CLIP_NORM),
        keras.losses.SparseCategoricalCrossentropy(
            from_logits=True, reduction="mean_with_sample_weight"
        ),
    )


def greedy(
    model: Any, inputs: Mapping[str, np.ndarray], longest: int, start: int, end: int
) -> list[np.ndarray]:
    """The most probable token at each step, until `end`: the token ids of each row."""
    rows = len(inputs["token_ids"])
    written = np.full((rows, longest + 1), end, np.int32)
    written[:, 0] = start
    ended = np.zeros(rows, bool)
    for place in range(longest):
        logits = model.predict_on_batch(_read({**inputs, "previous_ids": written[:, :longest]}))
        written[:, place + 1] = np.where(ended, end, logits[:, place].argmax(axis=-1))
        ended |= written[:, place + 1] == end
        if ended.all():
            break
    return [row[: np.append(row, end).tolist().index(end)] for row in written[:, 1:]]


def _read(inputs: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    return [
        inputs["token_ids"],
        np.asarray(inputs["padding_mask"]).astype(bool),
        inputs["previous_ids"],
    ]


def validation_loss(model: Any, batches: Any) -> float:
    """The mean cross-entropy of a token."""
    total = count = 0.0
    for inputs, weights in batches.batches(0):
        model.reset_metrics()  # Keras gives the mean over all batches since.
        loss = model.test_on_batch(_read(inputs), inputs["next_ids"], weights, return_dict=True)
        total, count = total + loss["loss"] * weights.sum(), count + weights.sum()
    return float(total / count)
