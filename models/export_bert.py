"""A checkpoint of a Transformer in BERT's shape to a folder for the library transformers.

python -m models.export_bert CKPT_DIR OUT
"""

import argparse
from collections.abc import Sequence
from pathlib import Path


def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line and writes the folder."""
    parser = argparse.ArgumentParser(
        prog="python -m models.export_bert",
        description="Writes config.json, model.safetensors, vocab.txt and tokenizer_config.json "
        "from a checkpoint of a Transformer in BERT's shape.",
    )
    parser.add_argument("ckpt_dir", type=Path, help="a checkpoint folder of either step")
    parser.add_argument("output", type=Path, help="the folder that is made")
    given = parser.parse_args(arguments)

    from training.command_line import guarded, quiet_libraries, start_log

    def write() -> None:
        quiet_libraries()
        from training.released_bert import export_bert

        export_bert(given.ckpt_dir, given.output)

    start_log()
    guarded(write)


if __name__ == "__main__":
    main()
