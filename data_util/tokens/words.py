"""Text to words: a segmenter for Chinese, Unicode's word boundaries for other scripts."""

import os
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any

import regex

from common.errors import InputError
from common.files import read_lines
from data_util.tokens.normalization import is_common

SEGMENTER = "rjieba"

# A word of one's own and its frequency; None: so high that the segmenter keeps it whole.
UserWord = tuple[str, int | None]

MAX_FREQUENCY = 1_000_000_000
# With these limits tokenizer.json, which holds the words, stays below `common.files.MAX_BYTES`.
MAX_WORDS = 100_000
MAX_WORD_LENGTH = 50

# What stands between white space, Chinese characters and punctuation, and fullwidth forms.
_RUN = regex.compile(r"(?V1)[^\s\p{Han}\u3000-\u303f\uff00-\uffef]++")
# What the segmenter would cut into single letters: letters of other scripts than Han and other than
# ASCII, their marks and digits, and words with an apostrophe.
_OTHER_SCRIPT = regex.compile(
    r"(?V1)[[\p{L}\p{M}\p{Nd}]--[A-Za-z0-9]--\p{Han}--[\u3000-\u303f\uff00-\uffef]]"
    r"|[A-Za-z]['\u2019][A-Za-z]"
)
_UNICODE_WORD = regex.compile(r"(?sw).+?\b")
# What words of the segmenter's dictionary may consist of.
_SEGMENTED = regex.compile(
    "[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002ebefA-Za-z0-9+#&._%-]+"
)


def needs_segmenter_only(text: str) -> bool:
    """Whether `split_words` only has to call the segmenter; fast, and may err towards False."""
    return is_common(text) and "'" not in text and "\u2019" not in text


def split_words(text: str, segment: Callable[[str], list[str]]) -> list[str]:
    """Words, numbers and punctuation marks; white space may be among them.

    Text in letters of other scripts than Chinese is cut at Unicode's word boundaries, and so are
    words with an apostrophe. Everything else is left to the segmenter: Chinese, and what is written
    in ASCII, with names such as C++ and numbers such as 3.14%.

    Katakana make words, hiragana are cut one by one. Of scripts without spaces, such as Thai,
    every letter with its marks is a word: Unicode's rules need a dictionary there.

    Args:
        text: the text.
        segment: the segmenter.

    References:
        https://www.unicode.org/reports/tr29/#Word_Boundaries
    """
    if needs_segmenter_only(text):
        return segment(text)
    words: list[str] = []
    done = 0
    for run in _RUN.finditer(text):
        if _OTHER_SCRIPT.search(run[0]):
            between = text[done : run.start()]
            if between and not between.isspace():
                words += segment(between)
            words += _UNICODE_WORD.findall(run[0])
            done = run.end()
    return words + segment(text[done:])


def segmenter(user_words: Sequence[UserWord] = ()) -> Callable[[str], list[str]]:
    """The function that cuts Chinese text into words.

    Args:
        user_words: words that are added to its dictionary.
    """
    # Imported here because it loads a dictionary, which other tokenizers do not need.
    import rjieba

    return _own_segmenter(tuple(user_words)).cut if user_words else rjieba.cut


@cache
def _own_segmenter(user_words: tuple[UserWord, ...]) -> Any:
    import rjieba

    # Not the module's own dictionary, which every other tokenizer shares.
    own = rjieba.Jieba()
    for word, frequency in user_words:
        own.add_word(word, frequency, None)
    return own


def read_user_words(path: str | os.PathLike[str]) -> list[UserWord]:
    """Reads a dictionary in jieba's format.

    A line is a word, and optionally its frequency and its part of speech, separated by spaces.
    Blank lines are skipped. Of a word that occurs twice the last line counts.

    Raises:
        InputError: a line is wrong, or there is no word.
    """
    words: dict[str, int | None] = {}
    for line, text in enumerate(read_lines(path), 1):
        if not text.strip():
            continue
        word, *rest = text.split()
        frequency = None
        if rest and rest[0].isdecimal():
            frequency = int(rest.pop(0)[:20])
        if len(rest) > 1 or (rest and not (rest[0].isascii() and rest[0].isalpha())):
            raise InputError(
                f"a line is a word, its frequency and its part of speech, separated by spaces, "
                f"such as {word!r:.80} or '{word:.40} 10'. Received: {text!r:.80}",
                path,
                line,
            )
        try:
            check_user_word(word, frequency)
        except InputError as error:
            raise InputError(error.message, path, line) from None
        words[word] = frequency
    if not words:
        raise InputError("no word: a word on each line is expected", path)
    if len(words) > MAX_WORDS:
        raise InputError(f"{len(words):,} words: at most {MAX_WORDS:,} are possible", path)
    return list(words.items())


def check_user_word(word: Any, frequency: Any) -> None:
    """Checks a word and its frequency.

    Raises:
        InputError: the segmenter cannot find such a word, or the frequency is out of range.
    """
    fits = isinstance(word, str) and len(word) <= MAX_WORD_LENGTH and _SEGMENTED.fullmatch(word)
    if not fits:
        raise InputError(
            f"a word of the user's dictionary consists of up to {MAX_WORD_LENGTH} Chinese "
            f"characters, ASCII letters and digits, and + # & . _ % -. Received: {word!r:.80}"
        )
    if frequency is not None and (type(frequency) is not int or not 0 < frequency <= MAX_FREQUENCY):
        raise InputError(
            f"the frequency of a word is a whole number from 1 to {MAX_FREQUENCY:,}. "
            f"Received: {frequency!r:.80}"
        )


def cased_words(words: Iterable[UserWord], change: Callable[[str], str]) -> tuple[UserWord, ...]:
    """The words as they are spelled in text that `change` has normalized."""
    return tuple({change(word): frequency for word, frequency in words}.items())
