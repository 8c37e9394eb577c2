"""Prediction for new text: writes one JSON object per line, in the order of the input."""

from training.command_line import run
from training.options.scripts import PredictionOptions


def predict(options: PredictionOptions) -> int:
    """Predicts a result, or a vector, for every line of the input; returns the number of lines."""
    # Imported here, so that `--help` is fast.
    from training import prediction

    if options.exported:
        from conversion.exported_predictor import ExportedPredictor

        return prediction.predict(options, ExportedPredictor.from_options)
    if options.vectors:
        from training import vector_files

        return vector_files.write_vectors(options)
    return prediction.predict(options)


def main() -> None:
    """Runs the command."""
    run(
        predict,
        PredictionOptions,
        "Label new text with a fine-tuned checkpoint or an export of one; or fill in [MASK] or "
        "continue texts with a pre-trained one.",
        keep_memory=True,
    )


if __name__ == "__main__":
    main()
