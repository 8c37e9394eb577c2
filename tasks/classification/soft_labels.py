"""Soft labels: what teachers say of the training examples and of text without labels."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from data_util.labelled.build_corpus import prepare_labelled_data
from data_util.labelled.corpus import LabelledCorpus
from data_util.reading.documents import read_documents
from data_util.reading.text_pairs import Text
from data_util.tokens.vocabulary import Vocabulary
from tasks.classification.loss import HARD_WEIGHTS, SOFT_TARGETS, SOFT_WEIGHTS
from tasks.classification.options import ClassificationOptions
from tasks.data import DataSettings, Logits

if TYPE_CHECKING:
    from tasks.classification.classification import Classification


class SoftLabels:
    """The mean of the teachers' probabilities at a temperature.

        >>> soft = SoftLabels(task, [[labelled, raw]], temperature=2.0, weight=0.9)
        >>> soft.arrays(np.array([0]))["soft_weights"]
        array([0.9], dtype=float32)

    Args:
        task: makes probabilities of logits.
        logits: for each teacher, those of the labelled examples and, if there are any, those of
            the text without labels: (examples, labels) each.
        temperature: divides the logits.
        weight: of the soft labels in the loss.
    """

    def __init__(
        self,
        task: "Classification",
        logits: Sequence[Sequence[Logits]],
        temperature: float,
        weight: float,
    ) -> None:
        self._task, self._logits = task, logits
        self._temperature, self._weight = temperature, weight
        self._ends = np.cumsum([len(part) for part in logits[0]])

    def arrays(self, examples: np.ndarray) -> dict[str, np.ndarray]:
        """The arrays that `LabelLoss.loss` reads of examples.

        Args:
            examples: (rows,) numbers; the labelled examples come first, then the text without
                labels, then examples of which teachers say nothing.

        Returns:
            "soft_targets" (rows, labels), "soft_weights" and "hard_weights" (rows,), float32.
        """
        targets = np.zeros((len(examples), len(self._task.labels)), np.float32)
        for teacher in self._logits:
            for part, end in zip(teacher, self._ends.tolist(), strict=True):
                rows = np.flatnonzero((examples < end) & (examples >= end - len(part)))
                if len(rows):
                    logits = part[examples[rows] - (end - len(part))] / self._temperature
                    targets[rows] += self._task.probabilities(logits)
        labelled, taught = examples < self._ends[0], examples < self._ends[-1]
        return {
            SOFT_TARGETS: targets / np.float32(len(self._logits)),
            SOFT_WEIGHTS: np.where(taught, self._weight, 0).astype(np.float32),
            HARD_WEIGHTS: np.where(labelled, 1 - self._weight, ~taught).astype(np.float32),
        }


def unlabelled_corpus(
    options: ClassificationOptions,
    settings: DataSettings,
    vocabulary: Vocabulary,
) -> LabelledCorpus | None:
    """The tokenized text of `--unlabelled_file`, or None where it is not given.

    Raises:
        InputError: a file cannot be used.
    """
    if not options.unlabelled_file:
        return None
    return prepare_labelled_data(
        options.unlabelled_file,
        settings.tokenizer,
        vocabulary,
        None,
        reading=settings.reading,
        cache_folder=settings.cache_folder,
        processes=settings.processes,
        max_documents=settings.max_examples,
        test_mode=settings.test_mode,
    )


def soft_labels(
    task: "Classification",
    train: Sequence[str],
    options: ClassificationOptions,
    settings: DataSettings,
) -> SoftLabels | None:
    """Asks the teachers about the training examples and the text without labels.

    Args:
        task: of the run.
        train: the files of the training examples.
        options: of the task.
        settings: how the files are read, and the teachers.

    Returns:
        What they say; None if there are none.

    Raises:
        OptionError: a teacher is for another task or other labels.
        CheckpointError, InputError: a teacher or a file cannot be used.
    """
    if settings.teachers is None:
        return None

    def texts(files: Sequence[str], *, labelled: bool) -> Iterator[Text]:
        documents = read_documents(
            files,
            labelled=labelled,
            reading=settings.reading,
            max_documents=settings.max_examples,
        )
        return (document.texts for document in documents)

    sources = [partial(texts, train, labelled=True)]
    if options.unlabelled_file:
        sources.append(partial(texts, options.unlabelled_file, labelled=False))
    task.temperature = options.temperature
    logits = settings.teachers(task, sources)
    return SoftLabels(task, logits, options.temperature, options.distillation_weight)
