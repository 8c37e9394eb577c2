"""Makes a checkpoint from a released BERT, ELECTRA, ALBERT, RoBERTa or DistilBERT.

    python -m conversion.import_released SOURCE CKPT_DIR [--lower_case=false]

SOURCE is a folder of transformers (config.json, model.safetensors or pytorch_model.bin, vocab.txt)
or, of a BERT, of Google (bert_config.json, bert_model.ckpt.*, vocab.txt).
"""

from conversion.registry import FAMILIES
from training.command_line import run
from training.options.conversion import ImportOptions


def import_released(options: ImportOptions) -> None:
    """Writes the checkpoint; see `conversion.released.importing`."""
    # Imported here: `--help` is instant.
    from conversion.released.importing import import_release

    import_release(options)


def main() -> None:
    """Runs the command."""
    run(
        import_released,
        ImportOptions,
        "Make a checkpoint from a released model, for train_bert_lm.py --init_ckpt_dir=CKPT_DIR "
        "and train_bert_fine_tuning.py --ckpt_dir=CKPT_DIR. It is of the model_type "
        f"{', '.join(FAMILIES)}, with a vocabulary of word pieces.",
    )


if __name__ == "__main__":
    main()
