"""Labels for new text: a JSON object for each line, in the order of the input."""

from training.command_line import run
from training.options.scripts import PredictionOptions


def predict(options: PredictionOptions) -> int:
    """Labels every line of the input; returns their number."""
    # Imported here: `--help` is instant.
    from training import prediction

    return prediction.predict(options)


def main() -> None:
    """Runs the command."""
    run(predict, PredictionOptions, "Label new text with a fine-tuned checkpoint.")


if __name__ == "__main__":
    main()
