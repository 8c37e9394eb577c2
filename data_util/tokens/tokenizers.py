"""Text to tokens: words, characters, space-separated tokens, or BERT's word pieces."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from itertools import filterfalse
from typing import Any, ClassVar

from common.errors import InputError
from common.files import to_json
from data_util.choices import TOKENIZE_STYLES
from data_util.tokens.normalization import Normalizer
from data_util.tokens.numbering import IndexedTokens, index_tokens, index_tokens_and_starts
from data_util.tokens.vocabulary import Vocabulary
from data_util.tokens.word_starts import starts_of_characters, starts_of_pieces
from data_util.tokens.words import (
    SEGMENTER,
    UserWord,
    cased_words,
    needs_segmenter_only,
    segmenter,
    split_words,
)

# The version of tokenizer.json, which is also that of the rules by which text is cut. The rules of
# version 2 keep invisible characters, and cut what is in another script than Chinese and ASCII into
# letters. Checkpoints that were trained with them keep them.
FORMAT_VERSION = 3
OLD_RULES = 2


class Tokenizer:
    """Splits text into non-empty tokens without white space.

    Control characters and other invisible characters are dropped. "[MASK]" in a text is text like
    any other: `Vocabulary.encode` never turns it into a reserved id. Tokenizers are pickled to
    worker processes, so they are small or rebuilt from something small.

        >>> make_tokenizer("space", normalize="nfkc").tokenize("Ａ １")
        ['A', '1']

    Args:
        lower_case: whether text is lower-cased first.
        normalize: one of `NORMALIZATIONS`.
        rules: `FORMAT_VERSION`, or `OLD_RULES`.

    Attributes:
        style: the name in `TOKENIZE_STYLES`.
        cuts_words: whether its tokens may be parts of words.
    """

    style: ClassVar[str]
    cuts_words: ClassVar[bool] = False

    def __init__(
        self, lower_case: bool = False, normalize: str = "none", rules: int = FORMAT_VERSION
    ) -> None:
        self.lower_case = lower_case
        self.normalize = normalize
        self.rules = rules
        self._normalizer = Normalizer(normalize, lower_case, drop_invisible=rules > OLD_RULES)

    def tokenize(self, text: str) -> list[str]:
        """The tokens of a text, in order; white space is dropped."""
        return self._split(self._normalizer(text))

    def index(self, texts: Sequence[str], *, word_starts: bool = False) -> IndexedTokens:
        """The tokens of several texts, as indices into the distinct ones.

        Args:
            texts: the texts.
            word_starts: whether to find which tokens begin a word of `WordTokenizer`.
        """
        if not word_starts:
            return index_tokens(texts, self.tokenize)
        return index_tokens_and_starts(list(map(self._normalizer, texts)), self._split_with_starts)

    def spans(self, text: str) -> list[tuple[int, int]]:
        """The spans of the tokens of `tokenize(text)`: first character, one past the last.

        Normalization and lower-casing may lengthen text ("İ" becomes two characters) and shorten
        it; a token that has a part of what a character became covers the whole character.
        """
        changed = self._normalizer.aligned(text)
        spans, position = [], 0
        for token in self._split(changed.text):
            start = changed.text.find(token, position)
            if start < 0:  # spelled otherwise in the text
                place = changed.starts[position] if position < len(changed.starts) else len(text)
                spans.append((place, place))
                continue
            position = start + len(token)
            spans.append(changed.span(start, position))
        return spans

    def config(self) -> dict[str, Any]:
        """What `load_tokenizer` needs to rebuild this tokenizer."""
        config = {
            "format_version": self.rules,
            "style": self.style,
            "lower_case": self.lower_case,
        }
        return config if self.rules == OLD_RULES else {**config, "normalize": self.normalize}

    def with_vocabulary(self, vocabulary: Vocabulary) -> "Tokenizer":
        """This tokenizer for another vocabulary: itself, where tokens do not depend on it."""
        return self

    def identity(self) -> dict[str, Any]:
        """What distinguishes this tokenizer from others, for caches; small, and fit for JSON."""
        return self.config()

    def _split(self, text: str) -> list[str]:
        raise NotImplementedError(f"{type(self).__name__} has to say how text is split")

    def _split_with_starts(self, text: str) -> tuple[list[str], Iterable[int]]:
        """What `_split` gives, and 1 for each token that begins a word, otherwise 0."""
        tokens = self._split(text)
        return tokens, b"\1" * len(tokens)


class WordTokenizer(Tokenizer):
    """Words; rjieba finds those of Chinese (jieba's algorithm and dictionary, in Rust).

    Args:
        user_words: words that are added to rjieba's dictionary, with their frequencies.
    """

    style = "word"

    def __init__(
        self,
        lower_case: bool = False,
        normalize: str = "none",
        rules: int = FORMAT_VERSION,
        user_words: Sequence[UserWord] = (),
    ) -> None:
        super().__init__(lower_case, normalize, rules)
        self.user_words = tuple(user_words)
        self._cased_words = cased_words(user_words, self._normalizer)

    def tokenize(self, text: str) -> list[str]:
        # Of the steps of `Tokenizer.tokenize`, most Chinese text needs the last one only.
        if self.normalize == "none" and not self.lower_case and needs_segmenter_only(text):
            return list(filterfalse(str.isspace, self._segment(text)))
        return super().tokenize(text)

    def config(self) -> dict[str, Any]:
        config = {**super().config(), "segmenter": SEGMENTER}
        if self.user_words:
            config["user_dictionary"] = list(map(list, self.user_words))
        return config

    def identity(self) -> dict[str, Any]:
        config = self.config()
        if self.user_words:
            words = to_json(config["user_dictionary"])
            config["user_dictionary"] = hashlib.sha256(words).hexdigest()
        return config

    def _split(self, text: str) -> list[str]:
        split = self._segment if self.rules == OLD_RULES else self._split_words
        return list(filterfalse(str.isspace, split(text)))

    def _split_words(self, text: str) -> list[str]:
        return split_words(text, self._segment)

    @cached_property
    def _segment(self) -> Callable[[str], list[str]]:
        return segmenter(self._cased_words)

    def __getstate__(self) -> dict[str, Any]:
        # The segmenter's dictionary is not pickled.
        return {name: value for name, value in vars(self).items() if name != "_segment"}


class CharTokenizer(Tokenizer):
    """Every character that is not white space."""

    style = "char"
    cuts_words = True

    def _split(self, text: str) -> list[str]:
        return list("".join(text.split()))

    def _split_with_starts(self, text: str) -> tuple[list[str], Iterable[int]]:
        return self._split(text), starts_of_characters(text)


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
    cuts_words = True

    def __init__(
        self,
        vocabulary: Vocabulary,
        lower_case: bool = True,
        normalize: str = "none",
        rules: int = FORMAT_VERSION,
    ) -> None:
        from tokenizers import Tokenizer as PieceTokenizer
        from tokenizers.models import WordPiece
        from tokenizers.normalizers import BertNormalizer
        from tokenizers.pre_tokenizers import BertPreTokenizer

        super().__init__(lower_case, normalize, rules)
        # BERT's own normalizer lower-cases, and strips accents.
        self._normalizer = Normalizer(normalize, drop_invisible=rules > OLD_RULES)
        self._vocabulary = vocabulary
        ids = {token: index for index, token in enumerate(vocabulary.tokens)}
        # The parts of BertWordPieceTokenizer without its special tokens, which it would find in the
        # text: "[MASK]" there has to become "[", "mask" and "]".
        self._pieces = PieceTokenizer(WordPiece(ids, unk_token="[UNK]"))
        self._pieces.normalizer = BertNormalizer(lowercase=lower_case)
        self._pieces.pre_tokenizer = BertPreTokenizer()

    def __reduce__(self) -> tuple[Any, ...]:
        arguments = (self._vocabulary, self.lower_case, self.normalize, self.rules)
        return WordPieceTokenizer, arguments

    def with_vocabulary(self, vocabulary: Vocabulary) -> Tokenizer:
        return WordPieceTokenizer(vocabulary, self.lower_case, self.normalize, self.rules)

    def spans(self, text: str) -> list[tuple[int, int]]:
        changed = self._normalizer.aligned(text)
        encoded = self._pieces.encode(changed.text, add_special_tokens=False)
        return [changed.span(*offsets) for offsets in encoded.offsets]

    def _split(self, text: str) -> list[str]:
        return self._pieces.encode(text, add_special_tokens=False).tokens

    def _split_with_starts(self, text: str) -> tuple[list[str], Iterable[int]]:
        encoded = self._pieces.encode(text, add_special_tokens=False)
        return encoded.tokens, starts_of_pieces(text, encoded)


def make_tokenizer(
    style: str,
    *,
    lower_case: bool | None = None,
    vocabulary: Vocabulary | None = None,
    normalize: str = "none",
    user_words: Sequence[UserWord] = (),
    rules: int = FORMAT_VERSION,
) -> Tokenizer:
    """Makes the tokenizer of a style.

    Args:
        style: one of `TOKENIZE_STYLES`.
        lower_case: whether text is lower-cased; None: the default, true for "wordpiece" and false
            for the others.
        vocabulary: of "wordpiece".
        normalize: one of `NORMALIZATIONS`.
        user_words: of "word": words that its dictionary lacks, with their frequencies.
        rules: `FORMAT_VERSION`, or `OLD_RULES`.

    Raises:
        InputError: the style is unknown, or word pieces lack a vocabulary.
    """
    if style not in TOKENIZE_STYLES:
        raise InputError(
            f"the tokenize style must be one of {', '.join(TOKENIZE_STYLES)}. Received: {style!r}"
        )
    if style == "word":
        return WordTokenizer(bool(lower_case), normalize, rules, user_words)
    if style in _SIMPLE_STYLES:
        return _SIMPLE_STYLES[style](bool(lower_case), normalize, rules)
    if vocabulary is None:
        raise InputError(
            'the tokenize style "wordpiece" needs a vocabulary of word pieces: name a BERT '
            "vocab.txt with --vocab_file"
        )
    return WordPieceTokenizer(vocabulary, lower_case is None or lower_case, normalize, rules)


_SIMPLE_STYLES: dict[str, type[Tokenizer]] = {
    kind.style: kind for kind in (CharTokenizer, SpaceTokenizer)
}
