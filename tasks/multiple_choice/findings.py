"""What the log, the report and `test_predictions.jsonl` say of the answers to questions."""

import json
import logging
from collections.abc import Iterable, Sequence

import numpy as np

from common.errors import InputError
from reports.blocks import Block, Example, Examples, Fact, Section, Sentences, Table
from tasks.evaluation import Findings
from tasks.multiple_choice.outcome import Outcome, accuracy_of
from tasks.multiple_choice.records import Question
from tasks.reliability import reliability_section

logger = logging.getLogger(__name__)

_WORST = 20
_CHARACTERS = 300
_TEXT_CHARACTERS = 80
# A file of so many lines has some 50 MB.
_MAX_LINES = 100_000


def predictions_of(
    outcome: Outcome, questions: Iterable[Question]
) -> tuple[dict[str, str], list[Question]] | None:
    """Describes the test questions, which are read once more.

    Args:
        outcome: what the model says.
        questions: the questions in the order of the outcome.

    Returns:
        `test_predictions.jsonl` with a line for each question (of very many the first), and the
        questions. None, with a warning, if the files can no longer be read, or have changed.
    """
    try:
        read = list(questions)
    except InputError as error:
        logger.warning("the test questions cannot be listed: %s", error)
        return None
    if [len(each.choices) for each in read] != outcome.sizes.tolist():
        logger.warning("the test questions cannot be listed: their files have changed")
        return None
    lines = [_entry(outcome, number, each) for number, each in enumerate(read[:_MAX_LINES])]
    return {"test_predictions.jsonl": "".join(lines)}, read


def findings_of(outcome: Outcome, questions: Sequence[Question]) -> Findings:
    """Describes the answers to the test questions.

    Args:
        outcome: what the model says.
        questions: the questions, or none if they could not be read again.
    """
    wrong = len(outcome) - int(outcome.hits.sum())
    lines = [f"{wrong:,} of {len(outcome):,} questions have a wrong answer"]
    rows: list[list[str | float]] = [["the model", accuracy_of(outcome.chosen, outcome)]]
    rows.append(["chance", float((1 / outcome.sizes).mean())])
    rows += [
        [f"always choice {place}", float((outcome.answers == place).mean())]
        for place in range(min(4, int(outcome.sizes.max())))
    ]
    if questions:
        longest = [int(np.argmax([*map(len, each.choices)])) for each in questions]
        rows.append(["always the longest choice", accuracy_of(longest, outcome)])
    beside = ", ".join(f"{name} {value:.3f}" for name, value in rows[1:])
    lines.append(f"accuracy of what reads nothing: {beside}")
    hits, sizes = outcome.hits, outcome.sizes
    by_size = [
        [int(size), int((sizes == size).sum()), float(hits[sizes == size].mean())]
        for size in np.unique(sizes)
    ]
    blocks: list[Block] = [
        Table("Accuracy", ["who answers", "accuracy"], rows, bars=1),
        Table("By the number of choices", ["choices", "questions", "accuracy"], by_size, bars=2),
    ]
    worst: list[Block] = [Sentences(["No question has a wrong answer."])]
    if wrong and questions:
        numbers = outcome.worst(_WORST)
        worst = [Examples([_example(outcome, number, questions[number]) for number in numbers])]
    elif wrong:
        worst = [Sentences(["The test files could not be read again."])]
    return Findings(
        lines=lines,
        sections=[
            Section("Answers", blocks, "A model has learned what it is ahead of the others by."),
            reliability_section(
                outcome.reliability(), "choices", "the most probable choice of each question"
            ),
            Section(
                "Questions that are most wrong",
                worst,
                "Those with a wrong answer that have the largest loss. All test questions are in "
                "test_predictions.jsonl.",
            ),
        ],
    )


def _example(outcome: Outcome, number: int, question: Question) -> Example:
    probabilities = outcome.of(number)

    def fact(name: str, choice: int) -> Fact:
        return Fact(name, _start(question.choices[choice]), f"{probabilities[choice]:.2f}")

    texts = [_start(text) for text in (question.context, question.question) if text]
    chosen, answer = int(outcome.chosen[number]), int(outcome.answers[number])
    others = [
        question.choices[choice]
        for choice in range(len(question.choices))
        if choice not in (chosen, answer)
    ]
    facts = [fact("chosen, wrong", chosen), fact("right", answer)]
    if others:
        facts.append(Fact("other choices", _start(" · ".join(others))))
    facts.append(Fact("loss", f"{outcome.losses[number]:.2f}"))
    return Example(":".join(map(str, question.place)), texts or ["—"], facts)


def _entry(outcome: Outcome, number: int, question: Question) -> str:
    chosen, answer = int(outcome.chosen[number]), int(outcome.answers[number])
    path, line = question.place
    entry = {
        "file": path,
        "line": line,
        **({} if question.id is None else {"id": question.id}),
        "question": (question.question or question.context)[:_TEXT_CHARACTERS],
        "correct": chosen == answer,
        "true": {"choice": answer, "text": question.choices[answer][:_TEXT_CHARACTERS]},
        "predicted": {"choice": chosen, "text": question.choices[chosen][:_TEXT_CHARACTERS]},
        "probabilities": [round(float(each), 6) for each in outcome.of(number)],
    }
    return json.dumps(entry, ensure_ascii=False) + "\n"


def _start(text: str) -> str:
    return text if len(text) <= _CHARACTERS else text[: _CHARACTERS - 1] + "…"
