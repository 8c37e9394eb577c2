"""Text files in other encodings than UTF-8: read where one is named, guessed for advice."""

import codecs
import io
import re
from typing import BinaryIO

from common.errors import InputError

_LONGEST_READ = 1 << 20
_UTF8 = codecs.lookup("utf-8").name
# The two-byte characters of GB2312 and Big5 that text mostly consists of: punctuation, and the
# more frequent half of the Chinese characters, which both standards keep apart from the others.
_FREQUENT_GB = re.compile(rb"[\xa1-\xa3\xb0-\xd7][\xa1-\xfe]")
_FREQUENT_BIG5 = re.compile(rb"[\xa1-\xa3\xa4-\xc6][\x40-\x7e\xa1-\xfe]")
_PAIR = re.compile(rb"[\x81-\xfe][\x40-\xfe]")
# Hangul has the first bytes b0 to c8, which begin only half of the Chinese characters.
_HANGUL, _FEWEST_HANGUL = re.compile(rb"[\xb0-\xc8][\xa1-\xfe]"), 8
_KANA = re.compile(rb"(?:\x82[\x9f-\xf1]|\x83[\x40-\x96])")
_CYRILLIC = re.compile(rb"[\xa8\xb8\xc0-\xff]{2,}")
# A letter with an accent stands among letters of ASCII.
_ACCENTED = re.compile(rb"(?<![\x80-\xff])[\x80-\xff](?![\x80-\xff])")
_SAMPLE_BYTES = 1 << 12
_HIGH = re.compile(rb"[\x80-\xff]")
_NAMES = {
    "gb18030": "Chinese (GB18030, GBK)",
    "big5": "traditional Chinese (Big5)",
    "shift_jis": "Japanese (Shift JIS)",
    "euc_kr": "Korean (EUC-KR)",
    "cp1251": "Cyrillic (Windows-1251)",
    "cp1252": "Western European (Windows-1252, Latin-1)",
}


def recoded(stream: BinaryIO, encoding: str) -> BinaryIO:
    """A stream of text in some encoding as a stream of UTF-8, read line by line.

    Reading it raises an `InputError` where the bytes are not of that encoding.
    """
    if codecs.lookup(encoding).name == _UTF8:
        return stream
    return io.BufferedReader(_Recoded(stream, encoding))  # type: ignore[return-value]


class _Recoded(io.RawIOBase):
    def __init__(self, stream: BinaryIO, encoding: str) -> None:
        self._stream, self._encoding = stream, encoding
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._ready = b""
        self._ended = False
        self._read = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview | bytearray") -> int:  # type: ignore[override]
        while not self._ready and not self._ended:
            data = self._stream.readline(_LONGEST_READ)
            self._ended = not data
            try:
                text = self._decoder.decode(data, final=not data)
            except UnicodeError as error:
                # Not each is a decoding error: UTF-16 wants a mark at the beginning.
                raise InputError(
                    f"not in --encoding={self._encoding}, after {self._read:,} bytes of the file: "
                    f"{getattr(error, 'reason', error)}{advice(data)}"
                ) from None
            self._read += len(data)
            self._ready = text.encode("utf-8", "surrogatepass")
        size = min(len(buffer), len(self._ready))
        buffer[:size], self._ready = self._ready[:size], self._ready[size:]
        return size


def advice(data: bytes) -> str:
    """What to do with bytes that are not UTF-8, as the end of a message.

    >>> advice("盗窃手机".encode("gb18030"))
    '. It looks like Chinese (GB18030, GBK): read it with --encoding=gb18030'
    """
    if found := guess_encoding(data):
        return f". It looks like {_NAMES[found]}: read it with --encoding={found}"
    names = ", ".join(_NAMES)
    return f". Name its encoding with --encoding, such as {names}, or save it as UTF-8"


def guess_encoding(data: bytes) -> str | None:
    """The encoding of which the bytes that are not ASCII are most typical; None if of none.

    A few characters are enough, because it only chooses among a few that are very different.
    """
    data = data[:_SAMPLE_BYTES]
    high = len(_HIGH.findall(data))
    if not high:
        return None
    pairs = len(_PAIR.findall(data))
    hangul = len(_HANGUL.findall(data))
    scores = {
        # Before GB18030, which has the same bytes, of two with the same score.
        "euc_kr": _share(hangul, pairs) if hangul >= _FEWEST_HANGUL and b" " in data else 0.0,
        "gb18030": _share(_matches(data, "gb18030", _FREQUENT_GB), pairs),
        "big5": _share(_matches(data, "big5", _FREQUENT_BIG5), pairs),
        "shift_jis": _share(2 * len(_KANA.findall(data)), pairs),
        # All letters, most of them small: e0 to ff.
        "cp1251": _share(sum(byte >= 0xE0 for byte in data), high)
        if _share(sum(map(len, _CYRILLIC.findall(data))), high) > 0.9
        else 0.0,
        "cp1252": _share(len(_ACCENTED.findall(data)), high),
    }
    best = max(scores, key=lambda name: scores[name])
    return best if scores[best] >= 0.6 else None


def _matches(data: bytes, encoding: str, frequent: re.Pattern[bytes]) -> int:
    """The number of frequent characters among the two-byte characters of the encoding."""
    return sum(
        frequent.fullmatch(pair) is not None
        for character in data.decode(encoding, "ignore")
        if not character.isascii() and len(pair := character.encode(encoding)) == 2
    )


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
