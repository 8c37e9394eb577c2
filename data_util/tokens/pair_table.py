"""What the linear classifier reads of a pair of texts: how they compare."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import ClassVar

import numpy as np

from common.errors import InputError
from data_util.tokens.ngram_table import NgramTable
from data_util.tokens.ngrams import KINDS, joined
from data_util.tokens.pair_features import FEATURE_NAMES, PairFeatures, PairText, substitutions
from data_util.tokens.sparse_rows import SparseRows

Tokens = Sequence[str]
NGRAMS = "ngrams.txt"

# A pair has each n-gram as one that both texts have, or as one that only one of them has.
_SUBSTITUTION, _DENSE = len(KINDS), len(KINDS) + 1
_UNITS = ("character", "token")
_MIN_PAIRS = 2
_LARGEST = 4.0


class PairTable:
    """The features of pairs that a classifier knows.

    Of the n-grams of both texts: those in common, with the smaller of the two values, and those
    that only one text has. Of single characters and tokens: which would have to be exchanged for
    which (see `substitutions`). And the numbers of `FEATURE_NAMES`, standardized.

        >>> table = PairTable.build(lambda: [(["a", "b"], ["a", "c"]), (["a"], ["b"])])
        >>> indices, values = table.features(["a"], ["c"])

    Args:
        ngrams: of the single texts.
        exchanged: by unit ("character", "token"), pairs of units.
        means, deviations: (numbers,) float, of `FEATURE_NAMES` in training.
    """

    # How much each kind of feature counts: n-grams by `KINDS`, substitutions, numbers.
    mixtures: ClassVar[Mapping[str, tuple[float, ...]]] = {
        "comparison": (0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 2.25, 0.01),
        "numbers": (0.02, 0.02, 0.02, 0.02, 0.02, 0.02, 0.1, 0.01),
    }

    def __init__(
        self,
        ngrams: NgramTable,
        exchanged: Mapping[str, Sequence[tuple[str, str]]],
        means: np.ndarray,
        deviations: np.ndarray,
    ) -> None:
        self.ngrams, self.means, self.deviations = ngrams, means, deviations
        self.exchanged = {unit: tuple(exchanged[unit]) for unit in _UNITS}
        first = 2 * len(ngrams)
        self._exchanged = {}
        for unit, pairs in self.exchanged.items():
            self._exchanged[unit] = {pair: first + index for index, pair in enumerate(pairs)}
            first += len(pairs)
        self._first_number = first
        idf = dict(zip(KINDS, ngrams.idf_by_ngram(), strict=True))
        self._compare = PairFeatures({"character": idf["c1"], "token": idf["w1"]})

    def __len__(self) -> int:
        return self._first_number + len(FEATURE_NAMES)

    @property
    def kinds(self) -> np.ndarray:
        """(features,) int64, the kind of each, an index into the shares of `mixtures`."""
        exchanged = sum(map(len, self.exchanged.values()))
        return np.concatenate(
            [
                np.tile(self.ngrams.kinds, 2),
                np.full(exchanged, _SUBSTITUTION),
                np.full(len(FEATURE_NAMES), _DENSE),
            ]
        )

    @classmethod
    def build(
        cls,
        pairs: Callable[[], Iterable[tuple[Tokens, Tokens]]],
        max_ngrams: int = 1 << 20,
        min_documents: int = 2,
        *,
        segmented: bool = False,
    ) -> "PairTable":
        """Counts what training pairs have.

        Args:
            pairs: gives the tokens of both texts of each pair; called several times.
            max_ngrams: the most n-grams to keep, and the most substitutions.
            min_documents: in how many texts an n-gram must be.
            segmented: see `NgramTable`.
        """
        ngrams = NgramTable.build(
            (text for pair in pairs() for text in pair),
            max_ngrams,
            min_documents,
            segmented=segmented,
        )
        nothing = {unit: [] for unit in _UNITS}  # type: dict[str, list[tuple[str, str]]]
        table = cls(ngrams, nothing, np.zeros(len(FEATURE_NAMES)), np.ones(len(FEATURE_NAMES)))
        counts = {unit: Counter[tuple[str, str]]() for unit in _UNITS}
        numbers = []
        for pair in pairs():
            first, second = map(table._pair_text, pair)
            numbers.append(table._compare(first, second))
            for unit in _UNITS:
                counts[unit].update(substitutions(first.units[unit], second.units[unit]))
        exchanged = {
            unit: [pair for pair, count in found.most_common(max_ngrams) if count >= _MIN_PAIRS]
            for unit, found in counts.items()
        }
        values = np.array(numbers)
        return cls(ngrams, exchanged, values.mean(axis=0), values.std(axis=0) + 1e-6)

    def features(self, first: Tokens, second: Tokens) -> tuple[np.ndarray, np.ndarray]:
        """The features that a pair has, (n) int32, and their values, (n) float32."""
        return self.feature_rows([(first, second)]).row(0)

    def feature_rows(self, examples: Sequence[tuple[Tokens, ...]]) -> SparseRows:
        """The features of several pairs.

        Args:
            examples: the tokens of both texts of each pair.
        """
        ngrams = self.ngrams.feature_rows([(text,) for pair in examples for text in pair])
        return SparseRows.stack(
            self._features(pair, ngrams.row(2 * index), ngrams.row(2 * index + 1))
            for index, pair in enumerate(examples)
        )

    def _features(
        self,
        pair: tuple[Tokens, ...],
        first: tuple[np.ndarray, np.ndarray],
        second: tuple[np.ndarray, np.ndarray],
    ) -> tuple[np.ndarray, np.ndarray]:
        """The features of a pair, from its texts and the n-grams of both."""
        indices, values = _compared(first, second, len(self.ngrams))
        one, other = map(self._pair_text, pair)
        exchanged = [
            found
            for unit in _UNITS
            for pair in substitutions(one.units[unit], other.units[unit])
            if (found := self._exchanged[unit].get(pair)) is not None
        ]
        numbers = (self._compare(one, other) - self.means) / self.deviations
        return (
            np.concatenate(
                [indices, exchanged, self._first_number + np.arange(len(numbers))]
            ).astype(np.int32),
            np.concatenate(
                [
                    values,
                    np.full(len(exchanged), 1 / math.sqrt(max(1, len(exchanged)))),
                    np.clip(numbers, -_LARGEST, _LARGEST),
                ]
            ).astype(np.float32),
        )

    def to_text(self) -> str:
        """The content of `ngrams.txt`: that of the n-grams, and lines for the other features.

        `number<TAB>name<TAB>mean<TAB>deviation`, and `character` or `token`, then two of them.
        """
        lines = [
            f"number\t{name}\t{mean:.9g}\t{deviation:.9g}"
            for name, mean, deviation in zip(
                FEATURE_NAMES, self.means, self.deviations, strict=True
            )
        ]
        for unit, pairs in self.exchanged.items():
            lines += [f"{unit}\t{first}\t{second}" for first, second in pairs]
        return self.ngrams.to_text() + "\n".join(lines) + "\n"

    @classmethod
    def from_text(cls, text: str, path: str) -> "PairTable":
        """Reads what `to_text` wrote.

        Raises:
            InputError: a line is not as `to_text` writes it.
        """
        if not text.endswith("\n"):
            raise InputError("the last line has no end: the file is not whole", path)
        lines = text.split("\n")
        first = next((i for i, line in enumerate(lines) if line.startswith("number\t")), len(lines))
        ngrams = NgramTable.from_text("\n".join([*lines[:first], ""]), path)
        exchanged: dict[str, list[tuple[str, str]]] = {unit: [] for unit in _UNITS}
        numbers: dict[str, tuple[float, float]] = {}
        for line_number, line in enumerate(lines[first:-1], start=first + 1):
            kind, *rest = line.split("\t")
            if kind in exchanged and len(rest) == 2:
                exchanged[kind].append((rest[0], rest[1]))
                continue
            try:
                name, mean, deviation = rest
                numbers[name] = float(mean), float(deviation)
            except ValueError:
                raise InputError(
                    "expected `number<TAB>name<TAB>mean<TAB>deviation`, or `character` or `token` "
                    "and two of them",
                    path,
                    line_number,
                ) from None
        if tuple(numbers) != FEATURE_NAMES:
            raise InputError("the numbers that compare two texts are of another version", path)
        means, deviations = np.array(list(numbers.values())).T
        return cls(ngrams, exchanged, means, deviations)

    def _pair_text(self, tokens: Tokens) -> PairText:
        words = self.ngrams.words(tokens)
        return PairText.of(joined([word.lower() for word in words]), words)


FeatureTable = NgramTable | PairTable


def read_feature_table(text: str, path: str, *, pairs: bool) -> FeatureTable:
    """Reads the content of `ngrams.txt`: of pairs, or of single texts.

    Raises:
        InputError: a line is not as `to_text` writes it.
    """
    kind = PairTable if pairs else NgramTable
    return kind.from_text(text, path)


def _compared(
    first: tuple[np.ndarray, np.ndarray], second: tuple[np.ndarray, np.ndarray], size: int
) -> tuple[np.ndarray, np.ndarray]:
    """The n-grams in common with the smaller value, and after them those of only one text."""
    (ids, values), (other_ids, other_values) = first, second
    common, one, other = np.intersect1d(ids, other_ids, assume_unique=True, return_indices=True)
    alone, other_alone = np.ones(len(ids), bool), np.ones(len(other_ids), bool)
    alone[one], other_alone[other] = False, False
    return (
        np.concatenate([common, size + ids[alone], size + other_ids[other_alone]]),
        np.concatenate(
            [
                np.minimum(values[one], other_values[other]),
                values[alone],
                other_values[other_alone],
            ]
        ),
    )
