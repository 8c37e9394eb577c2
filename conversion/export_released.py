"""Writes a checkpoint with the architecture of a BERT or its kin for the library transformers.

python -m conversion.export_released CKPT_DIR OUT
"""

from pathlib import Path

from conversion.registry import FAMILIES
from training.command_line import run
from training.options.conversion import ExportReleasedOptions


def export_released(options: ExportReleasedOptions) -> None:
    """Writes the folder; see `conversion.released.exporting`."""
    # Imported here: `--help` is instant.
    from conversion.released.exporting import export_release

    export_release(Path(options.ckpt_dir), Path(options.out))


def main() -> None:
    """Runs the command."""
    run(
        export_released,
        ExportReleasedOptions,
        "Write config.json, model.safetensors, vocab.txt and tokenizer_config.json from a "
        f"checkpoint with the architecture of one of {', '.join(FAMILIES)}.",
    )


if __name__ == "__main__":
    main()
