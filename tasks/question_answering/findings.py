"""What the log and the report say of the answers to the test questions."""

from collections import Counter

import numpy as np

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
from tasks.question_answering.outcome import KINDS, RIGHT, Outcome
from tasks.reliability import reliability, reliability_section

_WORST, _CHARACTERS, _AROUND = 20, 300, 120
_BINS = 10


def findings_of(outcome: Outcome) -> Findings:
    """Describes the answers."""
    kinds = Counter(map(outcome.kind, range(len(outcome.questions))))
    wrong = len(outcome.questions) - kinds[RIGHT]
    named = ", ".join(f"{kinds[kind]:,} {kind}" for kind in KINDS[1:] if kinds[kind])
    line = f"test: {wrong:,} of {len(outcome.questions):,} answers are not exactly right"
    examples = [_example(outcome, number) for number in outcome.worst(_WORST)]
    shown: list[Block] = [Examples(examples)] if examples else [Sentences(["Every one is right."])]
    return Findings(
        lines=[line, f"  {named}"] if wrong else [line],
        sections=[
            _errors(outcome, kinds),
            _reliability(outcome),
            Section(
                "Answers that are most wrong",
                shown,
                "Those with the lowest F1, and of those the ones of which the model was most sure. "
                "All test questions are in test_predictions.jsonl.",
            ),
        ],
    )


def _errors(outcome: Outcome, kinds: Counter[str]) -> Section:
    total = len(outcome.questions)
    counts: list[list[str | int | float]] = [
        [kind, kinds[kind], kinds[kind] / total] for kind in KINDS
    ]
    blocks: list[Block] = [Table("Answers", ["the answer", "questions", "share"], counts, 1)]
    windows = np.minimum(np.array(outcome.windows), 4)
    rows: list[list[str | int | float]] = []
    for count in sorted(set(windows.tolist())):
        chosen = windows == count
        f1, exact = float(outcome.f1[chosen].mean()), float(outcome.exact[chosen].mean())
        name = f"{count} or more" if count == 4 else str(count)
        rows.append([name, int(chosen.sum()), f1, exact])
    if len(rows) > 1:
        columns = ["windows of the passage", "questions", "F1", "exact match"]
        blocks.append(Table("By the length of the passage", columns, rows))
    return Section("What is wrong", blocks)


def _reliability(outcome: Outcome) -> Section:
    found = reliability(outcome.probabilities, outcome.exact == 1, _BINS)
    counted = "every answer; one that only overlaps the right one counts as wrong"
    return reliability_section(found, "answers", counted)


def _example(outcome: Outcome, number: int) -> Example:
    question, answer = outcome.questions[number], outcome.answers[number]
    facts = [
        Fact("right", " | ".join(question.answers)[:_CHARACTERS] or "(there is none)"),
        Fact("given", (answer or "(none)")[:_CHARACTERS], outcome.kind(number)),
        Fact("F1", f"{outcome.f1[number]:.2f}"),
        Fact("probability", f"{outcome.probabilities[number]:.3f}"),
    ]
    title = question.place if question.id is None else f"{question.place} ({question.id})"
    texts = [question.question[:_CHARACTERS], _around(question.context, question.spans)]
    return Example(title, texts, facts)


def _around(context: str, spans: tuple[tuple[int, int], ...]) -> str:
    """The passage around the right answer, or its beginning."""
    start = max(0, spans[0][0] - _AROUND) if spans else 0
    part = context[start : start + _CHARACTERS]
    before, after = "… " * (start > 0), " …" * (start + _CHARACTERS < len(context))
    return f"{before}{part}{after}"
