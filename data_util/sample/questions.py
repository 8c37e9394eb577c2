"""Writes questions about documents: with answers, as SQuAD has them, and with choices."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from data_util.sample.charges import CHARGES
from data_util.sample.documents import SampleDocument, draw_word, slots_of
from data_util.sample.draws import Draws
from data_util.sample.grammar import QUESTIONS

UNANSWERABLE = 0.25  # fraction of the questions with answers, where a document has both
FEWEST_CHOICES, MOST_CHOICES = 3, 5


@dataclass(frozen=True, slots=True)
class Question:
    """A question about a document.

    Attributes:
        text: what is asked.
        slot: of the words that answer it.
        answers: (first character, one past the last) of each right answer in the document's text;
            none if it does not answer the question.
    """

    text: str
    slot: str
    answers: tuple[tuple[int, int], ...]


def make_questions(
    documents: Sequence[SampleDocument], seed: int, split: str
) -> list[dict[str, Any]]:
    """Two questions about each document, if there are any: JSON records of `question_answering`.

    Args:
        documents: of a split.
        seed: of the whole sample.
        split: its name.
    """
    draws = Draws(seed, f"{split} questions")
    records: list[dict[str, Any]] = []
    for document in documents:
        found = _questions(document)
        unanswerable = draws.shuffled([each for each in found if not each.answers])
        answerable = draws.shuffled([each for each in found if each.answers])
        for _ in range(min(2, len(found))):
            lacks = bool(unanswerable) and (not answerable or draws.happens(UNANSWERABLE))
            chosen = (unanswerable if lacks else answerable).pop()
            answers = [
                {"text": document.text[start:end], "answer_start": start}
                for start, end in chosen.answers
            ]
            records.append(
                {
                    "id": f"{split}-{len(records)}",
                    "question": chosen.text,
                    "context": document.text,
                    "answers": answers,
                }
            )
    return records


def make_choices(
    documents: Sequence[SampleDocument], seed: int, split: str
) -> list[dict[str, Any]]:
    """One question about each document that answers any: JSON records of `multiple_choice`.

    Of the wrong choices, one is from the document if it has another word of the kind.

    Args:
        documents, seed, split: as for `make_questions`.
    """
    draws = Draws(seed, f"{split} choices")
    records: list[dict[str, Any]] = []
    for document in documents:
        found = [each for each in _questions(document) if each.answers]
        if not found:
            continue
        question = draws.one_of(found)
        text = document.text
        right = {text[start:end] for start, end in question.answers}
        there = {text[a:b] for _, slot, a, b in document.spans if slot == question.slot}
        wrong = draws.shuffled(sorted(there - right))[:1]
        number = FEWEST_CHOICES + draws.below(MOST_CHOICES + 1 - FEWEST_CHOICES)
        while len(wrong) < number - 1:
            word = draw_word(question.slot, draws.one_of(CHARGES), document.name, draws)
            if word not in right | there | set(wrong):
                wrong.append(word)
        start, end = question.answers[0]
        answer = text[start:end]
        choices = draws.shuffled([answer, *wrong])
        record: dict[str, Any] = {"context": text, "question": question.text, "choices": choices}
        records.append({**record, "answer": choices.index(answer)})
    return records


def _questions(document: SampleDocument) -> list[Question]:
    """All questions about a document, each once."""
    found: dict[str, Question] = {}
    for template, slot, sentences, may_lack in QUESTIONS:
        told = [each for each in document.sentences if each.template in sentences]
        needed = [each for each in slots_of(template) if each != "name"]
        # What is asked with: the words of each sentence that has them, or the name alone.
        sources = [each.words for each in told if set(needed) <= each.words.keys()]
        for words in sources if needed else [{}]:
            asked = template.format(**{**words, "name": document.name})
            same = [
                each
                for each in told
                if all(each.words.get(other) == words[other] for other in needed)
            ]
            answers: list[tuple[int, int]] = []
            role = (0, 0)
            for sentence, name, start, end in document.spans:
                if name == slot and any(sentence is each for each in same):
                    answers.append((start, end))
                    if role[1] == start:  # "住户唐某" is as right as "唐某".
                        answers.append((role[0], end))
                role = (start, end) if name == "roles" else (0, 0)
            if answers or may_lack:
                found.setdefault(asked, Question(asked, slot, tuple(answers)))
    return list(found.values())
