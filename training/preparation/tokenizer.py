"""The tokenizer and the vocabulary of a run: a checkpoint's, or new ones."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

from common.errors import CheckpointError, InputError, OptionError
from data_util.tokens.tokenizers import Tokenizer, load_tokenizer, make_tokenizer
from data_util.tokens.vocabulary import Vocabulary
from models.checkpoints.folder import Checkpoint, check_against_manifest
from training.options.groups import RunOptions, TokenizerOptions

DEFAULT_VOCAB_SIZE = 30_000


DEFAULT_MIN_COUNT = 2


def processes(options: RunOptions) -> int:
    """How many processes read text."""
    return options.process_num or len(os.sched_getaffinity(0))


def cache_folder(options: RunOptions) -> Path:
    """Where caches are written."""
    return Path(options.data_path) / "cache"


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
