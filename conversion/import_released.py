"""The command that makes a checkpoint from a released BERT.

    python -m conversion.import_released SOURCE CKPT_DIR [--lower_case=false]

SOURCE is a folder of transformers (config.json, model.safetensors or pytorch_model.bin, vocab.txt)
or of Google (bert_config.json, bert_model.ckpt.*, vocab.txt).
"""

# A command as the root scripts are: thin, and beside the models only by its name. What it does is
# imported when it runs, so that no model knows of it.


def main() -> None:
    """Runs the command."""
    from training.command_line import run
    from training.options.scripts import ImportOptions

    run(
        _import,
        ImportOptions,
        "Make a checkpoint from a released BERT, for train_bert_lm.py --init_ckpt_dir=CKPT_DIR and "
        "train_bert_fine_tuning.py --ckpt_dir=CKPT_DIR.",
    )


def _import(options) -> None:  # type: ignore[no-untyped-def]
    from conversion.released.checkpoint import import_bert

    import_bert(options)


if __name__ == "__main__":
    main()
