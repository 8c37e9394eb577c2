"""N-grams of words and of characters, with TF-IDF weights: what the linear classifier reads."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import ClassVar

import numpy as np

from common.errors import InputError
from data_util.tokens.words import segmenter, split_words

# The kinds of n-grams: words and pairs of words, and one to three characters, in an alphabetic
# script four. The words of Chinese are a segmenter's guess, and a word of a short text was often
# never seen before; its characters were.
KINDS = ("w1", "w2", "c1", "c2", "c3", "c4")
_LONGEST = 4
# Between the characters of two words where the script has spaces.
_SPACE = " "
_FIRST_EAST_ASIAN = "\u2e80"
# While n-grams are counted, those of a single document are dropped whenever there are more.
_MAX_COUNTED = 8_000_000
_HEADER, _SEGMENTED = "documents", "segmented"
_ENTRIES_STEP = 64


def ngrams(tokens: Sequence[str]) -> Iterator[list[str]]:
    """The n-grams of a text, those of each of `KINDS` in turn, in the order of the text.

    N-grams of characters run across the tokens of a script without spaces; in other scripts they
    end at the space between two words, which is the first or the last character of some.

        >>> list(ngrams(["我", "跑"]))
        [['我', '跑'], ['我 跑'], ['我', '跑'], ['我跑'], [], []]

    Args:
        tokens: of the text, without white space in them.
    """
    tokens = [token.lower() for token in tokens]
    yield tokens
    yield _pairs(tokens)
    text = joined(tokens)
    for size in range(1, _LONGEST + 1):
        found = [text[start : start + size] for start in range(len(text) - size + 1)]
        if size == _LONGEST:
            found = [one for one in found if max(one) < _FIRST_EAST_ASIAN]
        if _SPACE in text:
            found = [one for one in found if one != _SPACE and _SPACE not in one[1:-1]]
        yield found


def segmented_words(characters: Sequence[str]) -> list[str]:
    """The words that the segmenter finds in the characters of a text.

    >>> segmented_words(["我", "们", "跑"])
    ['我们', '跑']
    """
    return split_words("".join(characters), segmenter())


def _pairs(tokens: Sequence[str]) -> list[str]:
    return [f"{first} {second}" for first, second in pairwise(tokens)]


def _code_points(text: str) -> np.ndarray:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.int64)


def _keys(points: np.ndarray, size: int) -> np.ndarray:
    """A number for each n-gram of so many characters that `ngrams` gives for a text, int64.

    A code point has 21 bits, and one below `_FIRST_EAST_ASIAN` has 14: no two n-grams of a size
    have the same number.
    """
    windows = [points[start : len(points) - size + 1 + start] for start in range(size)]
    bits = 14 if size == _LONGEST else 21
    keys, valid = np.zeros(len(windows[0]), np.int64), np.ones(len(windows[0]), bool)
    for place, window in enumerate(windows):
        keys = keys << bits | window
        if size == _LONGEST:
            valid &= window < ord(_FIRST_EAST_ASIAN)
        if 0 < place < size - 1 or size == 1:
            valid &= window != ord(_SPACE)
    return keys[valid]


def joined(tokens: Sequence[str]) -> str:
    """The text of tokens, with a space between two words of a script that has spaces."""
    parts = []
    last = _FIRST_EAST_ASIAN
    for token in tokens:
        piece = token.removeprefix("##") if len(token) > 2 else token
        if piece is token and last < _FIRST_EAST_ASIAN and token[0] < _FIRST_EAST_ASIAN:
            parts.append(_SPACE)
        parts.append(piece)
        last = piece[-1]
    return "".join(parts)


class NgramTable:
    """The n-grams that a classifier knows, and how many training documents have each.

    An n-gram that occurs t times in a text has the value `(1 + ln t) idf`, with scikit-learn's
    `idf = ln((1 + documents) / (1 + frequency)) + 1` (Manning, Raghavan & Schütze 2008, sections
    6.2.2 and 6.4.1, https://nlp.stanford.edu/IR-book/). The values of each kind are scaled to
    length 1, so that a kind with many n-grams does not drown the others.

        >>> table = NgramTable.build([["a", "cat"], ["a", "dog"]])
        >>> indices, values = table.features(["a", "bird"])

    Args:
        ngrams: by kind, the n-grams of each of `KINDS`.
        frequencies: (n-grams,) int64, in the same order: how many documents have it.
        documents: the number of training documents.
        segmented: whether the tokens of a text are its characters; its words are then found by the
            segmenter of the tokenize style "word". A network may do better with the characters of
            a short text, but its words say more than they to a linear classifier.
    """

    # How much each of `KINDS` counts; the validation set chooses. Long texts do best with words and
    # characters, very short ones with characters, codes without a meaning in their spelling with
    # words.
    mixtures: ClassVar[Mapping[str, tuple[float, ...]]] = {
        "words and characters": (0.5, 0.15, 0.3, 0.7, 0.3, 0.3),
        "characters": (0.0, 0.0, 0.4, 1.0, 0.5, 0.5),
        "words": (1.0, 0.3, 0.0, 0.0, 0.0, 0.0),
    }

    def __init__(
        self,
        ngrams: Sequence[Sequence[str]],
        frequencies: np.ndarray,
        documents: int,
        *,
        segmented: bool = False,
    ) -> None:
        self.segmented = segmented
        self.ngrams = tuple(tuple(each) for each in ngrams)
        self.frequencies = np.asarray(frequencies, np.int64)
        self.documents = documents
        sizes = [len(each) for each in self.ngrams]
        self.starts = np.cumsum([0, *sizes])
        starts = self.starts.tolist()
        self._words = [
            {ngram: start + index for index, ngram in enumerate(each)}
            for each, start in zip(self.ngrams[:2], starts, strict=False)
        ]
        # As numbers in ascending order: to look up all characters of a text at once takes a
        # quarter of the time of a dictionary.
        self._characters = []
        for size, (each, start) in enumerate(zip(self.ngrams[2:], starts[2:], strict=False), 1):
            keys = np.array([int(_keys(_code_points(one), size)[0]) for one in each], np.int64)
            order = np.argsort(keys)
            self._characters.append((keys[order], start + order))
        self._idf = np.log((1 + documents) / (1 + self.frequencies)) + 1
        self._kinds = np.repeat(np.arange(len(KINDS)), sizes)

    def __len__(self) -> int:
        return int(self.starts[-1])

    @property
    def kinds(self) -> np.ndarray:
        """(n-grams,) int64, the kind of each as an index into `KINDS`."""
        return self._kinds

    @classmethod
    def build(
        cls,
        texts: Iterable[Sequence[str]],
        max_ngrams: int = 1 << 20,
        min_documents: int = 2,
        *,
        segmented: bool = False,
    ) -> "NgramTable":
        """Counts the n-grams of training documents.

        Args:
            texts: the tokens of each.
            max_ngrams: the most n-grams to keep, those of the most documents.
            min_documents: how many documents an n-gram must be in.
            segmented: see above.
        """
        counts: list[Counter[str]] = [Counter() for _ in KINDS]
        documents = 0
        for tokens in texts:
            documents += 1
            words = segmented_words(tokens) if segmented else tokens
            for counted, found in zip(counts, ngrams(words), strict=True):
                counted.update(set(found))
            if not documents % 1000 and sum(map(len, counts)) > _MAX_COUNTED:
                counts = [Counter({n: c for n, c in each.items() if c > 1}) for each in counts]
        chosen = [
            sorted(((-count, ngram) for ngram, count in each.items() if count >= min_documents))
            for each in counts
        ]
        frequencies = np.array([-count for each in chosen for count, _ in each], np.int64)
        if len(frequencies) > max_ngrams:
            least = np.partition(frequencies, -max_ngrams)[-max_ngrams]
            # Of those at the limit as many as fit, first words, then longer and longer n-grams.
            room = max_ngrams - int((frequencies > least).sum())
            kept = (frequencies > least) | (
                (frequencies == least) & (np.cumsum(frequencies == least) <= room)
            )
            keep = iter(kept.tolist())
            chosen = [[one for one in each if next(keep)] for each in chosen]
            frequencies = frequencies[kept]
        kept_ngrams = [[ngram for _, ngram in each] for each in chosen]
        return cls(kept_ngrams, frequencies, documents, segmented=segmented)

    def words(self, tokens: Sequence[str]) -> Sequence[str]:
        """The words of a text: its tokens, or what the segmenter finds in them."""
        return segmented_words(tokens) if self.segmented else tokens

    def idf_by_ngram(self) -> list[dict[str, float]]:
        """The inverse document frequency of each n-gram, by kind."""
        idf = iter(self._idf.tolist())
        return [{ngram: next(idf) for ngram in each} for each in self.ngrams]

    def features(self, tokens: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """The n-grams of a text that the table has, (n) int32, and their values, (n) float32."""
        tokens = [token.lower() for token in self.words(tokens)]
        words = [*map(self._words[0].get, tokens)]
        words += map(self._words[1].get, _pairs(tokens))
        found = [np.array([index for index in words if index is not None], np.int64)]
        points = _code_points(joined(tokens))
        for size, (keys, indices) in enumerate(self._characters, start=1):
            if len(keys) and len(points) >= size:
                wanted = _keys(points, size)
                place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
                found.append(indices[place[keys[place] == wanted]])
        known = np.concatenate(found)
        if not len(known):
            return np.zeros(0, np.int32), np.zeros(0, np.float32)
        indices, counts = np.unique(known, return_counts=True)
        values = (1 + np.log(counts)) * self._idf[indices]
        kinds = self._kinds[indices]
        lengths = np.sqrt(np.bincount(kinds, values * values))
        return indices.astype(np.int32), (values / lengths[kinds]).astype(np.float32)

    def to_text(self) -> str:
        """The content of `ngrams.txt`.

        `documents<TAB>number`, with `<TAB>segmented` if it is, then a line
        `kind<TAB>n-gram<TAB>number` for each n-gram.
        """
        lines = [f"{_HEADER}\t{self.documents}" + (f"\t{_SEGMENTED}" if self.segmented else "")]
        counts = iter(self.frequencies.tolist())
        for kind, each in zip(KINDS, self.ngrams, strict=True):
            lines += [f"{kind}\t{ngram}\t{next(counts)}" for ngram in each]
        return "\n".join(lines) + "\n"

    @classmethod
    def from_text(cls, text: str, path: str) -> "NgramTable":
        """Reads what `to_text` wrote.

        Raises:
            InputError: a line is not as `to_text` writes it.
        """
        ngrams: dict[str, list[str]] = {kind: [] for kind in KINDS}
        counts: dict[str, list[int]] = {kind: [] for kind in KINDS}
        first, *lines = text.split("\n")
        header, number, *rest = [*first.split("\t"), ""]
        segmented = rest[:-1] == [_SEGMENTED]
        if header != _HEADER or not number.isdecimal() or (rest[:-1] and not segmented):
            raise InputError(f"expected `{_HEADER}<TAB>number`: is this an n-gram table?", path, 1)
        if not text.endswith("\n"):
            raise InputError("the last line has no end: the file is not whole", path)
        for line_number, line in enumerate(lines[:-1], start=2):
            kind, *rest = line.split("\t")
            if kind not in ngrams or len(rest) != 2 or not rest[1].isdecimal():
                raise InputError("expected `kind<TAB>n-gram<TAB>number`", path, line_number)
            ngrams[kind].append(rest[0])
            counts[kind].append(int(rest[1]))
        flat = [count for each in counts.values() for count in each]
        frequencies = np.array(flat, np.int64)
        return cls(list(ngrams.values()), frequencies, int(number), segmented=segmented)


def ngram_inputs(rows: Sequence[tuple[np.ndarray, np.ndarray]]) -> dict[str, np.ndarray]:
    """The inputs of an n-gram classifier for a batch.

    Args:
        rows: for each example the ids of its features and their values.

    Returns:
        "ngram_ids" (rows, entries) int32 and "ngram_values" (rows, entries) float32, 0 at padding.
    """
    longest = max((len(ids) for ids, _ in rows), default=0)
    # Few different shapes; at least one entry, for runtimes that know no empty arrays.
    entries = max(1, -(-longest // _ENTRIES_STEP)) * _ENTRIES_STEP
    all_ids = np.zeros((len(rows), entries), np.int32)
    all_values = np.zeros((len(rows), entries), np.float32)
    for row, (ids, values) in enumerate(rows):
        all_ids[row, : len(ids)] = ids
        all_values[row, : len(values)] = values
    return {"ngram_ids": all_ids, "ngram_values": all_values}
