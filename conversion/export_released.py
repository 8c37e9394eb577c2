"""The command that writes a Transformer in BERT's shape for the library transformers.

python -m conversion.export_released CKPT_DIR OUT
"""


def main() -> None:
    """Runs the command."""
    from training.command_line import run
    from training.options.scripts import ExportReleasedOptions

    run(
        _export,
        ExportReleasedOptions,
        "Write config.json, model.safetensors, vocab.txt and tokenizer_config.json from a "
        "checkpoint of a Transformer in BERT's shape.",
    )


def _export(options) -> None:  # type: ignore[no-untyped-def]
    from pathlib import Path

    from conversion.released.checkpoint import export_bert

    export_bert(Path(options.ckpt_dir), Path(options.out))


if __name__ == "__main__":
    main()
