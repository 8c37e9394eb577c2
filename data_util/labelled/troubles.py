"""What is suspicious in labelled examples: repeated texts, contradictions, look-alike labels."""

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

from data_util.labelled.checked_examples import CheckedExample
from data_util.labelled.splitting import TRAIN, text_key

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
        kind: "duplicates", "contradictions", "shared", "shared_groups", "similar_labels",
            "rare_labels", "unseen_labels" or "no_labels".
        message: a sentence about it, for people.
        count: how many examples, or labels, it is about.
        examples: the places of some examples ("file:line"), or some labels.
    """

    kind: str
    message: str
    count: int
    examples: tuple[str, ...] = ()


class TroubleFinder:
    """Takes labelled examples, split by split, and tells what is suspicious in them.

        >>> finder = TroubleFinder()
        >>> for document in read_documents(["train.txt"], labelled=True):
        ...     finder.add("train", checked_document(document), document.path)
        >>> [trouble.message for trouble in finder.troubles()]
        ['2 of 100 documents in train repeat ... (train.txt:17, train.txt:30)']

    Args:
        train: the name of the split whose labels are learned.
        unit: what the examples are, for messages.
        truth: what they have, for messages. The labels of documents are counted by document; of
            another truth, such as entities, the number of labels is that of entities.

    Attributes:
        counts: how often each label is there, by split.

    The time is linear in the number of examples, and about 200 bytes of memory are kept for each
    distinct text.
    """

    def __init__(self, train: str = TRAIN, unit: str = "documents", truth: str = "labels") -> None:
        self._train, self._unit, self._truth = train, unit, truth
        # Of each distinct key its first split, place and truth, as one number.
        self._seen: dict[int, tuple[str, str, int]] = {}
        # Of each distinct group its first split and place.
        self._groups: dict[int, tuple[str, str]] = {}
        self._examples: Counter[str] = Counter()
        self._repeated: dict[str, _Places] = defaultdict(_Places)
        self._shared: dict[tuple[str, str], _Places] = defaultdict(_Places)
        self._shared_groups: dict[tuple[str, str], _Places] = defaultdict(_Places)
        self._contradicting = _Places()
        self._contradicting_keys: set[int] = set()
        self._unlabelled: dict[str, _Places] = defaultdict(_Places)
        self._several = False
        self.counts: dict[str, Counter[str]] = defaultdict(Counter)

    def add(self, split: str, example: CheckedExample, path: str) -> None:
        """Takes the next example of a split; the splits come one after the other.

        Args:
            split: its name.
            example: it has a truth.
            path: its file.
        """
        place = f"{path}:{example.line}"
        self._examples[split] += 1
        self.counts[split].update(example.labels)
        self._several = self._several or len(example.labels) > 1
        if not example.labels:
            self._unlabelled[split].add(place)
        key, truth = text_key(example.key or example.texts), hash(example.truth)
        new = (split, place, truth)
        first = self._seen.setdefault(key, new)
        if first is not new:
            if first[2] != truth and key not in self._contradicting_keys:
                self._contradicting_keys.add(key)
                self._contradicting.add(place, first[1])
            if first[0] == split:
                self._repeated[split].add(place, first[1])
            else:
                self._shared[first[0], split].add(place, first[1])
        if example.group:
            group = self._groups.setdefault(text_key(example.group), (split, place))
            if group[0] != split and first[0] == split:
                self._shared_groups[group[0], split].add(place, group[1])

    @property
    def one_label_each(self) -> bool:
        """Whether every example has exactly one label, and there are at least two labels."""
        return not self._several and not self._unlabelled and len(self._all_labels()) > 1

    @property
    def counted(self) -> str:
        """What the number of a label is of."""
        return self._unit if self._truth == "labels" else self._truth

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
        for kind, shared, what in (
            ("shared", self._shared, "a text that is"),
            ("shared_groups", self._shared_groups, "a part that is"),
        ):
            for (first, second), places in shared.items():
                yield places.trouble(
                    kind,
                    f"{places.count:,} of {self._examples[second]:,} {self._unit} in {second} have "
                    f"{what} in {first} too, so that its figures will look better than they are",
                )

    def _contradictions(self) -> Iterator[Trouble]:
        places = self._contradicting
        if places.count:
            yield places.trouble(
                "contradictions",
                f"{places.count:,} texts are there several times, with different {self._truth}",
            )

    def _duplicates(self) -> Iterator[Trouble]:
        for split, places in self._repeated.items():
            yield places.trouble(
                "duplicates",
                f"{places.count:,} of {self._examples[split]:,} {self._unit} in {split} repeat the "
                "text of an earlier one",
            )

    def _without_labels(self) -> Iterator[Trouble]:
        for split, places in self._unlabelled.items():
            # A text without entities is like any other.
            if self.counted == self._unit and self._all_labels():
                yield places.trouble(
                    "no_labels",
                    f"{places.count:,} of {self._examples[split]:,} {self._unit} in {split} have "
                    f"no {self._truth}",
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
                f"{len(rare):,} of {len(counts):,} labels have fewer than {RARE} {self.counted} in "
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
                missed = sum(counts[label] for label in unseen)
                yield Trouble(
                    "unseen_labels",
                    f"{split} has {len(unseen)} labels that {self._train} does not have "
                    f"({', '.join(unseen[:_NAMED])}{', ...' if len(unseen) > _NAMED else ''}): "
                    f"they are kept, and count as missed {missed:,} times",
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
        counts: how often each label is there.
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
    """Counts examples and keeps the places of the first ones."""

    def __init__(self) -> None:
        self.count = 0
        self._examples: list[str] = []

    def add(self, place: str, other: str = "") -> None:
        self.count += 1
        if len(self._examples) < _PLACES:
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
