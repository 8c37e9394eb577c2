"""What the log and the report say of the entities that were found, missed or invented."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from reports.blocks import (
    Block,
    Example,
    Examples,
    Fact,
    Section,
    Sentences,
    Table,
)
from tasks.evaluation import Findings
from tasks.reliability import Reliability, reliability_section
from tasks.token_classification.metrics import counts_by_label
from tasks.token_classification.tags import Entity

if TYPE_CHECKING:
    from tasks.token_classification.evaluation import Outcome

_ROWS, _CONFUSIONS, _EXAMPLES, _CHARACTERS, _LINES = 50, 10, 20, 300, 3
NOTHING = "—"


def confusions(
    truth: Sequence[Iterable[Entity]], predicted: Sequence[Iterable[Entity]]
) -> Counter[tuple[str, str, str]]:
    """Counts what was predicted in place of what.

    A true entity that was missed is paired with a wrong one: with one of the same span ("label"),
    or else with the first that overlaps it ("ends" if its label is right, otherwise "both"). What
    has no partner was "missed" or is "invented".

    Args:
        truth, predicted: the entities of each text.

    Returns:
        By (true label, predicted label, what is wrong), `NOTHING` where there is no such label.
    """
    found: Counter[tuple[str, str, str]] = Counter()
    for one, other in zip(truth, predicted, strict=True):
        missed, wrong = sorted(set(one) - set(other)), sorted(set(other) - set(one))
        for is_partner in (_same_span, _overlaps):
            for entity in list(missed):
                partner = next((each for each in wrong if is_partner(entity, each)), None)
                if partner is None:
                    continue
                missed.remove(entity)
                wrong.remove(partner)
                what = "label" if _same_span(entity, partner) else "both"
                what = "ends" if entity.label == partner.label else what
                found[entity.label, partner.label, what] += 1
        found.update((entity.label, NOTHING, "missed") for entity in missed)
        found.update((NOTHING, entity.label, "invented") for entity in wrong)
    return found


def findings_of(outcome: "Outcome", reliability: Reliability | None = None) -> Findings:
    """Describes the predictions for the test texts.

    Args:
        outcome: the predictions.
        reliability: of their probabilities.
    """
    truth = [each.entities for each in outcome.texts]
    counts = counts_by_label(truth, outcome.predicted)
    errors = confusions(truth, outcome.predicted)
    kinds: Counter[str] = Counter()
    for (_, _, what), count in errors.items():
        kinds[what] += count
    total = sum(each.true for each in counts.values())
    right = sum(each.right for each in counts.values())
    said = ", ".join(f"{count:,} {_KINDS[what]}" for what, count in kinds.most_common())
    lines = [f"entities: {right:,} of {total:,} found{f'; {said}' if said else ''}"]
    worst = sorted(counts.items(), key=lambda item: item[1].f1)[:_LINES]
    lines.append("lowest F1: " + ", ".join(f"{name} {each.f1:.3f}" for name, each in worst))
    rows: list[list[str | int | float]] = [
        [
            *(name, each.f1, each.precision, each.recall, each.true, each.predicted, each.right),
            *([outcome.training.get(name, 0)] if outcome.training else []),
        ]
        for name, each in sorted(counts.items(), key=lambda item: -item[1].true)[:_ROWS]
    ]
    columns = ["label", "F1", "precision", "recall", "true", "predicted", "right"]
    columns += ["training"] if outcome.training else []
    blocks: list[Block] = [Table("Entities of each label", columns, rows, bars=1, wide=True)]
    if errors:
        confused: list[list[str | int | float]] = [
            [true, other, _KINDS[what], count]
            for (true, other, what), count in errors.most_common(_CONFUSIONS)
        ]
        columns = ["true", "predicted", "error", "count"]
        blocks.append(Table("Most frequent errors", columns, confused, bars=3))
    examples = _examples(outcome)
    shown: Block = Examples(examples) if examples else Sentences(["No text has an error."])
    return Findings(
        lines,
        [
            Section(
                "Entities",
                blocks,
                "An entity is right if its label and both of its ends are. All labels are in "
                "test_entities.csv.",
            ),
            *(
                [reliability_section(reliability, "entities", "every predicted entity")]
                if reliability is not None and reliability.count.any()
                else []
            ),
            Section(
                "Texts with most errors", [shown], "All test texts are in test_predictions.jsonl."
            ),
        ],
    )


_KINDS = {
    "label": "with another label",
    "ends": "with other ends",
    "both": "with another label and other ends",
    "missed": "missed",
    "invented": "invented",
}


def _examples(outcome: "Outcome") -> list[Example]:
    wrong = [
        (len(set(text.entities) ^ set(found)), number)
        for number, (text, found) in enumerate(zip(outcome.texts, outcome.predicted, strict=True))
    ]
    chosen = sorted((pair for pair in wrong if pair[0]), key=lambda pair: (-pair[0], pair[1]))
    examples = []
    for _, number in chosen[:_EXAMPLES]:
        text, found = outcome.texts[number], set(outcome.predicted[number])
        content = text.passage.text
        facts = [
            Fact("missed", _named(set(text.entities) - found, content)),
            Fact("wrong", _named(found - set(text.entities), content)),
        ]
        place = f"{text.path}:{text.line}"
        examples.append(Example(place, [content[:_CHARACTERS]], facts))
    return examples


def _named(entities: Iterable[Entity], text: str) -> str:
    named = [
        f"{text[each.start : each.end]} ({each.label})"
        for each in sorted(entities, key=lambda each: each.start)
    ]
    return ", ".join(named) or NOTHING


def _same_span(one: Entity, other: Entity) -> bool:
    return (one.start, one.end) == (other.start, other.end)


def _overlaps(one: Entity, other: Entity) -> bool:
    return one.start < other.end and other.start < one.end
