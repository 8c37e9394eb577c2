"""Measures a fine-tuned checkpoint on labelled files, and reports what it gets wrong."""

from training.command_line import run
from training.options.scripts import EvaluationOptions


def evaluate(options: EvaluationOptions) -> dict:
    """Writes the metrics, the predictions and the report; returns the content of `metrics.json`."""
    # Imported here, so that `--help` is fast and the worker processes that read text stay small.
    from training import evaluation

    return evaluation.evaluate(options)


def main() -> None:
    """Runs the command."""
    run(
        evaluate,
        EvaluationOptions,
        "Measure a fine-tuned checkpoint on labelled documents.",
        keep_memory=True,
    )


if __name__ == "__main__":
    main()
