"""The tokenizer and the vocabulary of a run: those of a checkpoint, or new ones."""

from collections.abc import Sequence
from pathlib import Path

from common.errors import CheckpointError, InputError, OptionError
from common.files import to_json
from common.parallel import usable_cores
from data_util.tokens.tokenizer_files import load_tokenizer
from data_util.tokens.tokenizers import Tokenizer, WordTokenizer, make_tokenizer
from data_util.tokens.vocabulary import Vocabulary
from data_util.tokens.words import UserWord, read_user_words
from models.checkpoints.folder import Checkpoint, check_against_manifest
from training.options.groups import RunOptions, TokenizerOptions

DEFAULT_STYLE = "word"
DEFAULT_VOCAB_SIZE = 30_000
DEFAULT_MIN_COUNT = 2


def processes(options: RunOptions) -> int:
    """The number of processes that read text."""
    return options.process_num or usable_cores()


def cache_folder(options: RunOptions) -> Path:
    """The folder of the caches."""
    return Path(options.data_path) / "cache"


def stored_tokenizer(checkpoint: Checkpoint) -> tuple[Tokenizer, Vocabulary]:
    """Reads the tokenizer and the vocabulary of a checkpoint.

    Raises:
        CheckpointError: the vocabulary has more tokens than the model has embeddings.
    """
    vocabulary = Vocabulary.load(checkpoint.path("vocab.txt"))
    known = checkpoint.backbone.vocab_size
    if len(vocabulary) > known:
        raise CheckpointError(
            f"{checkpoint.path('vocab.txt')}: {len(vocabulary):,} tokens, but the model has only "
            f"{known:,} embeddings; this is the vocabulary of another checkpoint."
        )
    return load_tokenizer(checkpoint.path("tokenizer.json"), vocabulary), vocabulary


def restored_tokenizer(
    options: TokenizerOptions, checkpoint: Checkpoint
) -> tuple[Tokenizer, Vocabulary]:
    """Reads a checkpoint's tokenizer and vocabulary and compares them with the options.

    Raises:
        CheckpointError: they do not fit the model.
        OptionError: an option contradicts them.
    """
    tokenizer, vocabulary = stored_tokenizer(checkpoint)
    extends = getattr(options, "extend_vocabulary", False)
    if options.min_count is not None and not extends:
        raise OptionError(
            f"--min_count={options.min_count} applies only to a new vocabulary, but the checkpoint "
            f"{checkpoint.folder} has one. Leave the option out."
        )
    for name, stored in (
        ("tokenize_style", tokenizer.style),
        ("lower_case", tokenizer.lower_case),
        ("normalize", tokenizer.normalize),
        ("vocab_size", len(vocabulary)),
    ):
        value = getattr(options, name)
        # A vocabulary may be smaller than its limit.
        same = value >= stored if name == "vocab_size" and value is not None else value == stored
        if value is not None and not same:
            raise OptionError(
                f"--{name}={value} contradicts the checkpoint {checkpoint.folder}, which has "
                f"{name}={stored}. Leave the option out."
            )
    if options.user_dictionary:
        words = user_words(options, tokenizer.style)
        if words != list(getattr(tokenizer, "user_words", ())):
            raise OptionError(
                f"--user_dictionary={options.user_dictionary}: these are not the words of the "
                f"checkpoint {checkpoint.folder}. Leave the option out."
            )
    if options.vocab_file and Vocabulary.load(Path(options.vocab_file)).digest != vocabulary.digest:
        raise OptionError(
            f"--vocab_file={options.vocab_file}: this is not the vocabulary of the checkpoint "
            f"{checkpoint.folder}. Leave the option out."
        )
    return tokenizer, vocabulary


def given_vocabulary(options: TokenizerOptions) -> Vocabulary | None:
    """Reads the vocabulary of --vocab_file; returns None if the option is not given.

    Raises:
        CheckpointError: the file is part of a checkpoint and was altered.
        OptionError: another option contradicts it, such as the style of a tokenizer.json in the
            same folder.
    """
    if not options.vocab_file:
        return None
    for name in ("vocab_size", "min_count"):
        if getattr(options, name) is not None:
            raise OptionError(
                f"--{name}={getattr(options, name)} applies only to a new vocabulary, but "
                f"--vocab_file={options.vocab_file} provides one. Leave one of them out."
            )
    path = Path(options.vocab_file)
    check_against_manifest(path)
    vocabulary = Vocabulary.load(path)
    beside = path.with_name("tokenizer.json")
    if beside.exists():
        stored, style = (
            load_tokenizer(beside, vocabulary).style,
            options.tokenize_style or DEFAULT_STYLE,
        )
        if stored != style:
            raise OptionError(
                f"--vocab_file={path}: this vocabulary was made with --tokenize_style={stored} "
                f"({beside}), not with {style}. Use --tokenize_style={stored}."
            )
    return vocabulary


def new_tokenizer(options: TokenizerOptions, vocabulary: Vocabulary | None) -> Tokenizer:
    """Creates the tokenizer that the options describe.

    Args:
        options: the style, the case, the normalization and the user's dictionary.
        vocabulary: for styles whose tokenizer needs one; None if it is yet to be made.

    Raises:
        InputError: the user's dictionary cannot be read.
        OptionError: it is given with a style that has no use for it.
    """
    style = options.tokenize_style or DEFAULT_STYLE
    return make_tokenizer(
        style,
        lower_case=options.lower_case,
        vocabulary=vocabulary,
        normalize=options.normalize or "none",
        user_words=user_words(options, style),
    )


def user_words(options: TokenizerOptions, style: str) -> list[UserWord]:
    """Reads the words of --user_dictionary; returns none if the option is not given.

    Raises:
        InputError: the file cannot be read.
        OptionError: the style has no use for it.
    """
    if not options.user_dictionary:
        return []
    if style != WordTokenizer.style:
        raise OptionError(
            f"--user_dictionary={options.user_dictionary} applies only to --tokenize_style=word, "
            f"not to {style}. Leave one of them out."
        )
    return read_user_words(options.user_dictionary)


def text_files(tokenizer: Tokenizer, vocabulary: Vocabulary) -> dict[str, str]:
    """The text files that a checkpoint needs to tokenize: their content by file name."""
    return {
        "vocab.txt": "".join(f"{token}\n" for token in vocabulary.tokens),
        "tokenizer.json": to_json(tokenizer.config()).decode(),
    }


def check_vocabulary_fits(
    unknown: int,
    tokens: int,
    vocabulary: Vocabulary,
    sources: Sequence[str],
    *,
    made_here: bool = False,
) -> None:
    """Rejects a vocabulary that lacks more than half of the text's tokens.

    Args:
        unknown: the number of tokens of the text that are not in the vocabulary.
        tokens: the number of tokens of the text.
        vocabulary: for the message.
        sources: the files of the text, for the message.
        made_here: whether the vocabulary was made of this text.

    Raises:
        InputError: it lacks more than half of them.
    """
    if tokens and unknown * 2 > tokens and made_here:
        raise InputError(
            f"{unknown / tokens:.0%} of the tokens of {', '.join(sources)} are too rare for a "
            f"vocabulary ({len(vocabulary):,} tokens are left): there is too little text for "
            "--min_count. Use --min_count=1, or more text."
        )
    if tokens and unknown * 2 > tokens:
        raise InputError(
            f"the vocabulary ({len(vocabulary):,} tokens) lacks {unknown / tokens:.0%} of the "
            f"tokens of {', '.join(sources)}: it was made with another tokenizer or for another "
            "language. Use the --tokenize_style with which it was made."
        )
