"""Labelled files as the data of question answering."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from common.errors import InputError, OptionError
from data_util.labelled.text_groups import count_tokens
from data_util.reading.settings import Reading
from data_util.reading.sources import check_one_split
from data_util.tokens.vocabulary import Vocabulary
from tasks.data import DataSettings, Files, TaskData, TextEncoder
from tasks.question_answering.batches import QuestionExamples, TokenSpan
from tasks.question_answering.encoded import EncodedQuestion, WindowSettings, encode_questions
from tasks.question_answering.examples import check_examples as check_examples
from tasks.question_answering.examples import split_examples as split_examples
from tasks.question_answering.files import read_questions
from tasks.question_answering.metrics import rules_of
from tasks.question_answering.options import QuestionAnsweringOptions
from tasks.question_answering.records import Question

if TYPE_CHECKING:
    from tasks.question_answering.task import QuestionAnswering

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class QuestionData(TaskData):
    """The questions of a run.

    Attributes:
        questions: by split.
        encoded: the same questions, encoded.
    """

    questions: Mapping[str, Sequence[Question]] = field(default_factory=dict)
    encoded: Mapping[str, Sequence[EncodedQuestion]] = field(default_factory=dict)


def prepare_data(
    task_class: type["QuestionAnswering"],
    files: Files,
    settings: DataSettings,
    options: QuestionAnsweringOptions,
) -> QuestionData:
    """Reads the labelled files and makes the task: see `Task.prepare`."""
    splits = read_splits(files, settings)
    train = splits["train"]
    task = task_class(
        options.head,
        WindowSettings(options.window_overlap, options.max_question_tokens),
        max_answer_tokens=options.max_answer_tokens,
        num_best=options.num_best,
        rules=options.answer_rules or rules_of(each.question for each in train),
        settles=options.threshold is None and not all(each.answers for each in train),
    )
    task.use_decision(options.threshold)
    if settings.vocabulary is None:
        settings = replace(settings, vocabulary=build_vocabulary(train, settings))
    return question_data(task, splits, settings, task.windows)


def evaluation_data(
    task: "QuestionAnswering", files: Sequence[str], settings: DataSettings
) -> QuestionData:
    """Reads labelled files for a checkpoint's task: see `Task.labelled`."""
    questions = list(read_questions(files, settings.reading))
    if not any(each.answers for each in questions):
        raise InputError("no question has an answer", files[0])
    return question_data(task, {"test": questions}, settings, task.windows)


def training_texts(files: Files, reading: Reading) -> Iterator[str]:
    """The training questions and their passages, each passage once where it stands in a row."""
    before = None
    for question in read_questions(files["train"], reading):
        yield question.question
        if question.context != before:
            yield (before := question.context)


def style_texts(files: Files, reading: Reading) -> Iterator[str]:
    """The training questions and their answers, which decide on how text is tokenized.

    An answer can only begin and end where a token does, however long its passage is: in a script
    without spaces between words that is anywhere.
    """
    for question in read_questions(files["train"], reading):
        yield question.question
        yield from question.answers


def read_splits(files: Files, settings: DataSettings) -> dict[str, list[Question]]:
    """The questions of each split.

    Raises:
        InputError: the files cannot be used.
    """
    found = {}
    for split, paths in files.items():
        check_one_split(paths)
        read = read_questions(paths, settings.reading, max_questions=settings.max_examples)
        found[split] = list(read)
        if any(each.answers for each in found[split]):
            if not any(each.spans for each in found[split]):
                raise InputError(
                    "no answer stands in its passage: are these extractive questions?", paths[0]
                )
        elif split == "train":
            raise InputError("no question has an answer", paths[0])
    return found


def build_vocabulary(questions: Sequence[Question], settings: DataSettings) -> Vocabulary:
    """A vocabulary of the questions and the passages, each passage counted once."""
    passages = dict.fromkeys(question.context for question in questions)
    texts = chain((question.question for question in questions), passages)
    counts = count_tokens(texts, settings.tokenizer, settings.processes)
    return Vocabulary.from_counts(counts, settings.vocab_size, settings.min_count)


def question_data(
    task: "QuestionAnswering",
    splits: Mapping[str, list[Question]],
    settings: DataSettings,
    windows: WindowSettings,
) -> QuestionData:
    """Encodes the questions of some splits.

    Raises:
        OptionError: the sequences are too short.
    """
    if settings.sequence_length < task.min_sequence_length:
        raise OptionError(
            f"--sequence_length={settings.sequence_length}: a question, its passage, [CLS] and two "
            f"[SEP] need {task.min_sequence_length}."
        )
    assert settings.vocabulary is not None
    text = TextEncoder(settings.tokenizer, settings.vocabulary, settings.sequence_length)
    batches, encoded, remarks = {}, {}, []
    for split, questions in splits.items():
        encoded[split] = encode_questions([each.record for each in questions], text, windows)
        answers = [
            _token_spans(question, each)
            for question, each in zip(questions, encoded[split], strict=True)
        ]
        remarks += _remarks(split, questions, encoded[split], answers, task.max_answer_tokens)
        examples = QuestionExamples(
            encoded[split], answers, [bool(each.answers) for each in questions]
        )
        batches[split] = settings.batches(split, examples, settings.vocabulary)
    for remark in remarks:
        logger.warning("%s", remark)
    train = splits.get("train", [])
    tokens = [part for each in encoded.get("train", []) for part in (each.question, each.context)]
    return QuestionData(
        task=task,
        text=text,
        batches=batches,
        train_tokens=np.concatenate(tokens) if tokens else np.zeros(0, np.int32),
        locate=lambda numbers: [train[number].place for number in sorted(numbers.tolist())],
        remarks=tuple(remarks),
        questions=splits,
        encoded=encoded,
    )


def _token_spans(question: Question, encoded: EncodedQuestion) -> list[TokenSpan]:
    """The tokens of the answers, each place once."""
    found = (encoded.tokens_of(start, end) for start, end in question.spans)
    return list(dict.fromkeys(each for each in found if each is not None))


def _remarks(
    split: str,
    questions: Sequence[Question],
    encoded: Sequence[EncodedQuestion],
    answers: Sequence[Sequence[TokenSpan]],
    max_answer_tokens: int,
) -> list[str]:
    """What is wrong with the answers, a sentence each; the first place is named."""
    found: dict[str, list[int]] = {"moved": [], "absent": [], "inexact": [], "long": []}
    for number, question in enumerate(questions):
        places = [encoded[number].characters_of(*each) for each in answers[number]]
        possible = {question.context[start:end] for start, end in places}
        if question.moved:
            found["moved"].append(number)
        if question.absent and not question.spans:
            found["absent"].append(number)
        elif question.spans and not possible & {text.strip() for text in question.answers}:
            found["inexact"].append(number)
        elif answers[number] and all(
            last - first >= max_answer_tokens for first, last in answers[number]
        ):
            found["long"].append(number)
    sentences = {
        "moved": "have an answer that does not stand where the file says; the nearest place "
        "where it does is taken",
        "absent": "have no answer that stands in the passage: they are not learned from, and "
        "count as missed",
        "inexact": "have answers that begin or end within a token, so that none can be given "
        "exactly (--tokenize_style=char can)",
        "long": f"have answers of more than --max_answer_tokens={max_answer_tokens} tokens alone: "
        "none of them can be given",
    }
    return [
        f"{len(numbers):,} of {len(questions):,} {split} questions {sentences[kind]} "
        f"({questions[numbers[0]].place})"
        for kind, numbers in found.items()
        if numbers
    ]
