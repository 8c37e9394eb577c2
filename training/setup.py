"""What every run does first: seeds, precision, and what it says of itself."""

import json
import logging
import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras

from common.errors import CheckpointError, InputError, OptionError
from data_util.tokenizers import Tokenizer, load_tokenizer, make_tokenizer
from data_util.vocabulary import Vocabulary
from models.checkpoints.folder import Checkpoint, check_against_manifest, read_checkpoint
from models.config import PRESETS, BackboneConfig, backbone_config, size_options
from models.tables import BACKBONES
from models.transfer import repeat_positions
from training.options.groups import ModelOptions, RunOptions, TokenizerOptions
from training.options.scripts import FineTuningOptions, PretrainingOptions, TransformOptions

logger = logging.getLogger(__name__)

DEFAULT_VOCAB_SIZE = 30_000
DEFAULT_MIN_COUNT = 2


def start(options: RunOptions) -> None:
    """Seeds everything that Keras draws and sets the arithmetic of the layers."""
    keras.utils.set_random_seed(options.seed)
    keras.config.set_dtype_policy(options.precision)


def processes(options: RunOptions) -> int:
    """How many processes read text."""
    return options.process_num or len(os.sched_getaffinity(0))


def cache_folder(options: RunOptions) -> Path:
    """Where caches are written."""
    return Path(options.data_path) / "cache"


def device() -> str:
    """What the model runs on, for people."""
    devices = [name for name in keras.distribution.list_devices() if "cpu" not in name.lower()]
    return ", ".join(devices) or f"CPU ({platform.machine()}, {os.cpu_count()} cores)"


def new_backbone_config(options: ModelOptions, vocab_size: int) -> BackboneConfig:
    """The architecture that the options and their preset describe."""
    return backbone_config(
        options.backbone or "text_cnn",
        options.preset or "small",
        vocab_size,
        **_sizes(options),
        dropout=_dropout(options),
    )


def learning_rate(
    options: PretrainingOptions | FineTuningOptions, config: BackboneConfig, stage: str
) -> float:
    """The highest learning rate of the backbone: what was asked for, or what suits it."""
    if options.learning_rate is not None:
        return options.learning_rate
    return BACKBONES[config.backbone].learning_rates[stage]


def open_checkpoint(options: RunOptions, option: str) -> Checkpoint | None:
    """The checkpoint that the option of this name points to, or None where it is empty.

    Raises:
        OptionError: it was made in test mode and this run is not.
    """
    folder = getattr(options, option)
    if not folder:
        return None
    checkpoint = read_checkpoint(Path(folder))
    if checkpoint.config.get("test_mode") and not options.test_mode:
        raise OptionError(
            f"--{option}={folder}: this checkpoint was made in --test_mode. Pre-train "
            "without it first, or use --test_mode here too."
        )
    return checkpoint


def restored_backbone_config(
    options: ModelOptions, checkpoint: Checkpoint, *, allow_changes: bool
) -> BackboneConfig:
    """The checkpoint's architecture; its dropout may be changed, nothing else.

    Raises:
        OptionError: an option contradicts the checkpoint and `allow_changes` is false.
    """
    stored = checkpoint.backbone
    if isinstance(options, TransformOptions) and options.backbone != stored.backbone:
        # The user may never have typed --backbone, which has a default in this script alone.
        raise OptionError(
            f"--ckpt_dir={checkpoint.folder}: this checkpoint holds a {stored.backbone}, but this "
            f"run trains a {options.backbone}. Fine-tune it with train_bert_fine_tuning.py, which "
            f"takes the backbone from the checkpoint, or add --backbone={stored.backbone}."
        )
    wanted = {"backbone": options.backbone, **_sizes(options)}
    if options.preset is not None:
        preset = backbone_config(stored.backbone, options.preset, stored.vocab_size)
        for name in PRESETS[options.preset]:
            if hasattr(preset, name) and wanted.get(name) is None:
                wanted[name] = getattr(preset, name)
    changes = {
        name: value
        for name, value in wanted.items()
        if value is not None and value != getattr(stored, name, None)
    }
    flags = {option.field: option.flag for option in size_options()}
    for name, value in changes.items():
        flag = flags.get(name, name)
        if not hasattr(stored, name) and "backbone" not in changes:
            raise OptionError(
                f"--{flag}={value}: the checkpoint {checkpoint.folder} holds a {stored.backbone}, "
                "which has no use for it. Leave the option out."
            )
        if not allow_changes:
            raise OptionError(
                f"--{flag}={value} (or a preset that means it) contradicts the checkpoint "
                f"{checkpoint.folder}, which has {flag}={getattr(stored, name)}. Leave the option "
                "out, or use --allow_partial_restore to start what differs from random weights."
            )
    if options.dropout_keep_prob is not None:
        changes["dropout"] = _dropout(options)
    if "backbone" in changes:
        common = {name: getattr(stored, name) for name in BackboneConfig.fields()}
        return backbone_config(preset=options.preset or "small", **{**common, **changes})
    return BackboneConfig.from_dict({**stored.to_dict(), **changes})


def extend_positions(backbone: keras.layers.Layer, checkpoint: Checkpoint, length: int) -> None:
    """Makes a restored backbone ready for sequences longer than its checkpoint's, and says so."""
    if repeat_positions(backbone, checkpoint, length):
        logger.info(
            "%s was trained with %d tokens: the position vectors from there to %d start as copies",
            checkpoint.folder,
            checkpoint.setting("sequence_length", int),
            length,
        )


def stored_tokenizer(checkpoint: Checkpoint) -> tuple[Tokenizer, Vocabulary]:
    """The tokenizer and the vocabulary that a checkpoint holds.

    Raises:
        CheckpointError: the vocabulary has more tokens than the model has embeddings.
    """
    vocabulary = Vocabulary.load(checkpoint.path("vocab.txt"))
    known = checkpoint.backbone.vocab_size
    if len(vocabulary) > known:
        raise CheckpointError(
            f"{checkpoint.path('vocab.txt')}: {len(vocabulary):,} tokens, but the model knows only "
            f"{known:,}; it is of another checkpoint."
        )
    return load_tokenizer(checkpoint.path("tokenizer.json"), vocabulary), vocabulary


def restored_tokenizer(
    options: TokenizerOptions, checkpoint: Checkpoint
) -> tuple[Tokenizer, Vocabulary]:
    """The checkpoint's tokenizer and vocabulary.

    Raises:
        OptionError: an option contradicts them.
    """
    tokenizer, vocabulary = stored_tokenizer(checkpoint)
    if options.min_count is not None:
        raise OptionError(
            f"--min_count={options.min_count} is for making a vocabulary; the checkpoint "
            f"{checkpoint.folder} has one. Leave the option out."
        )
    for name, stored in (
        ("tokenize_style", tokenizer.style),
        ("lower_case", tokenizer.lower_case),
        ("vocab_size", len(vocabulary)),
    ):
        value = getattr(options, name)
        # A vocabulary may be smaller than the limit that it was made with.
        same = value >= stored if name == "vocab_size" and value is not None else value == stored
        if value is not None and not same:
            raise OptionError(
                f"--{name}={value} contradicts the checkpoint {checkpoint.folder}, which has "
                f"{name}={stored}. Leave the option out."
            )
    if options.vocab_file and Vocabulary.load(Path(options.vocab_file)).digest != vocabulary.digest:
        raise OptionError(
            f"--vocab_file={options.vocab_file}: not the vocabulary of the checkpoint "
            f"{checkpoint.folder}. Leave the option out."
        )
    return tokenizer, vocabulary


def given_vocabulary(options: TokenizerOptions) -> Vocabulary | None:
    """The vocabulary that --vocab_file names, if it does.

    Raises:
        CheckpointError: the file is a checkpoint's and was altered.
        OptionError: the file lies beside a tokenizer.json of another style.
    """
    if not options.vocab_file:
        return None
    for name in ("vocab_size", "min_count"):
        if getattr(options, name) is not None:
            raise OptionError(
                f"--{name}={getattr(options, name)} is for making a vocabulary, and "
                f"--vocab_file={options.vocab_file} gives one. Leave one of them out."
            )
    path = Path(options.vocab_file)
    check_against_manifest(path)
    vocabulary = Vocabulary.load(path)
    beside = path.with_name("tokenizer.json")
    if beside.exists():
        stored, style = load_tokenizer(beside, vocabulary).style, options.tokenize_style or "word"
        if stored != style:
            raise OptionError(
                f"--vocab_file={path}: this vocabulary was made by --tokenize_style={stored} "
                f"({beside}), not by {style}. Use --tokenize_style={stored}."
            )
    return vocabulary


def new_tokenizer(options: TokenizerOptions, vocabulary: Vocabulary | None) -> Tokenizer:
    """The tokenizer that the options describe."""
    return make_tokenizer(
        options.tokenize_style or "word", lower_case=options.lower_case, vocabulary=vocabulary
    )


def text_files(tokenizer: Tokenizer, vocabulary: Vocabulary) -> dict[str, str]:
    """What a checkpoint of either step keeps of the text side, by file name."""
    return {
        "vocab.txt": "".join(f"{token}\n" for token in vocabulary.tokens),
        "tokenizer.json": json.dumps(tokenizer.config(), indent=2) + "\n",
    }


def check_vocabulary_fits(
    unknown: int, tokens: int, vocabulary: Vocabulary, sources: Sequence[str]
) -> None:
    """Refuses a vocabulary that knows less than half of the text's tokens.

    Args:
        unknown: tokens of the text that the vocabulary lacks, of `tokens`.
        vocabulary: for the message.
        sources: the files that the text came from, for the message.
    """
    if tokens and unknown * 2 > tokens:
        raise InputError(
            f"the vocabulary ({len(vocabulary):,} tokens) does not know {unknown / tokens:.0%} of "
            f"the tokens of {', '.join(sources)}: it is of another tokenizer or another language. "
            "Use the --tokenize_style that it was made with."
        )


def _sizes(options: ModelOptions) -> dict[str, Any]:
    """The sizes by their names in the configuration; None where an option was not given."""
    return {option.field: getattr(options, option.flag) for option in size_options()}


def _dropout(options: ModelOptions) -> float | None:
    keep = options.dropout_keep_prob
    return None if keep is None else round(1.0 - keep, 6)
