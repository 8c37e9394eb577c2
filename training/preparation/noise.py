"""What hides or changes tokens in a pre-training run, and the phrases that it needs for it."""

import logging
from collections.abc import Sequence
from typing import cast

import numpy as np

from common.errors import ConfigError, InputError, OptionError
from common.files import read_lines
from data_util.pretraining.noise.base import Noise
from data_util.pretraining.noise.denoising import CombinedCorruptions, Corruption
from data_util.pretraining.noise.phrase import MAX_PHRASE, PhraseNoise
from data_util.registry import NOISES
from data_util.tokens.tokenizers import Tokenizer
from data_util.tokens.vocabulary import Vocabulary
from models.objectives.selection import noise_of
from training.options.scripts import PretrainingOptions

logger = logging.getLogger(__name__)


def noise_names(options: PretrainingOptions, names: Sequence[str]) -> tuple[str, ...]:
    """The noises of a run with these objectives, in the order in which they are applied.

    Raises:
        ConfigError: the objectives do not support them, or they cannot be combined.
    """
    needed = noise_of(names, options.masking)
    asked = options.to_dict().get("noise")
    if not asked:
        return (needed,)
    for name in asked:
        noise_of(names, name)
    alone = [name for name in asked if not issubclass(NOISES[name], Corruption)]
    if alone and len(asked) > 1:
        raise ConfigError(f"the noise {alone[0]} cannot be combined with others.")
    return tuple(name for name in NOISES if name in asked)


def noise_classes(options: PretrainingOptions, names: Sequence[str]) -> tuple[type[Noise], ...]:
    """The classes of `noise_names`.

    Raises:
        OptionError: --mask_last is given, and they mask no tokens.
    """
    found = tuple(NOISES[name] for name in noise_names(options, names))
    if options.mask_last and not all(noise.masks for noise in found):
        raise OptionError(
            f"--mask_last={options.mask_last:g}: --objectives={','.join(names)} masks no tokens; "
            "use masked_lm, or leave --mask_last out."
        )
    return found


def with_spare_tokens(
    classes: Sequence[type[Noise]], tokenizer: Tokenizer, vocabulary: Vocabulary
) -> tuple[Tokenizer, Vocabulary]:
    """The tokenizer and the vocabulary, with spare tokens where these noises need them."""
    if not any(each.reads_spare_tokens for each in classes):
        return tokenizer, vocabulary
    larger = vocabulary.with_spare_tokens()
    return tokenizer.with_vocabulary(larger), larger


def phrases(options: PretrainingOptions, names: Sequence[str]) -> list[str]:
    """Reads the phrases of --phrase_file, each once; none if the noise has no use for them.

    Args:
        options: of the run.
        names: the objectives.

    Raises:
        OptionError: the file is given without --masking=phrase, or the other way round.
        InputError: it cannot be read, or holds no phrase.
    """
    path = options.phrase_file
    if not issubclass(noise_classes(options, names)[0], PhraseNoise):
        if path:
            raise OptionError(
                f"--phrase_file={path} requires --masking=phrase: add it, or leave the file out."
            )
        return []
    if not path:
        raise OptionError("--masking=phrase: name the file of phrases with --phrase_file.")
    fields = [field.strip() for line in read_lines(path) for field in line.split("\t")]
    found = list(dict.fromkeys(filter(None, fields)))
    if not found:
        raise InputError("no phrase: one on each line is expected", path)
    return found


def make_noise(
    classes: Sequence[type[Noise]],
    options: PretrainingOptions,
    tokenizer: Tokenizer,
    vocabulary: Vocabulary,
    phrases: Sequence[str],
) -> Noise:
    """Makes the noise of a run.

    Args:
        classes: what `noise_classes` returned.
        options: of the run.
        tokenizer, vocabulary: of the text.
        phrases: what `phrases` returned.

    Raises:
        InputError: no phrase can occur in the text.
    """
    first, *others = classes
    if others:
        made = [each(vocabulary, options.mask_probability) for each in classes]
        return CombinedCorruptions(cast(list[Corruption], made))
    last = {"mask_last": options.mask_last} if first.masks else {}
    if not issubclass(first, PhraseNoise):
        return first(vocabulary, options.mask_probability, **last)
    encoded = [vocabulary.encode(tokenizer.tokenize(phrase)) for phrase in phrases]
    ordinary = [ids for ids in encoded if len(ids) and np.isin(ids, vocabulary.ordinary_ids).all()]
    usable = [ids.tolist() for ids in ordinary if len(ids) <= MAX_PHRASE]
    if not usable:
        raise InputError(
            f"no phrase of at most {MAX_PHRASE} tokens that are all in the vocabulary: does the "
            "list fit the text?",
            options.phrase_file,
        )
    logger.info("%d of %d phrases consist of known tokens", len(usable), len(phrases))
    return first(vocabulary, options.mask_probability, usable, **last)
