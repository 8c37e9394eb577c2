"""What happens to a text before it is cut into tokens, and where each character came from."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Literal

from data_util.choices import NORMALIZATIONS

_FORMS: dict[str, Literal["NFC", "NFKC"]] = {"nfc": "NFC", "nfkc": "NFKC"}

# Control characters that are not white space, what Unicode calls default ignorable (zero width,
# marks of direction, soft hyphens, byte order marks, variation selectors), and the marks of
# interlinear annotation. https://www.unicode.org/reports/tr44/#Default_Ignorable_Code_Point
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]+"
)

# What is not in most Chinese text: neither white space nor ASCII, Han, fullwidth forms, marks and
# symbols. One search for such a character takes a fraction of the time that it takes to drop the
# invisible ones.
_UNCOMMON = re.compile(
    "[^\t-\r\x1c-~\xa0-\xa9\xab\xac\xae-\xb4\xb6-\xb9\xbb-\xbf\xd7\xf7\u2010-\u2029\u2030-\u205e"
    "\u2150-\u2182\u2185-\u2bff\u3000-\u303f\u3200-\u4dbf\u4e00-\u9fff\ufe30-\ufe6b\uff01-\uff5e]"
)


def is_common(text: str) -> bool:
    """Whether a text has no invisible characters, and no letters but ASCII, fullwidth and Han."""
    return _UNCOMMON.search(text) is None


def visible(text: str) -> str:
    """The text without control characters and other invisible ones; white space stays.

    >>> visible("soft\\u00adhyphen\\u200b")
    'softhyphen'
    """
    return text if is_common(text) else _INVISIBLE.sub("", text)


@dataclass(frozen=True, slots=True)
class AlignedText:
    """A text that was made from another one.

    Attributes:
        text: the text.
        starts, ends: for each of its characters, the first character of the other text that it was
            made from, and the one after the last.
    """

    text: str
    starts: Sequence[int]
    ends: Sequence[int]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The span in the other text that `text[start:end]` was made from; it is not empty."""
        return self.starts[start], self.ends[end - 1]


@dataclass(frozen=True)
class Normalizer:
    """Drops invisible characters, normalizes and lower-cases, in this order.

    >>> Normalizer("nfkc", lower_case=True)("\\ufeffＡ㎏")
    'akg'

    Attributes:
        form: "none", or a normalization form of Unicode, "nfc" or "nfkc".
        lower_case: whether text is lower-cased.
        drop_invisible: whether invisible characters are dropped.

    References:
        https://www.unicode.org/reports/tr15/
    """

    form: str = "none"
    lower_case: bool = False
    drop_invisible: bool = True

    def __post_init__(self) -> None:
        if self.form not in NORMALIZATIONS:
            raise ValueError(f"form must be one of {NORMALIZATIONS}. Received: {self.form!r}")

    def __call__(self, text: str) -> str:
        """The text that is cut into tokens."""
        return self._changed(visible(text) if self.drop_invisible else text)

    def aligned(self, text: str) -> AlignedText:
        """The result of a call, with the place of each of its characters in `text`.

        A character that was made from several ("é" from "e" and an accent) has the place of all of
        them, and so has each of several that were made from one ("k" and "g" from "㎏").
        """
        kept: Sequence[int] = range(len(text))
        if self.drop_invisible:
            kept = [index for index in kept if not _INVISIBLE.match(text[index])]
        seen = "".join(map(text.__getitem__, kept))
        changed = self._changed(seen)
        pieces = list(self._pieces(seen))
        parts = list(map(self._changed, pieces))
        # In a whole word, a sigma at the end is lower-cased to another letter than elsewhere.
        if "".join(parts).replace("σ", "ς") != changed.replace("σ", "ς"):
            pieces, parts = [seen], [changed]
        starts, ends, position = [], [], 0
        for piece, part in zip(pieces, parts, strict=True):
            starts.append(repeat(kept[position], len(part)))
            position += len(piece)
            ends.append(repeat(kept[position - 1] + 1, len(part)))
        chained = chain.from_iterable
        return AlignedText(changed, list(chained(starts)), list(chained(ends)))

    def _changed(self, text: str) -> str:
        if self.form != "none":
            text = unicodedata.normalize(_FORMS[self.form], text)
        return text.lower() if self.lower_case else text

    def _pieces(self, text: str) -> Iterator[str]:
        """Cuts a text into the shortest pieces that are normalized independently of each other."""
        if self.form == "none":
            yield from text
            return
        piece = ""
        for char in text:
            if piece and self._independent(piece, char):
                yield piece
                piece = ""
            piece += char
        if piece:
            yield piece

    def _independent(self, before: str, char: str) -> bool:
        form = _FORMS[self.form]
        after = unicodedata.normalize(form, char)
        # A combining mark may change places with others and combine with a letter before them.
        if unicodedata.combining(after[0]):
            return False
        return unicodedata.normalize(form, before + char) == (
            unicodedata.normalize(form, before) + after
        )
