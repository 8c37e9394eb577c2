"""Numbers that compare two texts: what they share, what differs, and in which order.

They say nothing about which words the texts consist of, so a classifier that learns from them also
works for words it has never seen. The exception is `substitutions`, which names what would have to
be exchanged for what to turn one text into the other. Only numpy is needed.
"""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

# Beyond this many units of a text, the order of what it shares with the other is not looked at,
# and no more than this many unmatched units are paired with the other text's: both take time that
# grows with the square.
MAX_ORDERED = 256
MAX_UNMATCHED = 32

_UNITS = {"character": 3, "token": 2}  # and the longest n-grams of each
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*|\*+|[〇零一二三四五六七八九十百千万亿两几]+")
_NEGATION = re.compile(
    r"[不没無无未非别勿]|\b(?:not|no|never|none|nothing|without|cannot)\b|n['’]t\b"
)

_OF_ORDERS = ("jaccard", "containment_min", "containment_max")
_OF_UNITS = (
    "cosine",
    "coverage_min",
    "coverage_max",
    "rarest_unmatched_min",
    "rarest_unmatched_max",
    "unmatched_min",
    "unmatched",
    "substring",
    "subsequence",
    "subsequence_of_shorter",
    "same_order",
    "prefix",
    "suffix",
    "length_ratio",
    "length_difference",
    "length",
    "longer_first",
)
_OF_TEXTS = (
    "numbers_differ",
    "number_shared",
    "number_in_one",
    "negations_odd",
    "negation_in_one",
    "negation_in_both",
)

FEATURE_NAMES: tuple[str, ...] = (
    *(
        f"{unit}_{order}_{name}"
        for unit, longest in _UNITS.items()
        for order in range(1, longest + 1)
        for name in _OF_ORDERS
    ),
    *(f"{unit}_{name}" for unit in _UNITS for name in _OF_UNITS),
    *_OF_TEXTS,
)


@dataclass(frozen=True, slots=True)
class PairText:
    """One of the two texts.

    Attributes:
        text: lower-cased.
        units: its "character"s without white space, and its "token"s.
    """

    text: str
    units: Mapping[str, list[str]]

    @classmethod
    def of(cls, text: str, tokens: Iterable[str]) -> "PairText":
        """Lower-cases a text and its tokens."""
        text = text.lower()
        characters = list("".join(text.split()))
        return cls(text, {"character": characters, "token": [token.lower() for token in tokens]})


class PairFeatures:
    """Computes dense features of two texts.

    Per unit (character, token) and order (n-grams of 1 to 3 characters, of 1 and 2 tokens), with
    multiplicity: Jaccard similarity, and the share of either text's n-grams that the other has too,
    the smaller and the larger. Per unit, with the inverse document frequency as its weight: cosine,
    the weight that is in common as a share of either text's, the rarest unit that only one text
    has, and how many; the longest common substring and subsequence, the common prefix and suffix;
    and the lengths. Of the texts: whether numbers and negations agree. All but "longer_first" stay
    the same if the texts are exchanged.

        >>> features = PairFeatures.fit([PairText.of("a b", ["a", "b"])])
        >>> pair = PairText.of("A b", ["A", "b"]), PairText.of("b", ["b"])
        >>> dict(zip(FEATURE_NAMES, features(*pair), strict=True))["token_1_jaccard"]
        0.5

    Args:
        idf: the inverse document frequencies of each unit. What is not in it is as rare as the
            rarest there.
    """

    def __init__(self, idf: Mapping[str, Mapping[str, float]]) -> None:
        self._idf = idf
        self._rarest = {unit: max(idf[unit].values(), default=1.0) for unit in _UNITS}

    @classmethod
    def fit(cls, texts: Iterable[PairText]) -> "PairFeatures":
        """Computes inverse document frequencies: `1 + ln((1 + texts) / (1 + texts with it))`."""
        documents = {unit: Counter[str]() for unit in _UNITS}
        count = 0
        for text in texts:
            count += 1
            for unit in _UNITS:
                documents[unit].update(set(text.units[unit]))
        return cls(
            {
                unit: {key: 1 + math.log((1 + count) / (1 + n)) for key, n in found.items()}
                for unit, found in documents.items()
            }
        )

    @property
    def idf(self) -> Mapping[str, Mapping[str, float]]:
        """What the constructor needs to make the same features again."""
        return self._idf

    def __call__(self, first: PairText, second: PairText) -> np.ndarray:
        """The features of `FEATURE_NAMES`, float32, each between about -5 and 15."""
        values: list[float] = []
        for unit, longest in _UNITS.items():
            one, other = first.units[unit], second.units[unit]
            for order in range(1, longest + 1):
                values += _overlap(ngrams(one, order), ngrams(other, order))
        for unit in _UNITS:
            one, other = first.units[unit], second.units[unit]
            weight = self._weight(unit)
            values += [*_weighted(one, other, weight), *_order(one, other), *_lengths(one, other)]
        values += _texts(first.text, second.text)
        return np.array(values, np.float32)

    def _weight(self, unit: str) -> Callable[[str], float]:
        known, rarest = self._idf[unit], self._rarest[unit]
        return lambda key: known.get(key, rarest)


def ngrams(units: Sequence[str], order: int) -> list[tuple[str, ...]]:
    """The n-grams of that order, one for each position where one begins."""
    return list(zip(*(units[start:] for start in range(order)), strict=False))


def substitutions(first: Sequence[str], second: Sequence[str]) -> list[tuple[str, str]]:
    """The pairs of a unit that only one text has, and one that only the other has.

    As one sparse feature each, of weight 1 / sqrt(their number), they let a linear classifier learn
    which differences matter: a question about 额度 is none about 账单, but 怎么 is as good as 如何.

    Args:
        first, second: the tokens of the two texts, or their characters. Only the first
            `MAX_UNMATCHED` distinct units that the other does not have are paired.

    Returns:
        Distinct pairs in a fixed order. A pair is the same in whichever text its first unit is.
    """
    one, other = set(first), set(second)
    left = [unit for unit in dict.fromkeys(first) if unit not in other][:MAX_UNMATCHED]
    right = [unit for unit in dict.fromkeys(second) if unit not in one][:MAX_UNMATCHED]
    return [(a, b) if a < b else (b, a) for a in left for b in right]


def _overlap(one: Sequence[tuple[str, ...]], other: Sequence[tuple[str, ...]]) -> list[float]:
    """`_OF_ORDERS`."""
    common = (Counter(one) & Counter(other)).total()
    shares = common / max(1, len(one)), common / max(1, len(other))
    return [common / max(1, len(one) + len(other) - common), min(shares), max(shares)]


def _weighted(one: Sequence[str], other: Sequence[str], idf: Callable[[str], float]) -> list[float]:
    """ "cosine" to "unmatched"."""
    left, right = (
        {unit: (1 + math.log(n)) * idf(unit) for unit, n in Counter(text).items()}
        for text in (one, other)
    )
    product = sum(weight * right[unit] for unit, weight in left.items() if unit in right)
    shared = sum(min(weight, right[unit]) for unit, weight in left.items() if unit in right)
    norms = math.hypot(*left.values()) * math.hypot(*right.values())
    shares = [shared / (sum(text.values()) or 1.0) for text in (left, right)]
    unmatched = [
        [idf(unit) for unit in text if unit not in against]
        for text, against in ((left, right), (right, left))
    ]
    rarest = [max(weights, default=0.0) for weights in unmatched]
    counts = [len(weights) for weights in unmatched]
    return [
        product / (norms or 1.0),
        min(shares),
        max(shares),
        min(rarest),
        max(rarest),
        math.log1p(min(counts)),
        math.log1p(sum(counts)),
    ]


def _order(one: Sequence[str], other: Sequence[str]) -> list[float]:
    """ "substring" to "suffix"."""
    one, other = one[:MAX_ORDERED], other[:MAX_ORDERED]
    shorter, longer = sorted(max(1, len(text)) for text in (one, other))
    subsequence = longest_common_subsequence(one, other)
    common = (Counter(one) & Counter(other)).total()
    return [
        longest_common_substring(one, other) / longer,
        subsequence / longer,
        subsequence / shorter,
        subsequence / max(1, common),
        _common_prefix(one, other) / shorter,
        _common_prefix(one[::-1], other[::-1]) / shorter,
    ]


def _lengths(one: Sequence[str], other: Sequence[str]) -> list[float]:
    """ "length_ratio" to "longer_first"."""
    difference, total = len(one) - len(other), len(one) + len(other)
    ratio = math.log(max(1, len(one)) / max(1, len(other)))
    return [abs(ratio), math.log1p(abs(difference)), math.log1p(total), ratio]


def _texts(one: str, other: str) -> list[float]:
    """`_OF_TEXTS`."""
    numbers = [set(_NUMBER.findall(text)) for text in (one, other)]
    negations = [len(_NEGATION.findall(text)) for text in (one, other)]
    found = [
        numbers[0] != numbers[1],
        bool(numbers[0] & numbers[1]),
        bool(numbers[0]) != bool(numbers[1]),
        sum(negations) % 2,
        bool(negations[0]) != bool(negations[1]),
        all(negations),
    ]
    return [float(value) for value in found]


def longest_common_subsequence(one: Sequence[str], other: Sequence[str]) -> int:
    """The largest number of units that both texts have in the same order.

    Computed with a bit for each unit of `one` (Hyyrö 2004, "Bit-parallel LCS-length computation
    revisited"): a step for each unit of `other`, not one for each pair of units.
    """
    places: dict[str, int] = {}
    for position, unit in enumerate(one):
        places[unit] = places.get(unit, 0) | 1 << position
    everywhere = (1 << len(one)) - 1
    row = everywhere
    for unit in other:
        matches = row & places.get(unit, 0)
        row = (row + matches | row - matches) & everywhere
    return len(one) - row.bit_count()


def longest_common_substring(one: Sequence[str], other: Sequence[str]) -> int:
    """The largest number of units that both texts have one after another."""
    places: dict[str, list[int]] = {}
    for position, unit in enumerate(one):
        places.setdefault(unit, []).append(position)
    longest, ending = 0, dict[int, int]()
    for unit in other:
        ending = {place: ending.get(place - 1, 0) + 1 for place in places.get(unit, ())}
        longest = max(longest, *ending.values(), 0)
    return longest


def _common_prefix(one: Sequence[str], other: Sequence[str]) -> int:
    for length, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            return length
    return min(len(one), len(other))
