"""Trains the toy task of the original project: are more than half of a sequence's bits ones?

    python -m benchmarks.toy_task [--backbone=transformer] [--pooling=mean] [--length=24]

A correct classifier learns this (the original's Transformer did not). The default pooling of the
TextCNN, the maximum over positions, indicates whether a pattern occurs but not how often, so it
cannot learn to count: use `--pooling=mean`. Its filters see nine positions, a large part of 24; the
effect is clearer with `--length=96`. The sequences are random.

Prints a Markdown table with one row per backbone and pooling: the mean cross-entropy ("loss") and
the accuracy on sequences that were not trained on.
"""

import numpy as np

from benchmarks.lib.arguments import parser
from benchmarks.lib.measuring import markdown
from common.random_streams import random_generator
from models.presets import PRESETS
from training.command_line import quiet_libraries

ZERO, ONE, CLS = 5, 6, 2
BATCH = 64


def sequences(count: int, length: int, seed: int, stream: str) -> tuple[dict, np.ndarray]:
    """Random bit sequences, and whether more than half of the bits are ones.

    Most counts are near the threshold, so only a classifier that counts exactly gets them all.

    Returns:
        The model's inputs, (count, length + 1) each, and (count, 2) one-hot targets.
    """
    bits = random_generator(seed, stream).random((count, length)) < 0.5
    token_ids = np.full((count, length + 1), CLS, dtype=np.int32)
    token_ids[:, 1:] = np.where(bits, ONE, ZERO)
    inputs = {
        "token_ids": token_ids,
        "segment_ids": np.zeros_like(token_ids),
        "padding_mask": np.ones_like(token_ids, dtype=bool),
    }
    return inputs, np.eye(2, dtype=np.float32)[(bits.sum(axis=1) > length // 2).astype(int)]


def run(
    backbone: str,
    *,
    pooling: str | None = None,
    preset: str = "tiny",
    length: int = 24,
    steps: int = 600,
    seed: int = 42,
) -> tuple[float, float]:
    """Trains on random sequences and evaluates on unseen ones.

    Returns:
        The mean cross-entropy and the accuracy on sequences that were not trained on.
    """
    # Imported here, after main() has silenced the libraries.
    import keras

    from data_util.reading.labels import LabelSet
    from models.backbones.base import make_backbone
    from models.build import build
    from models.presets import backbone_config
    from tasks.classification.task import MultiClass
    from training.loop.optimizer import AdamW, WarmupDecay

    keras.utils.set_random_seed(seed)
    config = backbone_config(backbone, preset, vocab_size=7, pooling=pooling, dropout=0.0)
    task = MultiClass(LabelSet(["no", "yes"]), head="pooled")
    model = build(task.build_model(make_backbone(config), dropout=0.0))
    model.compile(optimizer=AdamW(WarmupDecay(1e-3, steps // 10, steps)))
    inputs, targets = sequences(steps * BATCH, length, seed, "train")
    model.fit(inputs, targets, batch_size=BATCH, epochs=1, verbose=0)
    seen = {row.tobytes() for row in inputs["token_ids"]}
    inputs, targets = sequences(2_000, length, seed, "unseen")
    unseen = [row.tobytes() not in seen for row in inputs["token_ids"]]
    inputs, targets = {name: array[unseen] for name, array in inputs.items()}, targets[unseen]
    logits = model.predict(inputs, batch_size=500, verbose=0)
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_probabilities = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    loss = -(targets * log_probabilities).sum(axis=1).mean()
    accuracy = (logits.argmax(axis=1) == targets.argmax(axis=1)).mean()
    return float(loss), float(accuracy)


def main() -> None:
    """Trains the chosen backbone, or all of them, and prints the table."""
    options = parser(__doc__, data="none")
    options.add_argument("--backbone", choices=("transformer", "text_cnn"), help="default: both")
    options.add_argument("--pooling", choices=("cls", "max", "mean", "attention"))
    options.add_argument("--preset", default="tiny", choices=tuple(PRESETS))
    options.add_argument("--length", type=int, default=24, help="of the sequences")
    options.add_argument("--steps", type=int, default=600, help="of the training")
    arguments = options.parse_args()
    runs = [(arguments.backbone, arguments.pooling)]
    if arguments.backbone is None:
        runs = [("transformer", None), ("text_cnn", "mean"), ("text_cnn", None)]
    quiet_libraries()
    rows = []
    for backbone, pooling in runs:
        loss, accuracy = run(
            backbone,
            pooling=pooling,
            preset=arguments.preset,
            length=arguments.length,
            steps=arguments.steps,
        )
        row = {"backbone": backbone, "pooling": pooling or "default"}
        rows.append({**row, "loss": f"{loss:.4f}", "accuracy": f"{accuracy:.4f}"})
    print(markdown(rows))


if __name__ == "__main__":
    main()
