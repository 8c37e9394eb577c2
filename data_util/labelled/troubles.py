"""What is suspicious in labelled documents: repeated texts, contradictions, look-alike labels."""

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

from data_util.labelled.splitting import TRAIN, text_key
from data_util.reading.documents import Document

RARE = 10
_PLACES = 3
_NAMED = 5
_LONGEST_COMPARED = 64
# A label this many times rarer than one that looks like it is probably a slip of the pen.
_RARER = 10
_MOST_ALIKE = 20


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that is suspicious.

    Attributes:
        kind: "duplicates", "contradictions", "shared", "similar_labels", "rare_labels",
            "unseen_labels" or "no_labels".
        message: a sentence about it, for people.
        count: how many documents, or labels, it is about.
        examples: the places of some documents ("file:line"), or some labels.
    """

    kind: str
    message: str
    count: int
    examples: tuple[str, ...] = ()


class TroubleFinder:
    """Takes labelled documents, split by split, and tells what is suspicious in them.

        >>> finder = TroubleFinder()
        >>> for document in read_documents(["train.txt"], labelled=True):
        ...     finder.add("train", document)
        >>> [trouble.message for trouble in finder.troubles()]
        ['2 of 100 documents in train repeat ... (train.txt:17, train.txt:30)']

    Args:
        train: the name of the split whose labels are learned.

    Attributes:
        counts: number of documents by label, by split.

    The time is linear in the number of documents, and about 200 bytes of memory are kept for each
    distinct text.
    """

    def __init__(self, train: str = TRAIN) -> None:
        self._train = train
        # Of each distinct text its first split, place and labels; labels as one number.
        self._seen: dict[int, tuple[str, str, int]] = {}
        self._documents: Counter[str] = Counter()
        self._repeated: dict[str, _Places] = defaultdict(_Places)
        self._shared: dict[tuple[str, str], _Places] = defaultdict(_Places)
        self._contradicting = _Places()
        self._contradicting_texts: set[int] = set()
        self._unlabelled: dict[str, _Places] = defaultdict(_Places)
        self._several = False
        self.counts: dict[str, Counter[str]] = defaultdict(Counter)

    def add(self, split: str, document: Document) -> None:
        """Takes the next document of a split; the splits come one after the other."""
        self._documents[split] += 1
        self.counts[split].update(document.labels)
        self._several = self._several or len(document.labels) > 1
        if not document.labels:
            self._unlabelled[split].add(document)
        key, labels = text_key(document.texts), hash(frozenset(document.labels))
        new = (split, f"{document.path}:{document.line}", labels)
        first = self._seen.setdefault(key, new)
        if first is new:
            return
        if first[2] != labels and key not in self._contradicting_texts:
            self._contradicting_texts.add(key)
            self._contradicting.add(document, first[1])
        if first[0] == split:
            self._repeated[split].add(document, first[1])
        else:
            self._shared[first[0], split].add(document, first[1])

    @property
    def one_label_each(self) -> bool:
        """Whether every document has exactly one label, and there are at least two labels."""
        return not self._several and not self._unlabelled and len(self._all_labels()) > 1

    def troubles(self) -> list[Trouble]:
        """What was found, the most serious first."""
        return [
            *self.repetitions(),
            *self._similar_labels(),
            *self._unseen_labels(),
            *self._rare_labels(),
            *self._without_labels(),
        ]

    def repetitions(self) -> list[Trouble]:
        """What was found of texts that are there several times."""
        return [*self._shared_texts(), *self._contradictions(), *self._duplicates()]

    def _shared_texts(self) -> Iterator[Trouble]:
        for (first, second), places in self._shared.items():
            yield places.trouble(
                "shared",
                f"{places.count:,} of {self._documents[second]:,} documents in {second} have a "
                f"text that is in {first} too, so that its figures will look better than they are",
            )

    def _contradictions(self) -> Iterator[Trouble]:
        places = self._contradicting
        if places.count:
            yield places.trouble(
                "contradictions",
                f"{places.count:,} texts are there several times, with different labels",
            )

    def _duplicates(self) -> Iterator[Trouble]:
        for split, places in self._repeated.items():
            yield places.trouble(
                "duplicates",
                f"{places.count:,} of {self._documents[split]:,} documents in {split} repeat the "
                "text of an earlier one",
            )

    def _without_labels(self) -> Iterator[Trouble]:
        for split, places in self._unlabelled.items():
            yield places.trouble(
                "no_labels",
                f"{places.count:,} of {self._documents[split]:,} documents in {split} have no "
                "label",
            )

    def _similar_labels(self) -> Iterator[Trouble]:
        found = [f"{rare!r} and {often!r}" for rare, often in similar_labels(self._all_labels())]
        if found:
            yield Trouble(
                "similar_labels",
                "labels that differ by case or by one letter: is each pair the same label? "
                + _some(found),
                len(found),
                tuple(found[:_NAMED]),
            )

    def _rare_labels(self) -> Iterator[Trouble]:
        counts = self.counts.get(self._train, Counter())
        rare = sorted((label for label in counts if counts[label] < RARE), key=counts.__getitem__)
        if rare:
            once = sum(counts[label] == 1 for label in rare)
            single = f" ({once:,} have a single one)" if once else ""
            yield Trouble(
                "rare_labels",
                f"{len(rare):,} of {len(counts):,} labels have fewer than {RARE} documents in "
                f"{self._train}{single} and will hardly be learned: {_some(rare)}",
                len(rare),
                tuple(rare[:_NAMED]),
            )

    def _unseen_labels(self) -> Iterator[Trouble]:
        train = self.counts.get(self._train)
        if not train:
            return
        for split, counts in self.counts.items():
            unseen = sorted(counts.keys() - train.keys())
            if unseen:
                documents = sum(counts[label] for label in unseen)
                yield Trouble(
                    "unseen_labels",
                    f"{split} has {len(unseen)} labels that {self._train} does not have "
                    f"({', '.join(unseen[:_NAMED])}{', ...' if len(unseen) > _NAMED else ''}): "
                    f"they are kept, and count as missed {documents:,} times",
                    len(unseen),
                    tuple(unseen[:_NAMED]),
                )

    def _all_labels(self) -> Counter[str]:
        return sum(self.counts.values(), Counter())


def similar_labels(counts: Mapping[str, int]) -> list[tuple[str, str]]:
    """Pairs of labels that are probably meant to be one: the rarer one, and the other.

    They differ in upper and lower case, width or accents' coding alone, or by one character that
    was changed, added or left out, which is no digit, where one label is much rarer.

        >>> similar_labels({"Billing": 40, "billing": 30, "biling": 1})
        [('billing', 'Billing'), ('biling', 'billing')]

    Args:
        counts: number of documents by label.
    """
    folded: dict[str, list[str]] = defaultdict(list)
    for label in counts:
        folded[unicodedata.normalize("NFKC", label).casefold()].append(label)
    found = [pair for same in folded.values() for pair in combinations(same, 2)]
    # Two labels differ by one character if they are alike without one character of each.
    shortened: dict[str, set[str]] = defaultdict(set)
    for label in counts:
        if len(label) <= _LONGEST_COMPARED:
            for at in range(len(label)):
                if not label[at].isdigit():
                    shortened[f"{at}\0{label[:at]}{label[at + 1 :]}"].add(label)
                    shortened[f"\0{label[:at]}{label[at + 1 :]}"].add(label)
            shortened[f"\0{label}"].add(label)
    alike = set()
    for key, labels in shortened.items():
        if len(labels) > _MOST_ALIKE:
            continue  # Such labels are numbered or lettered, not misspelled.
        for first, second in combinations(sorted(labels), 2):
            if key[0] != "\0" or len(first) != len(second):
                alike.add((first, second))
    for pair in sorted(alike):
        rare, often = sorted(pair, key=lambda label: counts[label])
        if counts[rare] * _RARER <= counts[often] and len(often) > 1:
            found.append(pair)
    order = {tuple(sorted(pair, key=lambda label: (counts[label], label))): None for pair in found}
    return [(rare, often) for rare, often in order]


class _Places:
    """Counts documents and keeps the places of the first ones."""

    def __init__(self) -> None:
        self.count = 0
        self._examples: list[str] = []

    def add(self, document: Document, other: str = "") -> None:
        self.count += 1
        if len(self._examples) < _PLACES:
            place = f"{document.path}:{document.line}"
            self._examples.append(f"{place} as {other}" if other else place)

    def trouble(self, kind: str, message: str) -> Trouble:
        return Trouble(
            kind,
            f"{message} ({_some(self._examples, self.count)})",
            self.count,
            tuple(self._examples),
        )


def _some(items: Iterable[str], count: int | None = None) -> str:
    listed = list(items)
    more = (count or len(listed)) > min(len(listed), _NAMED)
    return ", ".join(listed[:_NAMED]) + (", ..." if more else "")
