"""Tokens and their ids."""

import hashlib
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

import numpy as np

from common.errors import InputError
from common.files import MAX_BYTES, MAX_LINES, read_lines
from common.whole_files import write_whole

RESERVED = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")

# Longer "words" are not words: a hash, ASCII art, a text without spaces. With them a vocabulary
# could grow larger than the limits of reading.
MAX_TOKEN_LENGTH = 256

# Spare entries of the released BERT vocabularies, which occur in no text.
_UNUSED = re.compile(r"\[unused[0-9]+\]")


class Vocabulary:
    """Tokens in a fixed order: a token's id is its index.

    Ids of reserved tokens are found by name: they are 0 to 4 in a vocabulary that was made here,
    but a released BERT vocab.txt has, for example, [UNK] at 100.

    Args:
        tokens: distinct, with all of `RESERVED` among them.

    Attributes:
        tokens: the tokens, as a tuple.
        pad_id, unk_id, cls_id, sep_id, mask_id: ids of the reserved tokens.
        reserved_ids: ids of the reserved tokens and of every "[unusedN]", int32, ascending.
        ordinary_ids: all other ids, int32, ascending: random replacements are drawn from them.
        spare_ids: ids of every "[unusedN]", int32, ascending.
    """

    def __init__(self, tokens: Sequence[str]) -> None:
        self.tokens = tuple(tokens)
        ids = _checked_ids(self.tokens, path=None)
        self.pad_id, self.unk_id, self.cls_id, self.sep_id, self.mask_id = (
            ids[token] for token in RESERVED
        )
        reserved = [index for index, token in enumerate(self.tokens) if is_reserved(token)]
        self.reserved_ids = np.array(reserved, np.int32)
        spare = [index for index in reserved if self.tokens[index] not in RESERVED]
        self.spare_ids = np.array(spare, np.int32)
        self.ordinary_ids = np.delete(np.arange(len(self.tokens), dtype=np.int32), reserved)
        # "[MASK]" in a text is six characters, not a masked position.
        for index in reserved:
            del ids[self.tokens[index]]
        self._text_ids = ids

    def __len__(self) -> int:
        return len(self.tokens)

    def __reduce__(self) -> tuple[type, tuple[tuple[str, ...]]]:
        return Vocabulary, (self.tokens,)

    def encode(self, tokens: Iterable[str]) -> np.ndarray:
        """The ids of a text's tokens, (number of tokens,) int32.

        An unknown token, or one that is spelled like a reserved one, gets `unk_id`.
        """
        get, unknown = self._text_ids.get, self.unk_id
        return np.array([get(token, unknown) for token in tokens], np.int32)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the tokens joined by line feeds, in hexadecimal."""
        return hashlib.sha256("\n".join(self.tokens).encode()).hexdigest()

    @classmethod
    def from_counts(
        cls, counts: Mapping[str, int], max_size: int, min_count: int = 1
    ) -> "Vocabulary":
        """The reserved tokens, then the most frequent ones; ties are broken by code point.

        Tokens of more than `MAX_TOKEN_LENGTH` characters are left out.

        Args:
            counts: number of occurrences by token. Spellings of reserved tokens are left out.
            max_size: the largest size of the vocabulary, with the reserved tokens.
            min_count: rarer tokens are left out.

        Raises:
            InputError: `max_size` leaves no room beside the reserved tokens.
        """
        if max_size <= len(RESERVED):
            raise InputError(
                f"a vocabulary holds {len(RESERVED)} reserved tokens and at least one more: its "
                f"size must be at least {len(RESERVED) + 1}. Received: {max_size}"
            )
        return cls((*RESERVED, *_most_frequent(counts, min_count)[: max_size - len(RESERVED)]))

    def extended(
        self, counts: Mapping[str, int], max_size: int, min_count: int = 1
    ) -> "Vocabulary":
        """These tokens with their ids, then the most frequent other ones, as in `from_counts`.

        Args:
            counts: number of occurrences by token.
            max_size: the largest size of the result; nothing is added if this one is not smaller.
            min_count: rarer tokens are not added.
        """
        known = set(self.tokens)
        new = [token for token in _most_frequent(counts, min_count) if token not in known]
        return Vocabulary((*self.tokens, *new[: max(0, max_size - len(self))]))

    def with_spare_tokens(self, count: int = 100) -> "Vocabulary":
        """These tokens with their ids, then "[unused0]", "[unused1]", ...; itself if it has any."""
        if len(self.spare_ids):
            return self
        return Vocabulary((*self.tokens, *(f"[unused{number}]" for number in range(count))))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes vocab.txt: one token per line, UTF-8."""
        write_whole(path, "".join(f"{token}\n" for token in self.tokens).encode())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Vocabulary":
        """Reads what `save` wrote, or a released BERT vocab.txt.

        Raises:
            InputError: the file is wrong; the message says how, and in which line.
        """
        tokens = read_lines(path)
        _checked_ids(tokens, path=path)
        return cls(tokens)


def is_reserved(token: str) -> bool:
    """Whether a token is one of `RESERVED` or an "[unusedN]"."""
    return token.startswith("[") and (token in RESERVED or _UNUSED.fullmatch(token) is not None)


def _most_frequent(counts: Mapping[str, int], min_count: int) -> list[str]:
    """The tokens that may be in a vocabulary, by falling count; ties are broken by code point."""
    kept = [
        token
        for token, count in counts.items()
        if count >= min_count and len(token) <= MAX_TOKEN_LENGTH and not is_reserved(token)
    ]
    kept.sort()
    kept.sort(key=counts.__getitem__, reverse=True)
    return kept


def _checked_ids(tokens: Sequence[str], path: str | os.PathLike[str] | None) -> dict[str, int]:
    """The ids by token; if the tokens come from a file, errors name the line."""
    if not tokens:
        raise InputError("an empty vocabulary: one token per line is expected", path)
    size = len("\n".join(tokens).encode("utf-8", "surrogatepass")) + 1
    if len(tokens) > MAX_LINES or size > MAX_BYTES:
        raise InputError(
            f"a vocabulary of {len(tokens):,} tokens and {size:,} bytes: at most {MAX_LINES:,} "
            f"tokens and {MAX_BYTES:,} bytes are possible; use a smaller --vocab_size",
            path,
        )
    ids: dict[str, int] = {}
    for index, token in enumerate(tokens):
        line = None if path is None else index + 1
        if not token or "\n" in token or token.endswith("\r"):
            raise InputError(
                f"{token!r:.80} cannot be a token: a token is not empty and has no line break",
                path,
                line,
            )
        if ids.setdefault(token, index) != index:
            raise InputError(
                f"the token {token!r:.80} is there twice, first as number {ids[token] + 1}",
                path,
                line,
            )
    missing = [token for token in RESERVED if token not in ids]
    if missing:
        raise InputError(
            f"the vocabulary lacks {', '.join(missing)}: a vocabulary that this project wrote or "
            "the vocab.txt of a BERT release is needed",
            path,
        )
    return ids
