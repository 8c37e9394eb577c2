"""Text to tokens: words, characters, space-separated tokens, or BERT's word pieces."""

import logging
import os
import reprlib
from collections.abc import Sequence
from itertools import filterfalse
from typing import Any, ClassVar

from common.errors import InputError
from common.files import read_json, to_json
from common.whole_files import write_whole
from data_util.choices import TOKENIZE_STYLES
from data_util.tokens.numbering import IndexedTokens, index_tokens
from data_util.tokens.vocabulary import Vocabulary

FORMAT_VERSION = 2
SEGMENTER = "rjieba"

logger = logging.getLogger(__name__)


class Tokenizer:
    """Splits text into non-empty tokens without white space.

    "[MASK]" in a text is text like any other: `Vocabulary.encode` never turns it into a reserved
    id. Tokenizers are pickled to worker processes, so they are small or rebuilt from something
    small.

    Args:
        lower_case: whether text is lower-cased first.

    Attributes:
        style: the name in `TOKENIZE_STYLES`.
    """

    style: ClassVar[str]

    def __init__(self, lower_case: bool = False) -> None:
        self.lower_case = lower_case

    def tokenize(self, text: str) -> list[str]:
        """The tokens of a text, in order; white space is dropped."""
        return self._split(self._cased(text))

    def index(self, texts: Sequence[str]) -> IndexedTokens:
        """The tokens of several texts, as indices into the distinct ones."""
        return index_tokens(texts, self.tokenize)

    def spans(self, text: str) -> list[tuple[int, int]]:
        """The spans of the tokens of `tokenize(text)`: first character, one past the last.

        Lower-casing may lengthen text ("İ" becomes two characters); a token that ends within a
        character's expansion covers the whole character.
        """
        origins: Sequence[int] = range(len(text))
        changed = text
        if self.lower_case:
            changed = text.lower()
            origins = [index for index, char in enumerate(text) for _ in char.lower()]
        spans, position = [], 0
        for token in self.tokenize(text):
            start = changed.find(token, position)
            if start < 0:  # spelled otherwise in the text
                spans.append((origins[position], origins[position]) if origins else (0, 0))
                continue
            position = start + len(token)
            spans.append((origins[start], origins[position - 1] + 1))
        return spans

    def config(self) -> dict[str, Any]:
        """What `load_tokenizer` needs to rebuild this tokenizer."""
        return {
            "format_version": FORMAT_VERSION,
            "style": self.style,
            "lower_case": self.lower_case,
        }

    def _cased(self, text: str) -> str:
        return text.lower() if self.lower_case else text

    def _split(self, text: str) -> list[str]:
        raise NotImplementedError(f"{type(self).__name__} has to say how text is split")


class WordTokenizer(Tokenizer):
    """Words; rjieba finds those of Chinese (jieba's algorithm and dictionary, in Rust)."""

    style = "word"

    def config(self) -> dict[str, Any]:
        return {**super().config(), "segmenter": SEGMENTER}

    def _split(self, text: str) -> list[str]:
        # Imported here because it loads a dictionary, which the other styles do not need.
        import rjieba

        return list(filterfalse(str.isspace, rjieba.cut(text)))


class CharTokenizer(Tokenizer):
    """Every character that is not white space."""

    style = "char"

    def _split(self, text: str) -> list[str]:
        return list("".join(text.split()))


class SpaceTokenizer(Tokenizer):
    """Tokens separated by white space: for text that is already tokenized."""

    style = "space"

    def _split(self, text: str) -> list[str]:
        return text.split()


class WordPieceTokenizer(Tokenizer):
    """BERT's word pieces: the longest pieces of the vocabulary that make up each word.

    Control characters are removed, Chinese characters and punctuation marks are words of their own,
    and lower-casing also strips accents. A word that cannot be composed becomes "[UNK]".

    Args:
        vocabulary: its tokens are the pieces; "##" starts a piece within a word.

    References:
        google-research/bert, tokenization.py.
    """

    style = "wordpiece"

    def __init__(self, vocabulary: Vocabulary, lower_case: bool = True) -> None:
        from tokenizers import Tokenizer as PieceTokenizer
        from tokenizers.models import WordPiece
        from tokenizers.normalizers import BertNormalizer
        from tokenizers.pre_tokenizers import BertPreTokenizer

        super().__init__(lower_case)
        self._vocabulary = vocabulary
        ids = {token: index for index, token in enumerate(vocabulary.tokens)}
        # The parts of BertWordPieceTokenizer without its special tokens, which it would find in the
        # text: "[MASK]" there has to become "[", "mask" and "]".
        self._pieces = PieceTokenizer(WordPiece(ids, unk_token="[UNK]"))
        self._pieces.normalizer = BertNormalizer(lowercase=lower_case)
        self._pieces.pre_tokenizer = BertPreTokenizer()

    def __reduce__(self) -> tuple[type, tuple[Vocabulary, bool]]:
        return WordPieceTokenizer, (self._vocabulary, self.lower_case)

    def tokenize(self, text: str) -> list[str]:
        return self._pieces.encode(text, add_special_tokens=False).tokens

    def spans(self, text: str) -> list[tuple[int, int]]:
        return self._pieces.encode(text, add_special_tokens=False).offsets


_SIMPLE_STYLES: dict[str, type[Tokenizer]] = {
    kind.style: kind for kind in (WordTokenizer, CharTokenizer, SpaceTokenizer)
}


def make_tokenizer(
    style: str, *, lower_case: bool | None = None, vocabulary: Vocabulary | None = None
) -> Tokenizer:
    """Makes the tokenizer of a style.

    Args:
        style: one of `TOKENIZE_STYLES`.
        lower_case: whether text is lower-cased; None: the default, true for "wordpiece" and false
            for the others.
        vocabulary: of "wordpiece".

    Raises:
        InputError: the style is unknown, or word pieces lack a vocabulary.
    """
    if style in _SIMPLE_STYLES:
        return _SIMPLE_STYLES[style](bool(lower_case))
    if style != "wordpiece":
        raise InputError(
            f"the tokenize style must be one of {', '.join(TOKENIZE_STYLES)}. Received: {style!r}"
        )
    if vocabulary is None:
        raise InputError(
            'the tokenize style "wordpiece" needs a vocabulary of word pieces: name a BERT '
            "vocab.txt with --vocab_file"
        )
    return WordPieceTokenizer(vocabulary, lower_case is None or lower_case)


def save_tokenizer(tokenizer: Tokenizer, path: str | os.PathLike[str]) -> None:
    """Writes tokenizer.json. The vocabulary is a file of its own."""
    write_whole(path, to_json(tokenizer.config()))


def load_tokenizer(path: str | os.PathLike[str], vocabulary: Vocabulary | None) -> Tokenizer:
    """Makes the tokenizer that `save_tokenizer` wrote.

    Files of format version 1 are read too. Their Chinese words came from another segmenter, which
    differs in so few words that rjieba takes its place with a warning.

    Raises:
        InputError: the file does not describe a tokenizer of a known version and segmenter.
    """
    config = read_json(path, "a tokenizer")
    version = config.get("format_version")
    if type(version) is not int or version not in (1, FORMAT_VERSION):
        raise InputError(
            f"a tokenizer of format version {reprlib.repr(version)} cannot be read here, only of 1 "
            f"to {FORMAT_VERSION}: was it written by another release?",
            path,
        )
    is_word = config.get("style") == WordTokenizer.style
    expected = ["format_version", "style", "lower_case"]
    if is_word and version > 1:
        expected.append("segmenter")
    if set(config) != set(expected):
        raise InputError(
            f"a tokenizer has the keys {', '.join(expected)}. "
            f"Received: {reprlib.repr(sorted(config))}",
            path,
        )
    style, lower_case = config["style"], config["lower_case"]
    if style not in TOKENIZE_STYLES:
        raise InputError(
            f"style must be one of {', '.join(TOKENIZE_STYLES)}. Received: {reprlib.repr(style)}",
            path,
        )
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
    return make_tokenizer(style, lower_case=lower_case, vocabulary=vocabulary)
