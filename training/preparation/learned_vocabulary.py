"""A vocabulary that is learned before the text is tokenized: word pieces, or an extension."""

import logging
from collections.abc import Sequence
from itertools import islice

from data_util.tokens.learned_vocabulary import (
    LearnedFrom,
    extended_vocabulary,
    learn_word_pieces,
    parts_of_new_tokens,
)
from data_util.tokens.tokenizers import Tokenizer, WordPieceTokenizer
from data_util.tokens.vocabulary import Vocabulary
from models.checkpoints.folder import Checkpoint
from models.checkpoints.new_tokens import NewTokens
from tasks.registry import TRAINING_TEXTS
from training.options.groups import TokenizerOptions
from training.options.scripts import FineTuningOptions, PretrainingOptions
from training.preparation import tokenize_style
from training.preparation.tokenizer import (
    DEFAULT_MIN_COUNT,
    DEFAULT_VOCAB_SIZE,
    cache_folder,
    given_vocabulary,
    new_tokenizer,
    processes,
    restored_tokenizer,
)
from training.smoke_run import document_limit

logger = logging.getLogger(__name__)

_TOKENS_NAMED = 5


def new_tokenizer_and_vocabulary(
    options: PretrainingOptions | FineTuningOptions, paths: Sequence[str]
) -> tuple[Tokenizer, Vocabulary | None]:
    """The tokenizer and the vocabulary of a run without a checkpoint.

    Args:
        options: of the run.
        paths: the files from which word pieces are learned.

    Returns:
        The vocabulary is that of --vocab_file, or was learned; None: it is to be made of the
        tokens of the text.

    Raises:
        CheckpointError, InputError, OptionError: an option or a file cannot be used.
    """
    vocabulary = given_vocabulary(options)
    if vocabulary is None:
        vocabulary = _learned(options, _source(options, paths))
    return new_tokenizer(options, vocabulary), vocabulary


def tokenizer_and_vocabulary(
    options: PretrainingOptions, start: Checkpoint | None
) -> tuple[Tokenizer, Vocabulary | None]:
    """The tokenizer and the vocabulary of pre-training: new ones, or those of a checkpoint.

    With --extend_vocabulary the checkpoint's vocabulary gets the tokens of the new text.

    Args:
        options: of the run.
        start: the checkpoint; None for new ones (see `new_tokenizer_and_vocabulary`).

    Raises:
        CheckpointError, InputError, OptionError: an option or a file cannot be used.
    """
    if start is None:
        chosen = tokenize_style.for_pretraining(options)
        return new_tokenizer_and_vocabulary(chosen, options.mask_lm_source_file)
    tokenizer, vocabulary = restored_tokenizer(options, start)
    if not options.extend_vocabulary:
        return tokenizer, vocabulary
    larger = extended_vocabulary(
        _source(options, options.mask_lm_source_file),
        tokenizer,
        vocabulary,
        max_size=options.vocab_size or len(vocabulary) + DEFAULT_VOCAB_SIZE,
        min_count=options.min_count or DEFAULT_MIN_COUNT,
    )
    new = larger.tokens[len(vocabulary) :]
    logger.info(
        "%s tokens of the text are added to the %s of the checkpoint%s",
        f"{len(new):,}",
        f"{len(vocabulary):,}",
        f" ({', '.join(new[:_TOKENS_NAMED])}, ...)" if new else "",
    )
    return tokenizer.with_vocabulary(larger), larger


def new_tokens(start: Checkpoint, tokenizer: Tokenizer, vocabulary: Vocabulary) -> NewTokens | None:
    """The tokens of a vocabulary that a checkpoint does not know; None if it knows all of them."""
    known = Vocabulary.load(start.path("vocab.txt"))
    if len(known) == len(vocabulary):
        return None
    return NewTokens(len(known), parts_of_new_tokens(vocabulary, known, tokenizer.style))


def _learned(options: TokenizerOptions, source: LearnedFrom) -> Vocabulary | None:
    """Learns the vocabulary of a style whose tokenizer needs one; returns None for other styles."""
    if options.tokenize_style != WordPieceTokenizer.style:
        return None
    return learn_word_pieces(
        source,
        lower_case=options.lower_case is None or options.lower_case,
        normalize=options.normalize or "none",
        vocab_size=options.vocab_size or DEFAULT_VOCAB_SIZE,
        min_count=options.min_count or DEFAULT_MIN_COUNT,
    )


def _source(options: PretrainingOptions | FineTuningOptions, paths: Sequence[str]) -> LearnedFrom:
    """The text of files, as the run reads it, for vocabularies that are learned from it."""
    limit, task = document_limit(options), getattr(options, "task", "")
    own = {}
    if task in TRAINING_TEXTS:
        files, reading = {"train": list(paths)}, options.reading()
        own["read"] = lambda: islice(TRAINING_TEXTS[task](files, reading), limit)
    return LearnedFrom(
        paths,
        cache_folder(options),
        unit=getattr(options, "line_unit", "document"),
        reading=options.reading(),
        processes=processes(options),
        max_documents=limit,
        reader=task if own else "",
        **own,
    )
