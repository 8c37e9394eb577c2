"""Writes the bundled sample: case facts in the manner of CAIL2018, told by a grammar of our own.

The sample is made for showing what pre-training is good for: few labelled documents, and more free
text in the same language. A charge has many words that may stand for one another (see
`data_util.sample.charges`), of which a document uses a few. So the labelled documents leave many
words unseen or seen once; the free text, which carries no labels, shows which words keep company.

    python -m data_util.sample.corpus [--output_dir=data] [--seed=1]
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Formatter
from typing import TypeVar

from common.command_line import run
from common.files import write_whole
from common.options import Options, option
from common.random_streams import random_generator
from data_util.sample.charges import CHARGES, SLOTS, Charge
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

SEED = 1
LABELLED_SIZES = {"train": 400, "valid": 200, "test": 300}
NUM_FREE_TEXT = 2900
SHORTEST, LONGEST = 60, 200  # characters in a document
SECOND_CHARGE, DISTRACTOR = 0.15, 0.6  # shares of the documents
# The share of charges with a second sentence: free text tells a case at greater length, as the
# full judgments do beside the short facts that people label.
FOLLOW, FOLLOW_FREE_TEXT = 0.2, 0.9

T = TypeVar("T")
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class SampleOptions(Options):
    """The sample"""

    output_dir: str = option("data", "output folder")
    seed: int = option(SEED, "seed of everything that is drawn at random", minimum=0)


class _Draws:
    """Random choices, all made from `Generator.random`.

    NumPy keeps the right to change how `choice`, `integers` and `shuffle` use the bit stream;
    uniform numbers are the bit stream, so the sample stays the same with another NumPy.
    """

    def __init__(self, seed: int, stream: str) -> None:
        self._uniform = random_generator(seed, f"sample_corpus/{stream}").random

    def below(self, limit: int) -> int:
        return int(self._uniform() * limit)

    def happens(self, probability: float) -> bool:
        return bool(self._uniform() < probability)

    def one_of(self, items: Sequence[T]) -> T:
        return items[self.below(len(items))]

    def shuffled(self, items: Sequence[T]) -> list[T]:
        keys = [self._uniform() for _ in items]
        return [items[i] for i in sorted(range(len(items)), key=keys.__getitem__)]


def _fill(template: str, charge: Charge, name: str, draws: _Draws) -> str:
    """Replaces each slot of a template by a word drawn for it."""
    pieces = []
    for literal, slot, _, _ in Formatter().parse(template):
        pieces.append(literal)
        if slot is None:
            continue
        if slot in SLOTS:
            pieces.append(draws.one_of(getattr(charge, slot)))
        elif slot == "name":
            pieces.append(name)
        elif slot == "other":
            pieces.append(draws.one_of(SURNAMES) + "某")
        elif slot == "amount":
            pieces.append(str(100 * (1 + draws.below(400))))
        elif slot == "date":
            pieces.append(_date(draws))
        else:
            raise ValueError(f"The grammar has no slot {slot!r} (in {template!r}).")
    return "".join(pieces)


def _date(draws: _Draws) -> str:
    if draws.happens(0.5):
        return draws.one_of(DAYS) + draws.one_of(HOURS)
    return f"{2012 + draws.below(7)}年{1 + draws.below(12)}月{1 + draws.below(28)}日"


def _write_document(charges: Sequence[Charge], follow: float, draws: _Draws) -> str:
    """Tells one case, `SHORTEST` to `LONGEST` characters long."""
    name = draws.one_of(SURNAMES) + "某某"
    sentences = []
    for charge in charges:
        sentences.append(_fill(draws.one_of(LEADS), charge, name, draws))
        if draws.happens(follow):
            sentences.append(_fill(draws.one_of(FOLLOWS), charge, name, draws))
    if draws.happens(DISTRACTOR):
        others = [charge for charge in CHARGES if charge not in charges]
        distractor = _fill(draws.one_of(DISTRACTORS), draws.one_of(others), name, draws)
        sentences.insert(1 + draws.below(len(sentences)), distractor)
    text = draws.one_of(OPENINGS) + "".join(sentences)
    for ending in draws.shuffled(ENDINGS):
        if len(text) >= SHORTEST and draws.happens(0.6):
            break
        text += _fill(ending, charges[0], name, draws)
    return text


def _quotas(total: int) -> list[Charge]:
    """The documents' first charges, shared out by weight (largest remainders), charge by charge."""
    weights = sum(charge.weight for charge in CHARGES)
    counts = [total * charge.weight // weights for charge in CHARGES]
    remainders = [total * charge.weight % weights for charge in CHARGES]
    by_remainder = sorted(range(len(CHARGES)), key=lambda i: -remainders[i])
    for i in by_remainder[: total - sum(counts)]:
        counts[i] += 1
    return [charge for charge, count in zip(CHARGES, counts, strict=True) for _ in range(count)]


def make_documents(
    total: int, seed: int, stream: str, taken: set[str], follow: float
) -> list[tuple[str, list[str]]]:
    """Draws `total` documents.

    Args:
        total: the number of documents.
        seed: the seed of the whole sample.
        stream: the part of the sample, which has draws of its own.
        taken: texts that must not come again; the new ones are added.
        follow: how likely a charge gets a second sentence.

    Returns:
        (text, names of its charges), the first charge being the main one.
    """
    draws = _Draws(seed, stream)
    seconds = [charge for charge in CHARGES for _ in range(charge.weight)]
    documents = []
    for first in draws.shuffled(_quotas(total)):
        charges = [first]
        if draws.happens(SECOND_CHARGE):
            charges.append(draws.one_of([charge for charge in seconds if charge != first]))
        text = _write_document(charges, follow, draws)
        while text in taken or len(text) > LONGEST:
            text = _write_document(charges, follow, draws)
        taken.add(text)
        documents.append((text, [charge.name for charge in charges]))
    return documents


def make_sample(seed: int = SEED) -> dict[str, bytes]:
    """Makes the whole sample.

    Returns:
        File name -> its bytes: free text, and the labelled splits as `text __label__A __label__B`.
    """
    taken: set[str] = set()
    files = {}
    for split, total in LABELLED_SIZES.items():
        lines = [
            " ".join([text, *(f"__label__{label}" for label in labels)])
            for text, labels in make_documents(total, seed, split, taken, FOLLOW)
        ]
        files[f"sample_{split}.txt"] = lines
    free_text = make_documents(NUM_FREE_TEXT, seed, "free_text", taken, FOLLOW_FREE_TEXT)
    files["sample_free_text.txt"] = [text for text, _ in free_text]
    return {file: ("\n".join(lines) + "\n").encode() for file, lines in files.items()}


def main() -> None:
    """Runs the command."""
    run(_write, SampleOptions, "Write the bundled sample.")


def _write(options: SampleOptions) -> None:
    folder = Path(options.output_dir)
    files = make_sample(options.seed)
    folder.mkdir(parents=True, exist_ok=True)
    for file, content in files.items():
        write_whole(folder / file, content)
        logger.info("wrote %s (%s bytes)", folder / file, f"{len(content):,}")


if __name__ == "__main__":
    main()
