"""A tokenizer as the file tokenizer.json."""

import logging
import os
import reprlib
from typing import Any

from common.errors import InputError
from common.files import read_json, to_json
from common.whole_files import write_whole
from data_util.choices import NORMALIZATIONS, TOKENIZE_STYLES
from data_util.tokens.tokenizers import (
    FORMAT_VERSION,
    OLD_RULES,
    Tokenizer,
    WordTokenizer,
    make_tokenizer,
)
from data_util.tokens.vocabulary import Vocabulary
from data_util.tokens.words import SEGMENTER, UserWord, check_user_word

logger = logging.getLogger(__name__)


def save_tokenizer(tokenizer: Tokenizer, path: str | os.PathLike[str]) -> None:
    """Writes tokenizer.json. The vocabulary is a file of its own."""
    write_whole(path, to_json(tokenizer.config()))


def load_tokenizer(path: str | os.PathLike[str], vocabulary: Vocabulary | None) -> Tokenizer:
    """Makes the tokenizer that `save_tokenizer` wrote.

    Files of format versions 1 and 2 are read too; their tokenizers follow the rules of version 2.
    The Chinese words of version 1 came from another segmenter, which differs in so few words that
    rjieba takes its place with a warning.

    Raises:
        InputError: the file does not describe a tokenizer of a known version and segmenter.
    """
    config = read_json(path, "a tokenizer")
    version = config.get("format_version")
    if type(version) is not int or not 1 <= version <= FORMAT_VERSION:
        raise InputError(
            f"a tokenizer of format version {reprlib.repr(version)} cannot be read here, only of 1 "
            f"to {FORMAT_VERSION}: was it written by another release?",
            path,
        )
    is_word = config.get("style") == WordTokenizer.style
    expected = ["format_version", "style", "lower_case"]
    optional = set()
    if is_word and version > 1:
        expected.append("segmenter")
    if version > OLD_RULES:
        optional = {"normalize", "user_dictionary"} if is_word else {"normalize"}
    if not set(expected) <= set(config) <= {*expected, *optional}:
        raise InputError(
            f"a tokenizer has the keys {', '.join([*expected, *sorted(optional)])}. "
            f"Received: {reprlib.repr(sorted(config))}",
            path,
        )
    style, lower_case = config["style"], config["lower_case"]
    normalize = config.get("normalize", "none")
    _check_choice("style", style, TOKENIZE_STYLES, path)
    _check_choice("normalize", normalize, NORMALIZATIONS, path)
    if not isinstance(lower_case, bool):
        raise InputError(
            f"lower_case must be true or false. Received: {reprlib.repr(lower_case)}", path
        )
    segmenter = config.get("segmenter", SEGMENTER)
    if segmenter != SEGMENTER:
        raise InputError(
            f"segmenter must be {SEGMENTER}. Received: {reprlib.repr(segmenter)}", path
        )
    if is_word and version == 1:
        logger.warning(
            "%s was written by release 0.1.0, which used another Chinese word segmenter. %s is "
            "used instead; the two differ in about one word in a million.",
            path,
            SEGMENTER,
        )
    return make_tokenizer(
        style,
        lower_case=lower_case,
        vocabulary=vocabulary,
        normalize=normalize,
        user_words=_user_words(config.get("user_dictionary", []), path),
        rules=max(version, OLD_RULES),
    )


def _check_choice(
    name: str, value: Any, choices: tuple[str, ...], path: str | os.PathLike[str]
) -> None:
    if value not in choices:
        raise InputError(
            f"{name} must be one of {', '.join(choices)}. Received: {reprlib.repr(value)}", path
        )


def _user_words(entries: Any, path: str | os.PathLike[str]) -> list[UserWord]:
    if not isinstance(entries, list):
        raise InputError(f"user_dictionary must be a list. Received: {reprlib.repr(entries)}", path)
    words = []
    for entry in entries:
        if not isinstance(entry, list) or len(entry) != 2:
            raise InputError(
                "an entry of user_dictionary is a word and its frequency or null. "
                f"Received: {reprlib.repr(entry)}",
                path,
            )
        try:
            check_user_word(*entry)
        except InputError as error:
            raise InputError(error.message, path) from None
        words.append((entry[0], entry[1]))
    return words
