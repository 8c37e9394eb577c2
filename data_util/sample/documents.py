"""Writes documents by the grammar: case facts in the style of CAIL2018."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from string import Formatter

from data_util.sample.charges import CHARGES, SLOTS, Charge
from data_util.sample.draws import Draws
from data_util.sample.grammar import (
    DAYS,
    DISTRACTORS,
    ENDINGS,
    FOLLOWS,
    HOURS,
    LEADS,
    OPENINGS,
    SURNAMES,
)

SHORTEST, LONGEST = 60, 200  # characters in a document
SECOND_CHARGE, DISTRACTOR = 0.15, 0.6  # fractions of the documents

ENTITY_LABELS = {
    "name": "PERSON",
    "other": "PERSON",
    "date": "TIME",
    "amount": "MONEY",
    "places": "PLACE",
    "objects": "ITEM",
}


@dataclass(frozen=True, slots=True)
class Sentence:
    """A template whose slots are filled.

    Attributes:
        template: of the grammar.
        text: with the words in the slots.
        spans: (slot, first character, one past the last) of each word, in order.
    """

    template: str
    text: str
    spans: tuple[tuple[str, int, int], ...]

    @property
    def words(self) -> dict[str, str]:
        """The word in each slot; a template has no slot twice."""
        return {slot: self.text[start:end] for slot, start, end in self.spans}


@dataclass(frozen=True)
class SampleDocument:
    """A document of the sample.

    Attributes:
        sentences: in order; the first one has no slots.
        labels: the names of its charges, the main one first.
    """

    sentences: tuple[Sentence, ...]
    labels: tuple[str, ...]

    @cached_property
    def text(self) -> str:
        """The text."""
        return "".join(sentence.text for sentence in self.sentences)

    @cached_property
    def spans(self) -> list[tuple[Sentence, str, int, int]]:
        """The sentence, the slot, and the first and one past the last character of each word."""
        found, begin = [], 0
        for sentence in self.sentences:
            for slot, start, end in sentence.spans:
                found.append((sentence, slot, begin + start, begin + end))
            begin += len(sentence.text)
        return found

    @property
    def name(self) -> str:
        """The accused."""
        return next(self.text[start:end] for _, slot, start, end in self.spans if slot == "name")

    @property
    def entities(self) -> list[tuple[str, int, int]]:
        """(label, first character, one past the last) of each, in order."""
        return [
            (ENTITY_LABELS[slot], start, end)
            for _, slot, start, end in self.spans
            if slot in ENTITY_LABELS
        ]


def slots_of(template: str) -> list[str]:
    """The names of a template's slots."""
    return [slot for _, slot, _, _ in Formatter().parse(template) if slot]


def draw_word(slot: str, charge: Charge, name: str, draws: Draws) -> str:
    """A word for a slot.

    Args:
        slot: its name.
        charge: whose words are used.
        name: of the accused.
        draws: the source of all randomness.

    Raises:
        ValueError: the grammar has no such slot.
    """
    if slot in SLOTS:
        return draws.one_of(getattr(charge, slot))
    if slot == "name":
        return name
    if slot == "other":
        return draws.one_of(SURNAMES) + "某"
    if slot == "amount":
        return str(100 * (1 + draws.below(400)))
    if slot != "date":
        raise ValueError(f"The grammar has no slot {slot!r}.")
    if draws.happens(0.5):
        return draws.one_of(DAYS) + draws.one_of(HOURS)
    return f"{2012 + draws.below(7)}年{1 + draws.below(12)}月{1 + draws.below(28)}日"


def draw_name(draws: Draws) -> str:
    """The name of an accused."""
    return draws.one_of(SURNAMES) + "某某"


def fill(template: str, charge: Charge, name: str, draws: Draws) -> Sentence:
    """Replaces each slot of a template by a word that is drawn for it: see `draw_word`."""
    text, spans = "", []
    for literal, slot, _, _ in Formatter().parse(template):
        text += literal
        if slot is not None:
            word = draw_word(slot, charge, name, draws)
            spans.append((slot, len(text), len(text) + len(word)))
            text += word
    return Sentence(template, text, tuple(spans))


def make_documents(
    total: int, seed: int, stream: str, taken: set[str], follow: float
) -> list[SampleDocument]:
    """Draws `total` documents.

    Args:
        total: the number of documents.
        seed: the seed of the whole sample.
        stream: the part of the sample, with random draws of its own.
        taken: texts that must not be repeated; the new ones are added.
        follow: the probability that a charge gets a second sentence.
    """
    draws = Draws(seed, stream)
    seconds = [charge for charge in CHARGES for _ in range(charge.weight)]
    documents = []
    for first in draws.shuffled(_quotas(total)):
        charges = [first]
        if draws.happens(SECOND_CHARGE):
            charges.append(draws.one_of([charge for charge in seconds if charge != first]))
        document = _write_document(charges, follow, draws)
        while document.text in taken or len(document.text) > LONGEST:
            document = _write_document(charges, follow, draws)
        taken.add(document.text)
        documents.append(document)
    return documents


def _write_document(charges: Sequence[Charge], follow: float, draws: Draws) -> SampleDocument:
    """Describes one case in `SHORTEST` to `LONGEST` characters."""
    name = draw_name(draws)
    sentences = []
    for charge in charges:
        sentences.append(fill(draws.one_of(LEADS), charge, name, draws))
        if draws.happens(follow):
            sentences.append(fill(draws.one_of(FOLLOWS), charge, name, draws))
    if draws.happens(DISTRACTOR):
        others = [charge for charge in CHARGES if charge not in charges]
        distractor = fill(draws.one_of(DISTRACTORS), draws.one_of(others), name, draws)
        sentences.insert(1 + draws.below(len(sentences)), distractor)
    sentences.insert(0, fill(draws.one_of(OPENINGS), charges[0], name, draws))
    for ending in draws.shuffled(ENDINGS):
        if sum(len(each.text) for each in sentences) >= SHORTEST and draws.happens(0.6):
            break
        sentences.append(fill(ending, charges[0], name, draws))
    return SampleDocument(tuple(sentences), tuple(charge.name for charge in charges))


def _quotas(total: int) -> list[Charge]:
    """The documents' first charges, apportioned by weight (largest remainders)."""
    weights = sum(charge.weight for charge in CHARGES)
    counts = [total * charge.weight // weights for charge in CHARGES]
    remainders = [total * charge.weight % weights for charge in CHARGES]
    by_remainder = sorted(range(len(CHARGES)), key=lambda i: -remainders[i])
    for i in by_remainder[: total - sum(counts)]:
        counts[i] += 1
    return [charge for charge, count in zip(CHARGES, counts, strict=True) for _ in range(count)]
