"""Learns a vocabulary of word pieces from text."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from common.errors import InputError
from data_util.tokens.normalization import Normalizer
from data_util.tokens.tokenizers import FORMAT_VERSION, OLD_RULES, Tokenizer
from data_util.tokens.vocabulary import RESERVED, Vocabulary

# BERT's word pieces know no longer words.
MAX_WORD_LENGTH = 100
_WORDS_AT_ONCE = 10_000


class BertWordTokenizer(Tokenizer):
    """The words that BERT's tokenizer cuts into pieces.

        >>> BertWordTokenizer(lower_case=True).tokenize("Größe, 我们")
        ['große', ',', '我', '们']

    References:
        google-research/bert, tokenization.py: BasicTokenizer.
    """

    style = "bert_words"

    def __init__(
        self, lower_case: bool = True, normalize: str = "none", rules: int = FORMAT_VERSION
    ) -> None:
        super().__init__(lower_case, normalize, rules)
        # BERT's own normalizer lower-cases, and strips accents.
        self._normalizer = Normalizer(normalize, drop_invisible=rules > OLD_RULES)
        self._parts: tuple[Any, Any] | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return BertWordTokenizer, (self.lower_case, self.normalize, self.rules)

    def _split(self, text: str) -> list[str]:
        if self._parts is None:
            from tokenizers.normalizers import BertNormalizer
            from tokenizers.pre_tokenizers import BertPreTokenizer

            self._parts = BertNormalizer(lowercase=self.lower_case), BertPreTokenizer()
        normalizer, pre_tokenizer = self._parts
        words = pre_tokenizer.pre_tokenize_str(normalizer.normalize_str(text))
        return [word for word, _ in words]


def train_word_pieces(counts: Mapping[str, int], vocab_size: int, min_count: int = 2) -> Vocabulary:
    """Learns word pieces: pairs of pieces that follow each other most often become one piece.

    The same counts give the same vocabulary. It holds the reserved tokens, the characters, and as
    many longer pieces as there is room for.

    Args:
        counts: the number of occurrences of each word, as `BertWordTokenizer` cuts them.
        vocab_size: the largest size of the vocabulary, with the reserved tokens.
        min_count: rarer characters and pieces are left out.

    Raises:
        InputError: there is no room for a character beside the reserved tokens, or there is no
            character that is frequent enough.

    References:
        Schuster & Nakajima 2012; Sennrich et al. 2016 (https://arxiv.org/abs/1508.07909): the
        trainer of the library tokenizers merges the most frequent pair.
    """
    from tokenizers import Tokenizer as PieceTokenizer
    from tokenizers.models import WordPiece
    from tokenizers.pre_tokenizers import WhitespaceSplit
    from tokenizers.trainers import WordPieceTrainer

    words = sorted(word for word in counts if len(word) <= MAX_WORD_LENGTH)
    alphabet, within = _alphabet(words, counts, vocab_size, min_count)
    trainer = WordPieceTrainer(
        vocab_size=vocab_size,
        min_frequency=min_count,
        # Given in order, so that ids, by which the trainer settles ties, are always the same.
        special_tokens=[*RESERVED, *(f"##{char}" for char in within)],
        initial_alphabet=alphabet,
        limit_alphabet=len(alphabet),
        continuing_subword_prefix="##",
        show_progress=False,
    )
    pieces = PieceTokenizer(WordPiece(unk_token="[UNK]"))
    pieces.pre_tokenizer = WhitespaceSplit()
    pieces.train_from_iterator(_repeated(words, counts), trainer)
    ids = pieces.get_vocab()
    return Vocabulary(sorted(ids, key=ids.__getitem__))


def _alphabet(
    words: list[str], counts: Mapping[str, int], vocab_size: int, min_count: int
) -> tuple[list[str], list[str]]:
    """The characters of the vocabulary, and those of them that occur within words."""
    characters: Counter[str] = Counter()
    within: set[str] = set()
    for word in words:
        for char in word:
            characters[char] += counts[word]
        within.update(word[1:])
    frequent = sorted(
        (char for char, count in characters.items() if count >= min_count),
        key=lambda char: (-characters[char], char),
    )
    room = vocab_size - len(RESERVED)
    kept = []
    for char in frequent:
        room -= 2 if char in within else 1
        if room < 0:
            break
        kept.append(char)
    if not kept:
        raise InputError(
            f"no word pieces can be learned with --vocab_size={vocab_size} and "
            f"--min_count={min_count}: no character of the text is so frequent, or none has room"
        )
    return sorted(kept), sorted(within & set(kept))


def _repeated(words: list[str], counts: Mapping[str, int]) -> Iterator[str]:
    """Each word as often as it occurs, but for single characters, which cannot be merged."""
    for word in words:
        left = counts[word] if len(word) > 1 else 0
        while left > 0:
            yield " ".join([word] * min(left, _WORDS_AT_ONCE))
            left -= _WORDS_AT_ONCE
