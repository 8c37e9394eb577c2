"""The options of the commands that convert checkpoints."""

from dataclasses import dataclass

from common.options import REQUIRED, Options, option

EXPORT_FORMATS = ("saved_model", "onnx", "litert")


@dataclass(frozen=True)
class ExportOptions(Options):
    """A checkpoint for other runtimes"""

    ckpt_dir: str = option("checkpoint_lm_save", "the fine-tuned checkpoint", positional=True)
    out: str = option("exported", "output folder", positional=True)
    format: str = option(
        "saved_model",
        "for TensorFlow Serving, for ONNX Runtime, or for LiteRT (formerly TensorFlow Lite)",
        choices=EXPORT_FORMATS,
    )
    quantize: str = option(
        "none",
        "int8: smaller files, slightly different probabilities",
        choices=("none", "int8"),
    )
    overwrite: bool = option(False, "replace the export in the output folder")


@dataclass(frozen=True)
class ImportOptions(Options):
    """A released model as a pre-trained checkpoint"""

    source: str = option(
        REQUIRED, "folder of the release, of transformers or Google", positional=True
    )
    ckpt_dir: str = option(REQUIRED, "output folder of the checkpoint", positional=True)
    lower_case: bool | None = option(None, "lowercase the text; default: what the release says")
    gelu: str | None = option(
        None,
        'what "gelu" in the configuration means: the exact function, as in transformers (default), '
        "or its tanh approximation, as in Google's program since 2019",
        choices=("exact", "tanh"),
    )
    encoder_only: bool = option(False, "start the heads of pre-training from random weights")
    overwrite: bool = option(False, "replace the checkpoint in the output folder")
    seed: int = option(42, "seed of the weights that the release lacks", minimum=0)


@dataclass(frozen=True)
class ExportReleasedOptions(Options):
    """A Transformer in the shape of a BERT or its kin for the library transformers"""

    ckpt_dir: str = option(REQUIRED, "the pre-trained or fine-tuned checkpoint", positional=True)
    out: str = option(REQUIRED, "output folder, which must be new", positional=True)


@dataclass(frozen=True)
class MergeOptions(Options):
    """A checkpoint of --tuning=lora or adapter, and what it was trained on, as one"""

    ckpt_dir: str = option(REQUIRED, "the fine-tuned checkpoint", positional=True)
    out: str = option(REQUIRED, "output folder, which must be new", positional=True)
    base_dir: str = option(
        "", "the checkpoint that it was trained on; default: where it was, or beside it"
    )
