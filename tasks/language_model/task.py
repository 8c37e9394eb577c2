"""The task language_model: [MASK] is filled in, or a text is continued.

It has no labelled examples and is not fine-tuned for: its checkpoints are those of pre-training.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar

from common.errors import CheckpointError, InputError
from data_util.reading.documents import texts_or_errors
from data_util.reading.settings import DEFAULT_READING, Reading
from data_util.tokens.vocabulary import Vocabulary
from tasks.base import Task
from tasks.data import DataSettings, Line, TaskData
from tasks.evaluation import Compile, Outputs

if TYPE_CHECKING:
    from models.serving_model import ServingPart

PROMPT = "prompt"


class LanguageModel(Task):
    """What a pre-trained checkpoint makes of a text; a subclass says what that is.

    Args:
        vocabulary: of the token ids.
        style: of the tokenizer.
        longest: the most tokens of a sequence.
        folder: the checkpoint's, for messages.
    """

    name: ClassVar[str] = "language_model"
    unit: str = "texts"
    fields: Mapping[str, Any] = {PROMPT: str}

    def __init__(
        self, vocabulary: Vocabulary, style: str, longest: int, folder: Path = Path()
    ) -> None:
        self.vocabulary, self.style, self.longest = vocabulary, style, longest
        self._folder = folder

    def outputs_function(self, model: Any, compiled: Compile) -> Outputs:
        """See `Task.outputs_function`; the model is a `PretrainingModel`."""
        raise NotImplementedError

    def read(
        self, stream: BinaryIO, name: str, reading: Reading = DEFAULT_READING
    ) -> Iterator[Line]:
        """One text per line or record; one that makes no record has an error."""
        for found in texts_or_errors(stream, name, reading=reading):
            if isinstance(found, InputError):
                yield Line(found.line or 0, error=found)
                continue
            try:
                record = self.record({PROMPT: found.text}) if found.text.strip() else None
            except InputError as error:
                yield Line(found.line, error=InputError(error.message, name, found.line))
            else:
                yield Line(found.line, record, found.id)

    def is_empty(self, record: str) -> bool:
        """Whether the text is only white space."""
        return not record.strip()

    # What needs labelled examples, or another model.

    def labelled(self, files: Sequence[str], settings: DataSettings) -> TaskData:
        """Its results have no truth.

        Raises:
            CheckpointError: always.
        """
        raise self._only_pretrained("language_model.py measures the perplexity of texts")

    def serving_parts(self, model: Any) -> "dict[str, ServingPart]":
        """It cannot be exported.

        Raises:
            CheckpointError: always.
        """
        raise self._only_pretrained("serve.py serves it without an export")

    def _only_pretrained(self, instead: str) -> CheckpointError:
        return CheckpointError(
            f"{self._folder}: this checkpoint is only pre-trained. Run train_bert_fine_tuning.py "
            f"on it first ({instead})."
        )
