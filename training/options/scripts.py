"""The options of each command."""

import functools
from dataclasses import dataclass
from typing import Any, Self

from common.options import REQUIRED, Options, option
from data_util.reading.documents import UNITS
from models.registry import BACKBONES, OBJECTIVES
from tasks.registry import TASK_OPTIONS, TASKS
from training.options.groups import (
    DistributionOptions,
    ModelOptions,
    OptimizationOptions,
    RunOptions,
    TokenizerOptions,
)

EXPORT_FORMATS = ("saved_model", "onnx", "litert")


@dataclass(frozen=True)
class PretrainingOptions(
    OptimizationOptions, DistributionOptions, ModelOptions, TokenizerOptions, RunOptions
):
    """Pre-training: from raw text to a pre-trained checkpoint"""

    mask_lm_source_file: list[str] = option(
        ["data/sample_free_text.txt", "data/sample_train.txt"],
        "comma-separated files: free text, labelled text (labels are dropped) or CAIL2018 JSON "
        "lines",
    )
    line_unit: str = option(
        "document",
        "what a line of free text is: a document, or a sentence (a blank line ends a document)",
        choices=UNITS,
    )
    ckpt_dir: str = option("checkpoint_lm", "output folder of the checkpoint")
    init_ckpt_dir: str = option(
        "",
        "continue from this pre-trained checkpoint, with its weights, architecture, tokenizer and "
        "vocabulary; empty: start from random weights",
    )
    valid_ratio: float = option(
        0.02, "fraction of the documents held out for validation", minimum=0, maximum=0.5
    )
    sequence_length_lm: int = option(256, "maximum number of tokens in a sequence", minimum=8)
    objectives: list[str] = option(
        ["masked_lm", "next_sentence"],
        "comma-separated objectives: predict masked tokens (masked_lm), or whether one sentence "
        "follows another (next_sentence)",
        choices=tuple(OBJECTIVES),
    )
    mask_probability: float = option(
        0.15, "fraction of the tokens that are masked", minimum=0.01, maximum=0.9
    )
    num_sampled: int = option(
        4096,
        "each training step scores a masked token against this many candidates (sampled softmax), "
        "half of them the most frequent tokens; validation uses the full vocabulary. 0: the full "
        "vocabulary in training too, as always with word pieces, whose ids are not sorted by "
        "frequency",
        minimum=0,
    )
    learning_rate: float | None = option(
        None, "peak learning rate; default 2e-3, for a Transformer 1e-3", minimum=0
    )


@dataclass(frozen=True)
class FineTuningOptions(
    OptimizationOptions, DistributionOptions, ModelOptions, TokenizerOptions, RunOptions
):
    """Fine-tuning: from a pre-trained checkpoint and labelled documents to a classifier"""

    training_data_file: list[str] = option(
        ["data/sample_train.txt"],
        "comma-separated files: `text __label__A __label__B` lines, pairs "
        "`text_a<TAB>text_b __label__A`, or CAIL2018 JSON lines",
    )
    valid_data_file: list[str] = option(
        ["data/sample_valid.txt"], "selects the best epoch and stops training early"
    )
    test_data_file: list[str] = option(
        ["data/sample_test.txt"], "evaluated once, at the end; may be empty"
    )
    ckpt_dir: str = option(
        "checkpoint_lm", "the pre-trained checkpoint; empty: start from random weights"
    )
    ckpt_dir_save: str = option("checkpoint_lm_save", "output folder of the checkpoint")
    allow_partial_restore: bool = option(
        False, "continue when the checkpoint holds less than 99 % of the backbone's weights"
    )
    task: str = option(
        next(iter(TASKS)),
        "what is learned from the labelled examples; brings options of its own (--task=... --help)",
        choices=TASKS,
    )
    sequence_length: int = option(
        512, "maximum number of tokens of a document that are read", minimum=4
    )
    learning_rate: float | None = option(
        None,
        "peak learning rate of the backbone; default 3e-3, for a Transformer 1.5e-3",
        minimum=0,
    )
    head_learning_rate: float = option(3e-3, "peak learning rate of the new head", minimum=0)
    patience: int = option(
        3,
        "stop after this many validations in which neither the score nor a part of the model "
        "improved",
        minimum=1,
    )

    chooser = "task"

    def __new__(cls, *args: Any, **values: Any) -> Self:
        # As `Path()` gives a `PosixPath`: an instance has the options of its task.
        task = values.get("task", None if "_script" in vars(cls) else cls.task)
        return object.__new__(cls if task is None else cls.chosen(task))

    @classmethod
    def chosen(cls, value: Any) -> type[Self]:
        """This class with the options of a task, where the task has any."""
        script = vars(cls).get("_script", cls)
        group = TASK_OPTIONS.get(value)
        return script if group is None else _with_group(script, group)


@functools.cache
def _with_group(script: type[FineTuningOptions], group: type[Options]) -> Any:
    """The options of a script and one group more."""
    namespace = {"__doc__": script.__doc__, "__module__": script.__module__, "_script": script}
    return dataclass(frozen=True)(type(script.__name__, (script, group), namespace))


@dataclass(frozen=True)
class TransformOptions(FineTuningOptions):
    """A Transformer from random weights: from labelled documents to a classifier"""

    ckpt_dir: str = option("", "start from this checkpoint instead of random weights")
    ckpt_dir_save: str = option("checkpoint_transformer", "output folder of the checkpoint")
    backbone: str | None = option(
        "transformer", "architecture of the backbone", choices=tuple(BACKBONES)
    )


@dataclass(frozen=True)
class PredictionOptions(Options):
    """Labels for new text"""

    ckpt_dir: str = option("checkpoint_lm_save", "the fine-tuned checkpoint")
    input: str = option(
        "-",
        "text, pairs `text_a<TAB>text_b` or JSON lines, one document per line; -: standard input",
    )
    output: str = option("-", "output file of JSON lines; -: standard output")
    batch_size: int = option(64, "number of documents in each batch", minimum=1)
    threshold: float | None = option(
        None, "use this instead of the checkpoint's own thresholds", minimum=0, maximum=1
    )
    top_k: int = option(0, 'also return the K most probable labels as "top"', minimum=0)


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
    """A released BERT as a pre-trained checkpoint"""

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
    """A Transformer in BERT's shape for the library transformers"""

    ckpt_dir: str = option(REQUIRED, "the pre-trained or fine-tuned checkpoint", positional=True)
    out: str = option(REQUIRED, "output folder, which must be new", positional=True)
