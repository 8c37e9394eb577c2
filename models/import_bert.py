"""A released BERT to a checkpoint that both steps can start from.

    python -m models.import_bert SOURCE CKPT_DIR [--lower_case=false] [--help]

SOURCE is a folder of transformers (config.json, model.safetensors or pytorch_model.bin, vocab.txt)
or of Google (bert_config.json, bert_model.ckpt.*, vocab.txt).
"""

import argparse
from collections.abc import Sequence

# A command as the root scripts are: thin, and beside the models only by its name. What it does is
# imported when it runs, so that no model knows of it.


def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line and brings the release in."""
    parser = argparse.ArgumentParser(
        prog="python -m models.import_bert",
        description="Makes a checkpoint from a released BERT, for train_bert_lm.py "
        "--init_ckpt_dir=CKPT_DIR and train_bert_fine_tuning.py --ckpt_dir=CKPT_DIR.",
    )
    parser.add_argument("source", help="the release's folder, of transformers or of Google")
    parser.add_argument("ckpt_dir", help="the checkpoint folder that is written")
    parser.add_argument(
        "--lower_case",
        choices=("true", "false"),
        help="whether text is put into lower case (default: what the release says)",
    )
    parser.add_argument(
        "--gelu",
        choices=("exact", "tanh"),
        help='what "gelu" in the configuration means: the function itself, as in transformers '
        "(default), or its tanh approximation, as in Google's program since 2019",
    )
    parser.add_argument(
        "--encoder_only",
        action="store_true",
        help="start the heads of pre-training from random weights",
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="replace the checkpoint that CKPT_DIR holds"
    )
    parser.add_argument(
        "--seed", type=int, default=42, help="of what the release lacks (default: %(default)s)"
    )
    given = vars(parser.parse_args(arguments))
    if given["lower_case"] is not None:
        given["lower_case"] = given["lower_case"] == "true"

    from training.command_line import guarded, quiet_libraries, start_log

    def bring_in() -> None:
        quiet_libraries()
        from training.released_bert import ImportOptions, import_bert

        import_bert(ImportOptions(**given))

    start_log()
    guarded(bring_in)


if __name__ == "__main__":
    main()
