"""The options of each command."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from common.errors import OptionError
from common.options import Options, option
from common.registry import Registry
from data_util.choices import UNITS
from data_util.reading.file_options import LabelOptions, TextFileOptions
from models.registry import BACKBONES, DEFAULT_OBJECTIVES, OBJECTIVE_OPTIONS, OBJECTIVES
from models.size_options import learning_rates
from tasks.registry import DEFAULT_TASK, TASK_OPTIONS, TASKS
from training.options.groups import (
    MAX_EPOCHS,
    DistributionOptions,
    FineTunedOptions,
    ModelOptions,
    OptimizationOptions,
    PredictorOptions,
    RunOptions,
    TokenizerOptions,
    without_extended,
)
from training.options.masking import MaskingOptions
from training.options.sample import sample_files
from training.options.tuning import TuningOptions

OUTPUT_FORMATS = ("jsonl", "csv")


def _chosen(groups: Registry, names: Any) -> list[type[Options]]:
    """The groups with these names; names that cannot be are left to the checks of the option."""
    found = [groups[name] for name in groups if isinstance(names, list) and name in names]
    return without_extended(found)


@dataclass(frozen=True)
class PretrainingOptions(
    MaskingOptions,
    OptimizationOptions,
    DistributionOptions,
    ModelOptions,
    TokenizerOptions,
    TextFileOptions,
    RunOptions,
):
    """Pre-training: from raw text to a pre-trained checkpoint"""

    mask_lm_source_file: list[str] = option(
        ["data/sample_free_text.txt", "data/sample_train.txt"],
        "comma-separated files, folders or patterns (raw/*.txt) of text, JSON or tables; labels "
        "are dropped; default: the bundled sample",
    )
    line_unit: str | None = option(
        None,
        "what a document of plain text is: document: a line; sentence: lines up to a blank one, "
        "each a sentence; file: a whole file; default: document, and file in folders and patterns",
        choices=UNITS,
    )
    ckpt_dir: str = option("checkpoint_lm", "output folder of the checkpoint")
    init_ckpt_dir: str = option(
        "",
        "continue from this pre-trained checkpoint, with its weights, architecture, tokenizer and "
        "vocabulary; empty: start from random weights",
    )
    extend_vocabulary: bool = option(
        False,
        "with --init_ckpt_dir: add the tokens of the text to the checkpoint's vocabulary, up to "
        "--vocab_size in all (default: 30000 more), if they occur --min_count times; each starts "
        "from the tokens that it consists of",
    )
    valid_ratio: float = option(
        0.02, "fraction of the documents held out for validation", minimum=0, maximum=0.5
    )
    sequence_length_lm: int = option(256, "maximum number of tokens in a sequence", minimum=8)
    objectives: list[str] = option(
        list(DEFAULT_OBJECTIVES),
        "comma-separated objectives, which are learned at the same time; they may bring options "
        "of their own, which --help lists with --objectives=NAME",
        choices=OBJECTIVES,
    )
    learning_rate: float | None = option(
        None, f"peak learning rate; default {learning_rates('pretraining')}", minimum=0
    )

    choosers = ("objectives",)

    @classmethod
    def further_groups(cls, values: Mapping[str, Any]) -> tuple[type[Options], ...]:
        """The options of the objectives, too."""
        chosen = _chosen(OBJECTIVE_OPTIONS, values["objectives"])
        return (*super().further_groups(values), *chosen)


@dataclass(frozen=True)
class FineTuningOptions(
    TuningOptions,
    OptimizationOptions,
    DistributionOptions,
    ModelOptions,
    TokenizerOptions,
    TextFileOptions,
    RunOptions,
):
    """Fine-tuning: from a pre-trained checkpoint and labelled documents to a classifier"""

    training_data_file: list[str] | None = option(
        None,
        "comma-separated files, folders or patterns: `text __label__A __label__B` lines, pairs "
        "`text_a<TAB>text_b __label__A`, tables (CSV, TSV, Parquet) or JSON; default: the bundled "
        "sample, with its validation and test files",
    )
    valid_data_file: list[str] | None = option(
        None, "selects the best epoch and stops training early; default: see --valid_ratio"
    )
    test_data_file: list[str] | None = option(
        None, "evaluated once, at the end; default: none, see --test_ratio"
    )
    valid_ratio: float | None = option(
        None,
        "without --valid_data_file, fraction of the training documents that is held out for it; "
        "default 0.1",
        minimum=0.001,
        maximum=0.5,
    )
    test_ratio: float | None = option(
        None,
        "without --test_data_file, fraction of the training documents that is held out for it; "
        "default: none",
        minimum=0.001,
        maximum=0.5,
    )
    cross_validation: int | None = option(
        None,
        "train K models instead of one: of K folds of the training documents each tests the model "
        "that was trained on the others, in <ckpt_dir_save>_cross_validation; mean and standard "
        "deviation are printed and written to cross_validation.json there",
        minimum=2,
    )
    ckpt_dir: str = option(
        "checkpoint_lm",
        "the pre-trained checkpoint, or a fine-tuned one, of which labels with the same names keep "
        "their weights; empty: start from random weights",
    )
    ckpt_dir_save: str = option("checkpoint_lm_save", "output folder of the checkpoint")
    allow_partial_restore: bool = option(
        False, "continue when the checkpoint holds less than 99 % of the backbone's weights"
    )
    task: str = option(
        DEFAULT_TASK,
        "what is learned from the labelled examples; it may bring options of its own, which "
        "--help lists with --task=NAME",
        choices=TASKS,
    )
    sequence_length: int = option(
        512, "maximum number of tokens of a document that are read", minimum=4
    )
    learning_rate: float | None = option(
        None,
        f"peak learning rate of the backbone; default {learning_rates('fine_tuning')}",
        minimum=0,
    )
    head_learning_rate: float = option(3e-3, "peak learning rate of the new head", minimum=0)
    num_epochs: int = option(
        0,
        "passes over the training data; 0: ten, or with few examples as many as give 600 steps",
        minimum=0,
        maximum=MAX_EPOCHS,
    )
    validate_every: int = option(
        0,
        "number of epochs between validations; 0: one, or as many as give 20 validations",
        minimum=0,
    )
    patience: int = option(
        3,
        "stop after this many validations in which neither the score nor a part of the model "
        "improved",
        minimum=1,
    )
    autotune_minutes: float = option(
        0.0,
        "first try learning rates, batch sizes and dropout for so many minutes, in short runs "
        "compared on the validation set, and train with the best of them; 0: do not",
        minimum=0,
    )

    choosers = ("task", "tuning")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.training_data_file and not self.valid_data_file and not self.test_data_file:
            # The sample is used as a whole or not at all: none of it gets into anyone's model.
            wanted = ["train"] + ["valid"] * (self.valid_ratio is None)
            wanted += ["test"] * (self.test_ratio is None and self.cross_validation is None)
            for split in wanted:
                name = "training" if split == "train" else split
                files = sample_files(self.task, split)
                object.__setattr__(self, f"{name}_data_file", files)
        for name in ("valid_data_file", "test_data_file"):
            if getattr(self, name) is None:
                object.__setattr__(self, name, [])
        if not self.training_data_file:
            raise OptionError("--training_data_file= is empty: name at least one file.")
        for split in ("valid", "test"):
            ratio = getattr(self, f"{split}_ratio")
            if ratio is not None and getattr(self, f"{split}_data_file"):
                raise OptionError(
                    f"--{split}_ratio={ratio:g}: --{split}_data_file names files for it; leave one "
                    "of them out."
                )
        if self.cross_validation is not None:
            for name in ("test_data_file", "test_ratio"):
                if getattr(self, name):
                    raise OptionError(
                        f"--cross_validation={self.cross_validation}: each fold is the test set of "
                        f"one model; leave out --{name}."
                    )
            if self.num_processes > 1:
                raise OptionError("--cross_validation needs --num_processes=1.")

    @classmethod
    def further_groups(cls, values: Mapping[str, Any]) -> tuple[type[Options], ...]:
        """The options of the task, too."""
        return (*super().further_groups(values), *_chosen(TASK_OPTIONS, [values["task"]]))


@dataclass(frozen=True)
class TransformOptions(FineTuningOptions):
    """A Transformer from random weights: from labelled documents to a classifier"""

    ckpt_dir: str = option("", "start from this checkpoint instead of random weights")
    ckpt_dir_save: str = option("checkpoint_transformer", "output folder of the checkpoint")
    backbone: str | None = option("transformer", "architecture of the backbone", choices=BACKBONES)


@dataclass(frozen=True)
class PredictionOptions(PredictorOptions, TextFileOptions):
    """Labels for new text"""

    input: str = option(
        "-",
        "text (one document per line), JSON or a table (CSV, TSV, Parquet); -: standard input",
    )
    output: str = option("-", "output file; -: standard output")
    output_format: str = option(
        "jsonl",
        "jsonl: a JSON object for each line of the input; csv: a table with a header; or a format "
        "of the checkpoint's task, such as conll (token_classification)",
    )
    with_text: bool = option(False, "also give the text of each line")
    on_error: str = option(
        "stop",
        "at a line that cannot be used: stop and keep the results so far, or skip it, with an "
        '"error" as its result',
        choices=("stop", "skip"),
    )
    max_wait_ms: float = option(
        100.0,
        "when the input is a pipe that pauses: the longest time in ms that a line waits for others "
        "to fill its batch",
        minimum=0,
        maximum=60_000,
    )
    batch_size: int = option(64, "number of documents in each batch", minimum=1)
    top_k: int = option(0, 'add the K best labels as "top", or give K tokens for [MASK]', minimum=0)
    vectors: str = option(
        "",
        "instead of labels, write the vector of each line to this file, for numpy.load; a "
        "checkpoint that is only pre-trained will do",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.exported and self.vectors:
            raise OptionError("--exported: an export gives no --vectors; name the checkpoint.")


@dataclass(frozen=True)
class EvaluationOptions(FineTunedOptions, LabelOptions, TextFileOptions):
    """Metrics and a report for labelled documents"""

    input: list[str] = option(
        [], "comma-separated labelled files, in any of the formats of fine-tuning"
    )
    output_dir: str = option(
        "",
        "folder of the results, which replace those of an earlier evaluation; default: "
        "evaluation-<name of the input> in the checkpoint folder",
    )
    batch_size: int = option(64, "number of documents in each batch", minimum=1)
    process_num: int = option(
        0, "number of processes that read and tokenize text; 0: one per core", minimum=0
    )
