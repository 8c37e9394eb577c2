"""Writes pairs of texts: sentences with titles, and two sentences with their similarity."""

from data_util.sample.charges import CHARGES
from data_util.sample.documents import draw_name, draw_word, fill, slots_of
from data_util.sample.draws import Draws
from data_util.sample.grammar import LEADS

FACTS = ("date", "name", "places", "verbs", "objects")
_TEMPLATES = tuple(each for each in LEADS if set(FACTS) <= set(slots_of(each)))


def make_titles(total: int, seed: int, split: str) -> list[str]:
    """Sentences with what a court would call the case, each `sentence<TAB>title`.

    Args:
        total: the number of sentences.
        seed: of the whole sample.
        split: its name.
    """
    draws = Draws(seed, f"{split} titles")
    lines = []
    for _ in range(total):
        charge, name = draws.one_of(CHARGES), draw_name(draws)
        sentence = fill(draws.one_of(LEADS), charge, name, draws)
        lines.append(f"{sentence.text}\t{name}{charge.name}案")
    return lines


def make_pairs(total: int, seed: int, split: str) -> list[str]:
    """Pairs of sentences with the number of facts in common, each `a<TAB>b<TAB>number`.

    The number is drawn first, from 0 to 5, so that all numbers are as frequent.

    Args:
        total, seed, split: as for `make_titles`.
    """
    draws = Draws(seed, f"{split} pairs")
    lines = []
    for _ in range(total):
        words = _words(draws)
        common = draws.below(len(FACTS) + 1)
        other = _words(draws)
        while any(other[fact] == words[fact] for fact in FACTS):
            other = _words(draws)
        other |= {fact: words[fact] for fact in draws.shuffled(FACTS)[:common]}
        first, second = (draws.one_of(_TEMPLATES).format(**facts) for facts in (words, other))
        lines.append(f"{first}\t{second}\t{common}")
    return lines


def _words(draws: Draws) -> dict[str, str]:
    """A word for each slot of a sentence, of one charge."""
    charge, name = draws.one_of(CHARGES), draw_name(draws)
    slots = dict.fromkeys(slot for template in _TEMPLATES for slot in slots_of(template))
    return {slot: draw_word(slot, charge, name, draws) for slot in slots}
