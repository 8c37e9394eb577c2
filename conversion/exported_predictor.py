"""Predicts with an exported model: without Keras, and with TensorFlow for a SavedModel alone."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np

from common.errors import CheckpointError
from common.files import read_json
from conversion.exported import TOKENIZER, VOCABULARY, ExportedModel
from data_util.bucketing import batches_of_tokens
from data_util.tokens.tokenizer_files import load_tokenizer
from data_util.tokens.vocabulary import Vocabulary
from models.checkpoints.folder import CONFIG, METRICS, Checkpoint
from tasks.base import Encoded
from tasks.data import TextEncoder
from tasks.evaluation import Outputs
from tasks.loading import load_task
from training.options.groups import PredictorOptions
from training.predictor import TaskPredictor

# So few that what a layer computes is still in the processor's cache when the next one reads it.
_MAX_TOKENS = 4096
_BY_POSITION = ("token_ids", "segment_ids", "padding_mask")


class ExportedPredictor(TaskPredictor):
    """Loads a folder that `conversion.export` wrote, and predicts as its checkpoint does.

        >>> predictor = ExportedPredictor(Path("exported"))
        >>> predictor.predict(["被告人盗窃手机一部。"])
        [{'labels': [{'label': '盗窃', 'probability': 0.98, 'above_threshold': True}]}]

    Args:
        folder: the folder.
        threshold, threshold_file, at_least_one: see `training.prediction.Predictor`.

    Attributes:
        exported: the model.

    Raises:
        CheckpointError, InputError: it is not such a folder, a file of it is damaged, or its
            runtime is not installed.
        OptionError: an option is given that its task does not have.
    """

    def __init__(
        self,
        folder: Path,
        threshold: float | None = None,
        threshold_file: str = "",
        at_least_one: bool | None = None,
    ) -> None:
        self.exported = ExportedModel(folder)
        self.checkpoint = _files_beside(folder)
        self.metrics = self.checkpoint.json(METRICS)
        self.task = load_task(self.checkpoint)
        length = self.checkpoint.setting("sequence_length", int)
        if length < self.task.min_sequence_length:
            raise CheckpointError(
                f"{folder / CONFIG}: sequence_length must be at least "
                f"{self.task.min_sequence_length}, not {length}."
            )
        vocabulary = Vocabulary.load(self.checkpoint.path(VOCABULARY))
        tokenizer = load_tokenizer(self.checkpoint.path(TOKENIZER), vocabulary)
        self.text = TextEncoder(tokenizer, vocabulary, length)
        self.task.use_decision(threshold, threshold_file, at_least_one)

    @classmethod
    def from_options(cls, options: PredictorOptions) -> Self:
        """Loads the export that the options name, with their decision."""
        predictor = cls(
            Path(options.exported), options.threshold, options.threshold_file, options.at_least_one
        )
        predictor.task.use_options(options)
        return predictor

    def batch_outputs(self, encoded: Sequence[Encoded]) -> list[Any]:
        """See `TaskPredictor`; runs small batches of records of similar length."""
        all_lengths = [self.task.length(each) for each in encoded]
        lengths = np.minimum(all_lengths, self.text.sequence_length).astype(np.int64)
        results: list[Any] = [None] * len(encoded)
        for chosen in batches_of_tokens(lengths, _MAX_TOKENS):
            parts = super().batch_outputs([encoded[index] for index in chosen])
            for index, part in zip(chosen, parts, strict=True):
                results[index] = part
        return results

    def _run(self, inputs: Mapping[str, np.ndarray]) -> Any:
        """See `TaskPredictor`; leaves out the positions that are padding in every row."""
        longest = int(inputs["padding_mask"].sum(axis=1).max())
        return self._outputs(
            {
                name: array[:, :longest] if name in _BY_POSITION else array
                for name, array in inputs.items()
            }
        )

    @cached_property
    def _outputs(self) -> Outputs:
        return self.task.exported_outputs(self.exported.parts)


def _files_beside(folder: Path) -> Checkpoint:
    """What an export has of its checkpoint: all but the weights."""
    if not (folder / CONFIG).is_file():
        raise CheckpointError(
            f"{folder}: there is no {CONFIG} beside the model; an earlier version has written this "
            "export. Export the checkpoint again."
        )
    config = read_json(folder / CONFIG, "the configuration of an export", CheckpointError)
    files = {path.name: path for path in folder.iterdir() if path.is_file()}
    return Checkpoint(folder, config, files)
