"""Tokens and their ids."""

import hashlib
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

import numpy as np

from common.errors import InputError
from common.files import MAX_BYTES, MAX_LINES, read_lines, write_whole

RESERVED = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")

# Longer "words" are not words: a hash, a picture in letters, a text without a space. With them a
# vocabulary could be larger than what is read again.
MAX_TOKEN_LENGTH = 256

# Spare places of the released BERT vocabularies: no text has them.
_UNUSED = re.compile(r"\[unused[0-9]+\]")


class Vocabulary:
    """Tokens in a fixed order: a token's id is its place.

    Ids of reserved tokens are found by name: they are 0 to 4 in a vocabulary that was made here,
    but a released BERT vocab.txt has, for example, [UNK] at 100.

    Args:
        tokens: distinct, with all of `RESERVED` among them.

    Attributes:
        tokens: the same, as a tuple.
        pad_id, unk_id, cls_id, sep_id, mask_id: ids of the reserved tokens.
        reserved_ids: ids of the reserved tokens and of every "[unusedN]", int32, rising.
        ordinary_ids: all other ids, int32, rising: what a random replacement is drawn from.
    """

    def __init__(self, tokens: Sequence[str]) -> None:
        self.tokens = tuple(tokens)
        ids = _checked_ids(self.tokens, path=None)
        self.pad_id, self.unk_id, self.cls_id, self.sep_id, self.mask_id = (
            ids[token] for token in RESERVED
        )
        reserved = [place for place, token in enumerate(self.tokens) if is_reserved(token)]
        self.reserved_ids = np.array(reserved, np.int32)
        self.ordinary_ids = np.delete(np.arange(len(self.tokens), dtype=np.int32), reserved)
        # A text that has "[MASK]" in it has six characters there, not a masked position.
        for place in reserved:
            del ids[self.tokens[place]]
        self._text_ids = ids

    def __len__(self) -> int:
        return len(self.tokens)

    def __reduce__(self) -> tuple[type, tuple[tuple[str, ...]]]:
        return Vocabulary, (self.tokens,)

    def encode(self, tokens: Iterable[str]) -> np.ndarray:
        """Ids of a text's tokens, (number of tokens,) int32.

        A token that is not known, or that is spelled like a reserved one, gets `unk_id`.
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
        """The most frequent tokens: reserved ones, then by falling frequency, ties by code point.

        Tokens of more than `MAX_TOKEN_LENGTH` characters are left out.

        Args:
            counts: token to number of occurrences. Spellings of reserved tokens are left out.
            max_size: of the vocabulary, the reserved tokens included.
            min_count: leave out tokens that are rarer.
        """
        if max_size <= len(RESERVED):
            raise InputError(
                f"a vocabulary holds {len(RESERVED)} reserved tokens and at least one more: its "
                f"size must be at least {len(RESERVED) + 1}. Received: {max_size}"
            )
        kept = [
            token
            for token, count in counts.items()
            if count >= min_count and len(token) <= MAX_TOKEN_LENGTH and not is_reserved(token)
        ]
        kept.sort()
        kept.sort(key=counts.__getitem__, reverse=True)
        return cls((*RESERVED, *kept[: max_size - len(RESERVED)]))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes vocab.txt, a token a line, UTF-8."""
        write_whole(path, "".join(f"{token}\n" for token in self.tokens).encode())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Vocabulary":
        """Reads what `save` wrote, or a released BERT vocab.txt.

        Raises:
            InputError: saying what is wrong with the file, and in which line.
        """
        tokens = read_lines(path)
        _checked_ids(tokens, path=path)
        return cls(tokens)


def is_reserved(token: str) -> bool:
    """Whether a token is one of `RESERVED` or an "[unusedN]"."""
    return token.startswith("[") and (token in RESERVED or _UNUSED.fullmatch(token) is not None)


def _checked_ids(tokens: Sequence[str], path: str | os.PathLike[str] | None) -> dict[str, int]:
    """Token to id; where the tokens come from a file, errors name its line."""
    if not tokens:
        raise InputError("an empty vocabulary: a token a line is needed", path)
    size = len("\n".join(tokens).encode("utf-8", "surrogatepass")) + 1
    if len(tokens) > MAX_LINES or size > MAX_BYTES:
        raise InputError(
            f"a vocabulary of {len(tokens):,} tokens and {size:,} bytes: at most {MAX_LINES:,} "
            f"tokens and {MAX_BYTES:,} bytes can be; use a smaller --vocab_size",
            path,
        )
    ids: dict[str, int] = {}
    for place, token in enumerate(tokens):
        line = None if path is None else place + 1
        if not token or "\n" in token or token.endswith("\r"):
            raise InputError(
                f"{token!r:.80} cannot be a token: a token is not empty and has no line break",
                path,
                line,
            )
        if ids.setdefault(token, place) != place:
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
