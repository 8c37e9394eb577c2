"""The groups of options that several commands share.

None means: from the checkpoint, or else from the preset, or else the default in the help text.
"""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from common.errors import OptionError
from common.options import Options, make_options, option
from data_util.choices import NORMALIZATIONS, TOKENIZE_STYLES
from data_util.tokens.default_style import SHORT
from models.presets import DEFAULT_PRESET, PRESETS, describe_presets
from models.registry import BACKBONES, DEFAULT_BACKBONE
from models.size_options import SizeOption, size_options
from tasks.registry import DECISION_OPTIONS

TEST_MODE_DOCUMENTS = 300
MAX_EPOCHS = 100_000


@dataclass(frozen=True)
class RunOptions(Options):
    """The run"""

    test_mode: bool = option(
        False,
        f"a quick smoke run: the first {TEST_MODE_DOCUMENTS} documents of each split, one epoch, "
        "the preset tiny, and separate output folders; options that are given keep their values",
    )
    overwrite: bool = option(
        False,
        "start over and replace what is in the output folder; by default an unfinished run is "
        "resumed, and a finished one too if it is given more epochs",
    )
    seed: int = option(42, "seed of everything that is drawn at random", minimum=0)
    precision: str = option(
        "float32",
        "arithmetic of the layers; losses and softmax are always computed in float32",
        choices=("float32", "mixed_bfloat16", "mixed_float16"),
    )
    process_num: int = option(
        0, "number of processes that read and tokenize text; 0: one per core", minimum=0
    )
    data_path: str = option("data", "folder in whose subfolder `cache` tokenized text is kept")


@dataclass(frozen=True)
class DistributionOptions(Options):
    """Several devices (--batch_size is the total over all of them)"""

    distribute: str = option(
        "none",
        "none: one device; mirrored: all GPUs of this machine; data_parallel: all devices of "
        "several processes, with JAX, each process started with the same options and its own "
        "--process_id",
        choices=("none", "mirrored", "data_parallel"),
    )
    coordinator: str = option("", "host:port of process 0, to which the others connect")
    num_processes: int = option(1, "number of processes that train together", minimum=1)
    process_id: int = option(0, "number of this process, from 0", minimum=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.num_processes > 1 and self.distribute != "data_parallel":
            raise OptionError(
                f"--num_processes={self.num_processes} needs --distribute=data_parallel, not "
                f"{self.distribute}."
            )
        if self.distribute != "none" and getattr(self, "precision", None) == "mixed_float16":
            raise OptionError(
                "--precision=mixed_float16 works on one device only; with "
                f"--distribute={self.distribute} use mixed_bfloat16."
            )
        if self.num_processes > 1 and not self.coordinator:
            raise OptionError(
                f"--num_processes={self.num_processes}: say where the processes meet with "
                "--coordinator=HOST:PORT."
            )
        if self.process_id >= self.num_processes:
            raise OptionError(
                f"--process_id={self.process_id}: must be below --num_processes="
                f"{self.num_processes}."
            )


@dataclass(frozen=True)
class TokenizerOptions(Options):
    """The tokenizer (fine-tuning takes it from the pre-trained checkpoint)"""

    tokenize_style: str | None = option(
        None,
        "word (words of any language; Chinese is segmented), char, space (text that is already "
        "split) or wordpiece (pieces of words, of a BERT vocab.txt given with --vocab_file, or "
        "learned from the text); default char for Chinese or Japanese texts of at most "
        f"{SHORT} characters on average, otherwise word",
        choices=TOKENIZE_STYLES,
    )
    lower_case: bool | None = option(
        None, "lowercase the text; default true for wordpiece, false for the other styles"
    )
    normalize: str | None = option(
        None,
        "Unicode normalization of the text: none, nfc (one spelling of letters with accents, as "
        "Vietnamese and Korean need it) or nfkc (also of fullwidth letters and the like); default "
        "none",
        choices=NORMALIZATIONS,
    )
    user_dictionary: str = option(
        "",
        "file of Chinese words that --tokenize_style=word is to keep whole: one per line, with a "
        "frequency if you like (jieba's format)",
    )
    vocab_file: str = option("", "use this vocab.txt instead of building a vocabulary")
    vocab_size: int | None = option(
        None,
        "maximum size of a new or extended vocabulary, reserved tokens included; default 30000",
        minimum=6,
    )
    min_count: int | None = option(
        None,
        "minimum number of occurrences of a token in a new vocabulary; default 2",
        minimum=1,
    )


@dataclass(frozen=True)
class ModelOptions(Options):
    """The backbone (fine-tuning takes it from the pre-trained checkpoint)"""

    backbone: str | None = option(
        None, f"architecture of the backbone; default {DEFAULT_BACKBONE}", choices=BACKBONES
    )
    preset: str | None = option(
        None,
        f"sizes under one name: {describe_presets()}; default {DEFAULT_PRESET}",
        choices=PRESETS,
    )
    dropout_keep_prob: float | None = option(
        None, "probability that dropout keeps a unit; default 0.9", minimum=0.01, maximum=1
    )
    use_pretrained_embedding: bool = option(
        False, "initialize the token embeddings of a new backbone from --word2vec_model_path"
    )
    word2vec_model_path: str = option(
        "", "word vectors in word2vec's text format, plain or compressed with gzip"
    )

    @classmethod
    def further_groups(cls, values: Mapping[str, Any]) -> tuple[type[Options], ...]:
        """The sizes of all registered backbones."""
        return (*super().further_groups(values), _size_group(size_options()))


@functools.cache
def _size_group(sizes: tuple[SizeOption, ...]) -> type[Options]:
    """A group with an option for each size, None where it is not given."""
    fields = {
        size.flag: (
            size.type | None,
            option(
                None, size.help, choices=size.choices, minimum=size.minimum, maximum=size.maximum
            ),
        )
        for size in sizes
    }
    return make_options("SizeOptions", fields, "The backbone's sizes, in place of its preset's")


def without_extended(groups: Sequence[type[Options]]) -> list[type[Options]]:
    """The groups without those that another one of them extends, and which come with it."""
    return [
        one
        for one in groups
        if not any(issubclass(each, one) for each in groups if each is not one)
    ]


@dataclass(frozen=True)
class FineTunedOptions(Options):
    """The checkpoint (it decides as validation chose, or as fine-tuning was told)"""

    ckpt_dir: str = option("checkpoint_lm_save", "the fine-tuned checkpoint")
    threshold: float | None = option(
        None, "predict a label from this probability on, all labels alike", minimum=0, maximum=1
    )
    threshold_file: str = option(
        "", "file of `label<TAB>threshold`: such a threshold for some labels, or for all"
    )
    at_least_one: bool | None = option(
        None, "whether the label nearest to its threshold is predicted where none reaches it"
    )

    @classmethod
    def further_groups(cls, values: Mapping[str, Any]) -> tuple[type[Options], ...]:
        """What decides on the results of those tasks that have such options."""
        groups = [DECISION_OPTIONS[name] for name in DECISION_OPTIONS]
        return (*super().further_groups(values), *without_extended(groups))


@dataclass(frozen=True)
class PredictorOptions(FineTunedOptions):
    """The model: a checkpoint, or an export of one (it decides as validation chose)"""

    exported: str = option(
        "",
        "instead of a checkpoint, a folder that `python -m conversion.export` wrote; it runs in "
        "its own runtime, without TensorFlow",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.exported and self.ckpt_dir != type(self).ckpt_dir:
            raise OptionError(
                f"--exported={self.exported} and --ckpt_dir={self.ckpt_dir} both name a model; "
                "leave one of them out."
            )


@dataclass(frozen=True)
class OptimizationOptions(Options):
    """The optimization"""

    batch_size: int = option(64, "number of sequences in each training step", minimum=1)
    num_epochs: int = option(
        10, "number of passes over the training data", minimum=1, maximum=MAX_EPOCHS
    )
    warmup_ratio: float = option(
        0.1, "fraction of the steps in which the learning rate rises", minimum=0, maximum=1
    )
    weight_decay: float = option(
        0.01, "weight decay of AdamW, applied to matrices only (not to biases and norms)", minimum=0
    )
    clip_norm: float = option(1.0, "maximum global norm of the gradients", minimum=1e-6)
    validate_every: int = option(1, "number of epochs between validations", minimum=1)
    save_every_steps: int = option(
        500,
        "number of steps between checkpoints from which a killed run can resume; 0: only at the "
        "end of each epoch",
        minimum=0,
    )
