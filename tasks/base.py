"""The contract of a task: everything between labelled examples and results, for one kind of them.

A task is a subclass of `Task` in a folder of its own, named in `tasks.registry`. An instance
describes one data set, or one checkpoint: its labels, its head, what validation has
chosen. Training, prediction, serving and export use the instance and know no task by name.

An exported model gives results without Keras, TensorFlow, SciPy and scikit-learn. So the module of
a task imports none of them, nor what imports them: the methods that train and measure import what
they need themselves.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar, Self

import numpy as np

from data_util.reading.settings import DEFAULT_READING, Reading
from tasks.checked import CheckedFiles
from tasks.data import Line, TaskData, TextEncoder
from tasks.decided import Decided
from tasks.evaluation import Compile, Evaluation, Forward, Outputs
from tasks.explained import Explained
from tasks.exported import Exported
from tasks.formats import ResultFormat
from tasks.labelled import Labelled
from tasks.tables import Tabular

if TYPE_CHECKING:
    from models.backbones.base import Backbone
    from models.checkpoints.folder import Checkpoint
    from models.task_model import TaskModel

# What a result is wanted for: a text, a pair of texts, a question and its passage.
Record = Any
# A record's token ids, as `Task.encode` gives them.
Encoded = Any
# What `Task.continue_head` says of a head that was copied as a whole.
KEPT = "the head keeps its weights"


class Task(Labelled, CheckedFiles, Decided, Explained, Exported, Tabular):
    """One kind of labelled example: how it is read, learned and measured, and what a result is.

    Attributes:
        name: the key in `tasks.registry.TASKS`; or in `PRETRAINED_TASKS`, and then the task lacks
            the methods that learn.
        score: the validation metric that chooses the best epoch.
        higher_is_better: whether a larger score is better.
        near_tie: two scores that differ by no more count as equally good; then the later epoch is
            the better one if a part of the model improved: see `Evaluation.part_improved`.
        fields: the fields of a record, and of a request to the service. Each is a `str` or a
            `list[str]`. A record of one `str` may be given as the text itself. `defaults` has the
            values of those that may be left out.
        result_type: a dataclass that describes a result of `results`; an entry that is None may be
            missing. The service's page shows a result by the first of its entries that it knows.
        min_sequence_length: the shortest sequence that can hold a record.
        explains: whether `labels`, `probabilities`, `log_odds` and `read_lengths` are implemented,
            which explain a label; if so, `encode` gives a tuple with the token ids of each text of
            the record.
        formats: further formats of predict.py's output, by name.
        trial_options: options for the short runs that compare settings (`--autotune_minutes`).
    """

    name: ClassVar[str]
    score: str
    higher_is_better: bool = True
    near_tie: ClassVar[float] = 0.0
    min_sequence_length: int = 3
    explains: ClassVar[bool] = False
    formats: ClassVar[Mapping[str, type[ResultFormat]]] = {}
    trial_options: ClassVar[Mapping[str, Any]] = {}

    # The checkpoint folder.

    def config(self) -> dict[str, Any]:
        """The task's entries of `config.json`, beside "task", its name."""
        return {}

    def texts(self) -> dict[str, str]:
        """The task's text files in the checkpoint folder, by name."""
        return {}

    @classmethod
    def from_checkpoint(cls, checkpoint: "Checkpoint") -> Self:
        """The task that a checkpoint was fine-tuned for.

        Raises:
            CheckpointError, InputError: its files are not as this task writes them.
        """
        raise NotImplementedError

    def summary(self) -> str:
        """A short description for the log, such as the number of labels and the head."""
        return self.name

    # The model.

    def build_model(self, backbone: "Backbone", dropout: float) -> "TaskModel":
        """Makes the model, not yet built: the backbone and a head.

        Args:
            backbone: the backbone.
            dropout: the fraction of the head's inputs that is dropped in training.

        Raises:
            ConfigError, OptionError: the backbone or the sizes do not fit the task.
        """
        raise NotImplementedError

    def start_head(self, model: "TaskModel", data: TaskData) -> None:
        """Initializes the head of a built model from the training examples, if the task does so."""

    def continue_head(self, model: "TaskModel", before: "Task", source: "TaskModel") -> str | None:
        """Initializes the head of a built model from that of a fine-tuned checkpoint.

        Args:
            model: of this task, after `start_head`.
            before: the task of the checkpoint that fine-tuning starts from.
            source: its model.

        Returns:
            What was kept, in a sentence without its full stop; None, and nothing is changed, if the
            two heads have nothing in common.
        """
        return None

    def loss(self, inputs: Mapping[str, Any], targets: Any, outputs: Any) -> tuple[Any, Any]:
        """The loss of each target, in Keras' operations.

        Args:
            inputs: of the batch; rows with the same "example" belong together.
            targets: of the batch.
            outputs: of the model, (rows, ...).

        Returns:
            Values and weights, both (rows, ...) float32. A weight of 0 means that there is no
            target; None means that every value counts. The batch's loss is the weighted mean.
        """
        raise NotImplementedError

    def outputs_function(self, model: "TaskModel", compiled: Compile) -> Outputs:
        """The function from the inputs of a batch to the outputs that `results` reads.

        By default it is the forward pass of the model. A task whose results take several passes,
        such as one per token that is written, gives a function of its own.

        Args:
            model: of this task.
            compiled: compiles a Keras model, or a part of one.

        Returns:
            A function that gives an array, or a dict of arrays, (rows, ...) each.
        """
        return compiled(model)

    # Metrics.

    def evaluation(
        self, model: "TaskModel", data: TaskData, forward: Forward, found: dict[str, Any]
    ) -> Evaluation:
        """See `Evaluation`."""
        raise NotImplementedError

    # Prediction: a caller uses `encode`, then `inputs` for a batch, then what `outputs_function`
    # gives, splits its outputs by example, and calls `results`.

    def read(
        self, stream: BinaryIO, name: str, reading: Reading = DEFAULT_READING
    ) -> Iterator[Line]:
        """Reads the records of a stream, one per line.

        Args:
            stream: such as standard input; never read further than the records that are consumed.
            name: of the stream, for errors; its ending may decide the format.
            reading: how to read it.

        Yields:
            Each line. One that is wrong has an error, which names it, so that a caller can go past
            it.

        Raises:
            InputError: the rest of the stream cannot be used.
        """
        raise NotImplementedError

    def record(self, values: Mapping[str, Any]) -> Record:
        """Makes a record from the `fields` of a request.

        Raises:
            InputError: the checkpoint can make nothing of them; says what to do.
        """
        raise NotImplementedError

    def is_empty(self, record: Record) -> bool:
        """Whether there is nothing to predict from, so that `empty_result` is the result."""
        raise NotImplementedError

    def encode(self, records: Sequence[Record], text: TextEncoder) -> list[Encoded]:
        """The token ids of each record."""
        raise NotImplementedError

    def text_length(self, length: int) -> int:
        """How much of a text is read in all by a model that reads `length` tokens at once."""
        return length

    def length(self, encoded: Encoded) -> int:
        """The number of tokens of a record; records of similar length share a batch."""
        return sum(map(len, encoded))

    def inputs(self, encoded: Sequence[Encoded], text: TextEncoder) -> dict[str, np.ndarray]:
        """Turns one or more records into a batch: see `tasks.data.Batches`."""
        raise NotImplementedError

    def sample(self, length: int, text: TextEncoder) -> Encoded:
        """A record of unknown tokens that fills a sequence of `length`, to warm up the service."""
        raise NotImplementedError

    def results(
        self, encoded: Sequence[Encoded], outputs: Sequence[Any], top_k: int = 0
    ) -> list[dict[str, Any]]:
        """The result of each record, as JSON has it.

        Args:
            encoded: the records.
            outputs: for each record the model's outputs of its rows, (its rows, ...).
            top_k: how many of the most probable alternatives to add.
        """
        raise NotImplementedError

    def empty_result(self) -> dict[str, Any]:
        """The result of an empty record, and of a line without a record."""
        raise NotImplementedError

    def known_labels(self) -> list[dict[str, Any]]:
        """The labels, each with its settings: {"label": ..., ...}."""
        return []

    def examples(self, chinese: bool) -> list[dict[str, Any]]:
        """Inputs to try on the page of the service, as `fields`; Chinese ones, or English ones.

        The service warms up with them, too.
        """
        return []
