"""The options of every script: dataclasses, turned into flags of the same names.

Functions of this project take one of these objects and never read a flag. A class is a group of
options; its docstring is the group's title in `--help`. None means: from the checkpoint, or else
from the preset, or else the value that the help text names.
"""

import dataclasses
import functools
import inspect
import textwrap
import types
import typing
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from absl import flags

from common.errors import OptionError
from common.options import Options, option
from data_util.tokenizers import TOKENIZE_STYLES
from models.config import NORMALIZATIONS, POSITIONS, PRESETS
from models.tables import BACKBONES, POOLINGS
from tasks.registry import TASK_OPTIONS, TASKS

TEST_MODE_DOCUMENTS = 300
EXPORT_FORMATS = ("saved_model", "onnx", "litert")


_DEFINE: dict[Any, Callable[..., Any]] = {
    bool: flags.DEFINE_boolean,
    int: flags.DEFINE_integer,
    float: flags.DEFINE_float,
    str: flags.DEFINE_string,
}

OptionsT = typing.TypeVar("OptionsT", bound="Options")


@dataclass(frozen=True)
class RunOptions(Options):
    """The run"""

    test_mode: bool = option(
        False,
        f"a quick smoke run: the first {TEST_MODE_DOCUMENTS} documents of each split, one epoch, "
        "the preset tiny, folders of its own (unless they are given)",
    )
    overwrite: bool = option(
        False,
        "start over and replace what the output folder holds; without it an unfinished run goes "
        "on where it was, and a finished one is left alone",
    )
    seed: int = option(42, "everything drawn at random comes from it", minimum=0)
    precision: str = option(
        "float32",
        "arithmetic of the layers; losses and softmax are float32 in any case",
        choices=("float32", "mixed_bfloat16", "mixed_float16"),
    )
    process_num: int = option(0, "processes that read text; 0: one for each core", minimum=0)
    data_path: str = option("data", "folder whose subfolder `cache` takes the caches")


@dataclass(frozen=True)
class DistributionOptions(Options):
    """Several devices (--batch_size is always that of all of them together)"""

    distribute: str = option(
        "none",
        "one device; mirrored: all GPUs of this machine; data_parallel: all devices of several "
        "processes, by JAX, each started with the same options and its own --process_id",
        choices=("none", "mirrored", "data_parallel"),
    )
    coordinator: str = option("", "host:port of process 0, where the processes meet")
    num_processes: int = option(1, "processes that train together", minimum=1)
    process_id: int = option(0, "this process's number, from 0", minimum=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.num_processes > 1 and self.distribute != "data_parallel":
            raise OptionError(
                f"--num_processes={self.num_processes} is for --distribute=data_parallel, not for "
                f"{self.distribute}."
            )
        if self.distribute != "none" and getattr(self, "precision", None) == "mixed_float16":
            raise OptionError(
                f"--precision=mixed_float16 is for one device; with --distribute={self.distribute} "
                "use mixed_bfloat16."
            )
        if self.num_processes > 1 and not self.coordinator:
            raise OptionError(
                f"--num_processes={self.num_processes}: name the place where they meet with "
                "--coordinator=HOST:PORT."
            )
        if self.process_id >= self.num_processes:
            raise OptionError(
                f"--process_id={self.process_id}: must be below --num_processes="
                f"{self.num_processes}."
            )


@dataclass(frozen=True)
class TokenizerOptions(Options):
    """Text to tokens (step 2 takes all of it from the pre-trained checkpoint)"""

    tokenize_style: str | None = option(
        None,
        "word (Chinese word segmentation), char, space (already split) or wordpiece (a BERT "
        "vocab.txt, given by --vocab_file); default word",
        choices=TOKENIZE_STYLES,
    )
    lower_case: bool | None = option(
        None, "turn text to lower case; default true for wordpiece, false for the others"
    )
    vocab_file: str = option("", "use this vocab.txt instead of making a vocabulary")
    vocab_size: int | None = option(
        None,
        "tokens in a new vocabulary, at most, the reserved ones included; default 30000",
        minimum=6,
    )
    min_count: int | None = option(
        None, "a token in a new vocabulary occurs this often; default 2", minimum=1
    )


@dataclass(frozen=True)
class ModelOptions(Options):
    """The backbone (step 2 takes all of it from the pre-trained checkpoint)"""

    backbone: str | None = option(None, "default text_cnn", choices=tuple(BACKBONES))
    preset: str | None = option(
        None,
        "d_model / num_header / d_k: tiny 64 / 8 / 8, small 128 / 8 / 16, big 512 / 8 / 64; "
        "default small",
        choices=tuple(PRESETS),
    )
    d_model: int | None = option(None, "size of a position's vector", minimum=1)
    num_layer: int | None = option(None, "layers of the Transformer", minimum=1)
    num_header: int | None = option(None, "attention heads", minimum=1)
    d_k: int | None = option(None, "size of a head's queries and keys", minimum=1)
    d_v: int | None = option(None, "size of a head's values", minimum=1)
    d_ff: int | None = option(None, "inner size of the feed-forward network", minimum=1)
    num_filters: int | None = option(None, "filters of each size in the TextCNN", minimum=1)
    max_position: int | None = option(
        None, "longest sequence that the backbone can ever take; default 512", minimum=4
    )
    position: str | None = option(
        None,
        "how a token's place is told; default rotary for the Transformer, none for the TextCNN",
        choices=POSITIONS,
    )
    normalization: str | None = option(
        None, "layer normalization before or after a sublayer; default pre", choices=NORMALIZATIONS
    )
    pooling: str | None = option(
        None,
        "how positions become one vector; default cls for the Transformer, max for the TextCNN",
        choices=tuple(POOLINGS),
    )
    dropout_keep_prob: float | None = option(
        None,
        "share of the units that dropout keeps; default 0.9",
        minimum=0.01,
        maximum=1,
    )
    use_pretrained_embedding: bool = option(
        False, "start the token vectors of a new backbone from the file --word2vec_model_path"
    )
    word2vec_model_path: str = option(
        "", "word vectors in word2vec's text format, which may be packed by gzip"
    )


@dataclass(frozen=True)
class OptimizationOptions(Options):
    """The optimization"""

    batch_size: int = option(64, "sequences a step", minimum=1)
    num_epochs: int = option(10, "passes over the training data", minimum=1)
    warmup_share: float = option(
        0.1, "share of the steps in which the learning rate rises", minimum=0, maximum=1
    )
    weight_decay: float = option(
        0.01, "AdamW's, on matrices only (no bias, no normalization)", minimum=0
    )
    clip_norm: float = option(1.0, "gradients are clipped to this global norm", minimum=1e-6)
    validate_every: int = option(1, "epochs between two validations", minimum=1)
    save_every_steps: int = option(
        500,
        "steps between two checkpoints to go on from after a crash; 0: at the ends of epochs only",
        minimum=0,
    )


@dataclass(frozen=True)
class PretrainingOptions(
    OptimizationOptions, DistributionOptions, ModelOptions, TokenizerOptions, RunOptions
):
    """Step 1: free text in, a pre-trained checkpoint out"""

    mask_lm_source_file: list[str] = option(
        ["data/sample_free_text.txt", "data/sample_train.txt"],
        "free text, labelled text (labels are dropped) or CAIL2018 JSON lines; several with commas",
    )
    source_unit: str = option(
        "document",
        "what a line of free text is: a document, or a sentence (a blank line ends a document)",
        choices=("document", "sentence"),
    )
    ckpt_dir: str = option("checkpoint_lm", "the checkpoint folder that is written")
    init_ckpt_dir: str = option(
        "",
        "go on from this pre-trained checkpoint, with its weights, architecture, tokenizer and "
        "vocabulary; empty: start from random weights",
    )
    valid_share: float = option(
        0.02, "share of the documents kept for validation", minimum=0, maximum=0.5
    )
    sequence_length_lm: int = option(256, "tokens in a sequence, at most", minimum=8)
    masked_lm: bool = option(True, "learn to predict masked tokens")
    next_sentence: bool = option(True, "learn whether a sentence follows another")
    mask_probability: float = option(
        0.15, "share of the tokens that are masked", minimum=0.01, maximum=0.9
    )
    masked_lm_candidates: int = option(
        4096,
        "tokens that a masked token is told from in a training step: the most frequent, and as "
        "many drawn at random; validation always has the whole vocabulary. 0: training too, as "
        "always with word pieces, whose ids do not go by frequency",
        minimum=0,
    )
    learning_rate: float | None = option(
        None, "highest learning rate; default 2e-3, for a Transformer 1e-3", minimum=0
    )


@dataclass(frozen=True)
class FineTuningOptions(
    OptimizationOptions, DistributionOptions, ModelOptions, TokenizerOptions, RunOptions
):
    """Step 2: labelled documents and a pre-trained checkpoint in, a classifier out"""

    training_data_file: list[str] = option(
        ["data/sample_train.txt"],
        "`text __label__A __label__B` lines, pairs `text_a<TAB>text_b __label__A` or CAIL2018 JSON "
        "lines; several with commas",
    )
    valid_data_file: list[str] = option(
        ["data/sample_valid.txt"], "chooses the best epoch and ends training early"
    )
    test_data_file: list[str] = option(
        ["data/sample_test.txt"], "read once, at the end; may be empty"
    )
    ckpt_dir: str = option(
        "checkpoint_lm", "the pre-trained checkpoint; empty: start from random weights"
    )
    ckpt_dir_save: str = option("checkpoint_lm_save", "the checkpoint folder that is written")
    allow_partial_restore: bool = option(
        False, "go on where the checkpoint holds less than 99 % of the backbone"
    )
    task: str = option("multi_label", "what is learned from the examples", choices=TASKS)
    sequence_length: int = option(512, "tokens of a document that are read", minimum=4)
    learning_rate: float | None = option(
        None,
        "highest learning rate of the backbone; default 3e-3, for a Transformer 1.5e-3",
        minimum=0,
    )
    head_learning_rate: float = option(3e-3, "highest learning rate of the new head", minimum=0)
    patience: int = option(
        3,
        "stop after this many validations in which neither the score nor a part of the model "
        "improved",
        minimum=1,
    )

    def __new__(cls, *args: Any, **values: Any) -> typing.Self:
        # As `Path()` gives a `PosixPath`: an instance has the options of its task.
        default = cls.task if "_script" not in vars(cls) else None
        task = values.get("task", default)
        return object.__new__(cls if task is None else cls.for_task(task))

    @classmethod
    def for_task(cls, task: str) -> type[typing.Self]:
        """This class with the options of a task, if the task has any."""
        script = vars(cls).get("_script", cls)
        group = TASK_OPTIONS.get(task)
        return script if group is None else _with_group(script, group)

    @classmethod
    def for_arguments(cls, arguments: Sequence[str]) -> type[typing.Self]:
        """This class with the options of the task that the command line names."""
        task = cls.task
        for argument, after in zip(arguments, [*arguments[1:], ""], strict=True):
            name, equals, value = argument.partition("=")
            if name == "--task":
                task = value if equals else after
        return cls.for_task(task)


@functools.cache
def _with_group(script: type[FineTuningOptions], group: type[Options]) -> Any:
    """A script's options with a group more."""
    namespace = {"__doc__": script.__doc__, "__module__": script.__module__, "_script": script}
    return dataclass(frozen=True)(type(script.__name__, (script, group), namespace))


@dataclass(frozen=True)
class TransformOptions(FineTuningOptions):
    """A Transformer from random weights: labelled documents in, a classifier out"""

    ckpt_dir: str = option("", "start from this checkpoint instead of random weights")
    ckpt_dir_save: str = option("checkpoint_transformer", "the checkpoint folder that is written")
    backbone: str | None = option("transformer", "the backbone", choices=tuple(BACKBONES))


@dataclass(frozen=True)
class PredictionOptions(Options):
    """Labels for new text"""

    ckpt_dir: str = option("checkpoint_lm_save", "the fine-tuned checkpoint")
    input: str = option(
        "-",
        "text, pairs `text_a<TAB>text_b` or JSON lines, a document a line; -: standard input",
    )
    output: str = option("-", "file for the JSON lines; -: standard output")
    batch_size: int = option(64, "documents a step", minimum=1)
    threshold: float | None = option(
        None, "instead of the checkpoint's own thresholds", minimum=0, maximum=1
    )
    top_k: int = option(0, 'also give the K most probable labels under "top"', minimum=0)


@dataclass(frozen=True)
class ExportOptions(Options):
    """A checkpoint for other runtimes"""

    ckpt_dir: str = option("checkpoint_lm_save", "the fine-tuned checkpoint", positional=True)
    out: str = option("exported", "the folder that is written", positional=True)
    format: str = option(
        "saved_model",
        "for TensorFlow Serving, for ONNX Runtime, or for LiteRT (formerly TensorFlow Lite)",
        choices=EXPORT_FORMATS,
    )
    quantize: str = option(
        "none", "int8: smaller files, slightly different probabilities", choices=("none", "int8")
    )
    overwrite: bool = option(False, "replace the export that the folder holds")


@dataclass(frozen=True)
class ServingOptions(Options):
    """Labels over HTTP"""

    ckpt_dir: str = option("checkpoint_lm_save", "the fine-tuned checkpoint")
    threshold: float | None = option(
        None, "instead of the checkpoint's own thresholds", minimum=0, maximum=1
    )
    host: str = option("127.0.0.1", "address to listen on; 0.0.0.0: every network of the machine")
    port: int = option(8000, "port to listen on; 0: any that is free", minimum=0, maximum=65535)
    max_batch_size: int = option(
        32, "texts that go through the model together; 1: each alone", minimum=1
    )
    max_wait_ms: float = option(
        5.0, "how long a text waits for others to go with, in ms", minimum=0, maximum=10_000
    )
    max_queue: int = option(1024, "texts that may wait; further ones get 503", minimum=1)
    max_texts: int = option(64, "texts in a request; more get 422", minimum=1)
    max_characters: int = option(20_000, "characters in a text; more get 422", minimum=1)
    max_body_bytes: int = option(2_000_000, "bytes in a request; more get 413", minimum=1)
    read_timeout: float = option(
        10.0, "seconds that a client may take to send a request; then 408", minimum=0.1
    )
    stop_timeout: float = option(
        30.0, "seconds for the requests in flight after SIGTERM or Ctrl-C", minimum=0
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.max_texts > self.max_queue:
            raise OptionError(
                f"--max_texts={self.max_texts}: must be at most --max_queue={self.max_queue}."
            )


def parse_options(
    options_class: type[OptionsT], argv: Sequence[str]
) -> tuple[OptionsT, frozenset[str]]:
    """Reads a command line.

    Args:
        options_class: one of the classes above.
        argv: the command line, the program's name first.

    Returns:
        The options, and the names of those that the command line gave.

    Raises:
        OptionError: an unknown option, a value of the wrong kind or out of bounds.
    """
    options_class = options_class.for_arguments(argv)
    values = _flag_values(options_class)
    try:
        rest = values(list(argv))[1:]
    except flags.Error as error:
        raise OptionError(f"{error} (--help lists the options)") from error
    places = _positional(options_class)
    if len(rest) > len(places):
        raise OptionError(f"{rest[len(places)]!r} is not an option; options are --name=value.")
    by_place = dict(zip(places, rest, strict=False))
    by_name = {name for name in values if values[name].present}
    for name in by_name & by_place.keys():
        raise OptionError(f"--{name} is given twice: {by_place[name]!r} stands in its place too.")
    chosen = {name: values[name].value for name in _fields(options_class)} | by_place
    return options_class(**chosen), frozenset(by_name | by_place.keys())


def help_text(options_class: type[Options], program: str, description: str) -> str:
    """What `--help` prints: the options in their groups, with their defaults."""
    options_class = options_class.for_arguments(sys.argv)
    command = program if program.endswith(".py") else f"-m {program}"
    places = "".join(f" {name.upper()}" for name in _positional(options_class))
    usage = f"usage: python {command}{places} [--option=value ...]"
    lines = [f"{program}: {description}", "", usage]
    fields = _fields(options_class)
    shown: set[str] = set()
    groups = [cls for cls in options_class.__mro__ if issubclass(cls, Options) and cls.__doc__]
    for group in groups:
        own = [name for name in inspect.get_annotations(group) if name not in shown]
        shown.update(own)
        if not own:
            continue
        lines += ["", f"{group.__doc__}:"]
        for name in own:
            field = fields[name]
            lines.append(f"  --{name}={_default_text(field)}")
            text = f"{field.metadata['help']}{_rule_text(field)}"
            lines.append(textwrap.indent(textwrap.fill(text, 90), " " * 6))
    return "\n".join(lines)


def _fields(options_class: type[Options]) -> dict[str, dataclasses.Field]:
    return {field.name: field for field in dataclasses.fields(options_class)}


def _positional(options_class: type[Options]) -> list[str]:
    return [name for name, field in _fields(options_class).items() if field.metadata["positional"]]


def _default(field: dataclasses.Field) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default


def _default_text(field: dataclasses.Field) -> str:
    default = _default(field)
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, list):
        return ",".join(default)
    return "" if default is None else str(default)


def _rule_text(field: dataclasses.Field) -> str:
    choices = field.metadata["choices"]
    return f" [{' | '.join(choices)}]" if choices else ""


def _flag_values(options_class: type[Options]) -> flags.FlagValues:
    # A set of flags of its own: those of the libraries are in absl's global set.
    values = flags.FlagValues()
    values.set_gnu_getopt(True)  # Options may stand after what is given by its place.
    kinds = typing.get_type_hints(options_class)
    for name, field in _fields(options_class).items():
        kind = kinds[name]
        if isinstance(kind, types.UnionType):
            kind = next(part for part in typing.get_args(kind) if part is not types.NoneType)
        _DEFINE.get(kind, flags.DEFINE_list)(
            name, _default(field), field.metadata["help"], flag_values=values
        )
    return values
