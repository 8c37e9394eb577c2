"""Loads a checkpoint and predicts, explains and computes vectors."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from bert_language_understanding.records import One, listed, record_of, text_of
from common.errors import CheckpointError, InputError

if TYPE_CHECKING:
    from models.backbones.base import Backbone
    from tasks.base import Record, Task
    from training.prediction import Predictor


def load(
    checkpoint: str | os.PathLike[str], *, threshold: float | None = None, batch_size: int = 64
) -> "Classifier":
    """Loads a checkpoint folder.

    The first call imports Keras and TensorFlow, which takes a few seconds.

        >>> classifier = load("checkpoint_lm_save")
        >>> classifier.predict(["被告人盗窃手机一部。", "酒后殴打他人。"])[0]
        {'labels': [{'label': '盗窃', 'probability': 0.98}]}

    Args:
        checkpoint: the folder that fine-tuning or pre-training wrote.
        threshold: the probability from which a label is predicted, instead of the checkpoint's
            own thresholds.
        batch_size: the number of texts that the network reads at a time.

    Returns:
        The classifier. A checkpoint that is only pre-trained has vectors and, if its objectives
        predict tokens, fills in [MASK] or continues texts.

    Raises:
        CheckpointError: the folder is not a complete checkpoint.
        InputError: the threshold is no probability, or the batch size not positive.
    """
    if threshold is not None and not 0 <= threshold <= 1:
        raise InputError(f"threshold={threshold}: it must be from 0 to 1")
    if batch_size < 1:
        raise InputError(f"batch_size={batch_size}: it must be at least 1")
    return Classifier(Path(checkpoint).expanduser(), threshold, batch_size)


class Classifier:
    """A checkpoint, made by `load`.

    Each method takes one input and gives one result, or takes several inputs, as any iterable, and
    gives their results in the same order. An input is a text (`str`). Of a checkpoint that labels
    pairs, it is a tuple of two texts; of other tasks, a tuple or a dict of the task's fields. Texts
    of similar length share a batch, whatever their order.

    Args:
        folder: the checkpoint folder.
        threshold, batch_size: see `load`.

    Attributes:
        folder: the checkpoint folder.
        batch_size: may be changed.

    Raises:
        CheckpointError: the folder is not a complete checkpoint.
    """

    def __init__(self, folder: Path, threshold: float | None = None, batch_size: int = 64) -> None:
        _import_keras()
        from models.checkpoints.folder import read_checkpoint
        from models.checkpoints.publication import read_published
        from tasks.loading import has_task
        from training.prediction import Predictor
        from training.vectors import TextVectors, pooling_of

        self.folder, self.batch_size = folder, batch_size
        self._own_predictor: Predictor | None = None
        if read_published(folder, lambda: has_task(read_checkpoint(folder))):
            predictor = Predictor(folder, threshold)
            self._own_predictor = predictor
            # The network is in memory once.
            pooling = pooling_of(predictor.checkpoint)
            self._vectors = TextVectors(predictor.model.backbone, predictor.text, pooling)
        else:
            self._vectors = TextVectors.load(folder)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.folder)!r})"

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, in the order of the columns of `probabilities`.

        Raises:
            CheckpointError: the checkpoint has none.
        """
        return self._labelling_task().labels

    @overload
    def predict(self, texts: One, *, top_k: int = 0) -> dict[str, Any]: ...  # type: ignore[overload-overlap]
    @overload
    def predict(self, texts: Iterable[One], *, top_k: int = 0) -> list[dict[str, Any]]: ...
    def predict(self, texts: Any, *, top_k: int = 0) -> Any:
        """Predicts what `predict.py` writes.

        Args:
            texts: one input, or several.
            top_k: the number of most probable labels to add as "top", whether predicted or not.

        Returns:
            The result of one input, or a list with those of several. Of a classification it is
            {"labels": [{"label": ..., "probability": ...}]}, the most probable label first; white
            space has no labels. Of a checkpoint that is only pre-trained it is that of its language
            model.

        Raises:
            CheckpointError: the checkpoint is only pre-trained and predicts no tokens of a text.
            InputError: an input is not what the checkpoint's task needs; the message names it.
        """
        records, one = self._records(texts)
        task = self._predictor.task
        given = [record for record in records if not task.is_empty(record)]
        found = iter(self._predictor.predict(given, self.batch_size, top_k))
        results = [
            task.empty_result() if task.is_empty(record) else next(found) for record in records
        ]
        return results[0] if one else results

    def __call__(self, texts: Any, *, top_k: int = 0) -> Any:
        """The same as `predict`: `load("checkpoint")("text")`."""
        return self.predict(texts, top_k=top_k)

    def probabilities(self, texts: One | Iterable[One]) -> np.ndarray:
        """Computes the probability of each of `labels`.

        Args:
            texts: one input, or several.

        Returns:
            (labels,) float32 for one input, (texts, labels) for several. White space has
            probabilities of 0.

        Raises:
            CheckpointError: the checkpoint has no labels.
            InputError: as in `predict`.
        """
        task = self._labelling_task()
        records, one = self._records(texts)
        given = [index for index, record in enumerate(records) if not task.is_empty(record)]
        found = np.zeros((len(records), len(task.labels)), np.float32)
        found[given] = self._predictor.probabilities(
            [records[index] for index in given], self.batch_size
        )
        return found[0] if one else found

    def explain(self, text: One, label: str | None = None) -> dict[str, Any]:
        """Computes which characters of a text support a label.

        A part of the text is a token, or a few adjacent tokens of a long text. Its importance is
        how far the log-odds of the label fall when the part is covered; a negative importance
        contradicts the label.

        Args:
            text: one input.
            label: one of `labels`; default: the most probable one.

        Returns:
            {"label", "probability", "parts": [{"start", "end", "importance"}], "characters_read"},
            where `text[start:end]` is the part. For a pair of texts, "text_a" and "text_b" have
            "parts" and "characters_read" each.

        Raises:
            CheckpointError: the checkpoint has no labels.
            InputError: as in `predict`, or there is no such label, or more than one input.
        """
        task = self._labelling_task()
        from training.occlusion import explanation, occlude

        if label is not None and label not in task.labels:
            raise InputError(f"label {label!r:.80} is none of the checkpoint's labels")
        records, one = self._records(text)
        if not one:
            raise InputError("one text is explained at a time: give the text, not a list")
        occlusion = occlude(records[0], task, self._predictor.text)
        outputs = self._predictor.outputs(occlusion.variants, self.batch_size)
        return explanation(occlusion, np.concatenate(outputs), task, label)

    def vectors(self, texts: One | Iterable[One]) -> np.ndarray:
        """Computes the vector of each text: similar texts have vectors with a large cosine.

        A vector is pooled from the backbone's output over the text's tokens: the mean of a
        checkpoint that is only pre-trained, the largest values of one that is fine-tuned.

        Args:
            texts: a text or a pair (a tuple of two texts), or several.

        Returns:
            (d_model,) float32 for one input, (texts, d_model) for several; 0 for white space.

        Raises:
            InputError: an input is neither a text nor a pair.
        """
        inputs, one = listed(texts)
        parts = [text_of(each, _place(index, one)) for index, each in enumerate(inputs)]
        found = self._vectors(parts, self.batch_size)
        return found[0] if one else found

    @property
    def backbone(self) -> "Backbone":
        """The backbone with its weights: a Keras layer, to be used in a model of one's own."""
        return self._vectors.backbone

    def inputs(self, texts: One | Iterable[One]) -> dict[str, np.ndarray]:
        """Turns texts into the backbone's inputs, truncated and padded.

        Args:
            texts: a text or a pair (a tuple of two texts), or several of one kind.

        Returns:
            "token_ids" and "segment_ids" (texts, length) int32, "padding_mask" (texts, length)
            bool.

        Raises:
            InputError: an input is neither a text nor a pair, or there is none.
        """
        inputs, one = listed(texts)
        if not inputs:
            raise InputError("there are no texts: at least one is needed")
        parts = [text_of(each, _place(index, one)) for index, each in enumerate(inputs)]
        if len({isinstance(each, str) for each in parts}) > 1:
            raise InputError("the inputs of a batch are texts, or pairs of texts, not both")
        return self._vectors.inputs(parts)

    @property
    def _predictor(self) -> "Predictor":
        if self._own_predictor is None:
            raise CheckpointError(
                f"{self.folder}: this checkpoint is only pre-trained: it has vectors, but nothing "
                "to predict. Run train_bert_fine_tuning.py on it first."
            )
        return self._own_predictor

    def _labelling_task(self) -> "Task":
        task = self._predictor.task
        if not task.explains:
            raise CheckpointError(f"{self.folder}: the task {task.name} has no labels of texts.")
        return task

    def _records(self, texts: Any) -> "tuple[list[Record], bool]":
        task = self._predictor.task
        inputs, one = listed(texts)
        records = [
            record_of(each, task.fields, task.record, _place(index, one), task.defaults)
            for index, each in enumerate(inputs)
        ]
        return records, one


def _place(index: int, one: bool) -> str:
    return "the input" if one else f"input {index}"


def _import_keras() -> None:
    """Imports Keras without its messages, with the backend that the commands use."""
    from training.command_line import choose_backend, quiet_libraries

    choose_backend()
    quiet_libraries()
