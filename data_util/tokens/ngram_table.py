"""The n-grams that a linear classifier reads, with TF-IDF weights."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import ClassVar

import numpy as np

from common.errors import InputError
from data_util.tokens.ngram_lookup import NgramLookup
from data_util.tokens.ngrams import CHARACTERS, KINDS, ngrams, segmented_words
from data_util.tokens.sparse_rows import SparseRows

# While n-grams are counted, those of a single document are dropped whenever there are more.
_MAX_COUNTED = 8_000_000
_HEADER, _SEGMENTED = "documents", "segmented"


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
        return self.feature_rows([(tokens,)]).row(0)

    def feature_rows(self, examples: Sequence[tuple[Sequence[str], ...]]) -> SparseRows:
        """The features of several texts: much faster than those of one after another.

        Args:
            examples: the tokens of each text, in a tuple of one.
        """
        texts = [self.words(tokens) for (tokens,) in examples]
        rows, indices, counts = self._lookup.count(texts)
        logarithms = np.log(np.arange(1, counts.max(initial=0) + 1))
        values = (1 + logarithms[counts - 1]) * self._idf[indices]
        groups = rows * len(KINDS) + self._kinds[indices]
        lengths = np.sqrt(np.bincount(groups, values * values))
        return SparseRows(
            indices.astype(np.int32),
            (values / lengths[groups]).astype(np.float32),
            np.searchsorted(rows, np.arange(len(texts) + 1)),
        )

    @cached_property
    def _lookup(self) -> NgramLookup:
        return NgramLookup(self.ngrams)

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
            size = CHARACTERS.get(kind)
            if size is not None and len(rest[0]) != size:
                raise InputError(
                    f"{rest[0]!r:.80} has not {size} character{'s' * (size > 1)}", path, line_number
                )
            ngrams[kind].append(rest[0])
            counts[kind].append(int(rest[1]))
        flat = [count for each in counts.values() for count in each]
        frequencies = np.array(flat, np.int64)
        return cls(list(ngrams.values()), frequencies, int(number), segmented=segmented)
