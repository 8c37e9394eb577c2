"""Trains a Transformer from random weights: fine-tuning without pre-training."""

from train_bert_fine_tuning import fine_tune
from training.command_line import run
from training.options.scripts import TransformOptions


def main() -> None:
    """Runs the command."""
    run(
        fine_tune,
        TransformOptions,
        "Train a Transformer from random weights on labelled text.",
    )


if __name__ == "__main__":
    main()
