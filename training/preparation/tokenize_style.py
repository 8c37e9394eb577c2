"""The tokenize style of a run where the options do not name one."""

import logging
from collections.abc import Iterable
from typing import TypeVar

from data_util.reading.documents import read_documents
from data_util.reading.text_pairs import Text
from data_util.tokens.default_style import SAMPLE, default_style
from tasks.data import Files
from tasks.registry import STYLE_TEXTS, TRAINING_TEXTS
from training.options.groups import TokenizerOptions
from training.options.scripts import FineTuningOptions, PretrainingOptions

logger = logging.getLogger(__name__)

AnyOptions = TypeVar("AnyOptions", bound=TokenizerOptions)


def for_pretraining(options: PretrainingOptions) -> PretrainingOptions:
    """See `with_tokenize_style`; the texts are the documents of the run."""
    documents = read_documents(
        options.mask_lm_source_file,
        labelled=False,
        unit=options.line_unit,
        reading=options.reading(),
    )
    return with_tokenize_style(options, (document.texts for document in documents))


def for_fine_tuning(options: FineTuningOptions, files: Files) -> FineTuningOptions:
    """See `with_tokenize_style`; the texts are the training texts of the task."""
    texts = STYLE_TEXTS if options.task in STYLE_TEXTS else TRAINING_TEXTS
    if options.task not in texts:
        return options
    return with_tokenize_style(options, texts[options.task](files, options.reading()))


def with_tokenize_style(options: AnyOptions, texts: Iterable[Text]) -> AnyOptions:
    """Replaces a tokenize style that is not given by the one for these texts.

    Args:
        options: of a run without a checkpoint. The style is not changed either if there is a
            `--vocab_file`, or a `--user_dictionary`, which only words have a use for.
        texts: texts and pairs of texts, of which the first `SAMPLE` are read.
    """
    if options.tokenize_style is not None or options.vocab_file or options.user_dictionary:
        return options
    sample: list[str] = []
    for text in texts:
        sample += [text] if isinstance(text, str) else text
        if len(sample) >= SAMPLE:
            break
    style = default_style(sample)
    if style != "word":
        length = sum(map(len, sample)) / len(sample)
        logger.info("texts of %.0f characters on average: --tokenize_style=%s", length, style)
    return options.replace(tokenize_style=style)
