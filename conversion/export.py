"""The command that turns a fine-tuned checkpoint into a model for other runtimes.

    python -m conversion.export CKPT_DIR OUT --format=saved_model|onnx|litert [--quantize=int8]

The work is done in `conversion/export_formats.py`, which needs Keras and TensorFlow.
"""


def main() -> None:
    """Runs the command; does not return."""
    from training.command_line import run
    from training.options.scripts import ExportOptions

    run(_export, ExportOptions, "Write a fine-tuned checkpoint for another runtime.")


def _export(options) -> None:  # type: ignore[no-untyped-def]
    from conversion.export_formats import export

    export(options)


if __name__ == "__main__":
    main()
