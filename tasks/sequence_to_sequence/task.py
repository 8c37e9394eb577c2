"""The task sequence_to_sequence: a text is read, and another one is written."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar, Self

import numpy as np

from common.errors import CheckpointError, OptionError
from common.options import Options
from data_util.inputs import documents_to_inputs
from data_util.reading.settings import DEFAULT_READING, Reading
from data_util.tokens.detokenize import detokenize
from data_util.tokens.tokenizer_files import load_tokenizer
from data_util.tokens.vocabulary import Vocabulary
from models.checkpoints.folder import WEIGHTS, Checkpoint
from models.checkpoints.size_limits import WEIGHT_BYTES
from models.generation.settings import GenerationSettings
from tasks.base import Encoded, Evaluation, Forward, Task
from tasks.data import Line, TextEncoder
from tasks.evaluation import Compile, Outputs
from tasks.sequence_to_sequence.options import SequenceToSequenceOptions
from tasks.sequence_to_sequence.records import SOURCE, read_sources

if TYPE_CHECKING:
    from models.backbones.base import Backbone
    from models.serving_model import ServingPart
    from models.task_model import TaskModel

# The key of `config.json` that has the task's options.
CONFIG_KEY = "sequence_to_sequence"
# The parts of an export.
ENCODER, DECODER = "encoder", "decoder"


@dataclass
class Written:
    """A text, and how sure the model is: the mean log-probability of its tokens."""

    text: str
    score: float | None
    top: list[dict[str, Any]] | None = None


class SequenceToSequence(Task):
    """Writes a text from a text.

    Args:
        options: of the decoder, of generation and of metrics.
        vocabulary: of the token ids.
        style: of the tokenizer.
    """

    name: ClassVar[str] = "sequence_to_sequence"
    data_module: ClassVar[str] = "tasks.sequence_to_sequence.data"
    score: str = "loss"
    higher_is_better: bool = False
    # Short runs are compared by the loss: nothing is written in them.
    trial_options: ClassVar[Mapping[str, Any]] = {"score": "loss"}
    truth: ClassVar[str] = "targets"
    fields: Mapping[str, Any] = {SOURCE: str}
    result_type: ClassVar[type] = Written

    def __init__(
        self, options: SequenceToSequenceOptions, vocabulary: Vocabulary, style: str
    ) -> None:
        groups = dataclasses.fields(SequenceToSequenceOptions)
        values = {each.name: getattr(options, each.name) for each in groups}
        self.options = SequenceToSequenceOptions(**values)
        self.vocabulary, self._style = vocabulary, style
        self.score = self.options.score
        self.higher_is_better = self.score != "loss"
        self._generation()  # Options that contradict each other are told now.

    def _generation(self) -> GenerationSettings:
        vocabulary = self.vocabulary
        never = {*vocabulary.reserved_ids.tolist()} - {vocabulary.sep_id}
        return self.options.settings(self.options.max_target_length, never, vocabulary.sep_id)

    # The checkpoint folder.

    def config(self) -> dict[str, Any]:
        """See `Task.config`."""
        return {CONFIG_KEY: self.options.to_dict()}

    @classmethod
    def from_checkpoint(cls, checkpoint: Checkpoint) -> Self:
        """See `Task.from_checkpoint`."""
        values = checkpoint.setting(CONFIG_KEY, dict)
        vocabulary = Vocabulary.load(checkpoint.path("vocab.txt"))
        tokenizer = load_tokenizer(checkpoint.path("tokenizer.json"), vocabulary)
        try:
            options = SequenceToSequenceOptions(**values)
            task = cls(options, vocabulary, tokenizer.style)
        except (OptionError, TypeError) as error:
            raise CheckpointError(f"{checkpoint.folder}: config.json: {error}") from error
        if WEIGHTS in checkpoint.files:  # An export has none.
            _check_size(checkpoint, options.decoder_layers)
        return task

    def use_options(self, options: Options) -> None:
        """See `Task.use_options`."""
        super().use_options(options)
        self.options = self.options.changed(options)
        self._generation()

    def summary(self) -> str:
        """The decoder, and how it writes."""
        options = self.options
        search = "greedy search" if options.num_beams == 1 else f"{options.num_beams} beams"
        how = "sampling" if options.sampling else search
        layers = "1 layer" if options.decoder_layers == 1 else f"{options.decoder_layers} layers"
        return f"decoder of {layers}, at most {options.max_target_length} tokens, {how}"

    # The model.

    def build_model(self, backbone: "Backbone", dropout: float) -> "TaskModel":
        """See `Task.build_model`; the decoder's dropout is the backbone's."""
        from models.heads.decoder import Decoder, decoder_config
        from tasks.sequence_to_sequence.model import SequenceToSequenceModel

        options = self.options
        config = decoder_config(backbone.config, options.decoder_layers, options.max_target_length)
        return SequenceToSequenceModel(backbone, Decoder(config, name="head"), self)

    def continue_head(self, model: "TaskModel", before: Task, source: "TaskModel") -> str | None:
        """Copies the decoder of a checkpoint, if it has the same sizes."""
        if not isinstance(before, SequenceToSequence) or model.head.config != source.head.config:
            return None
        model.head.set_weights(source.head.get_weights())
        return "the decoder keeps its weights"

    def loss(self, inputs: Mapping[str, Any], targets: Any, outputs: Any) -> tuple[Any, Any]:
        """The cross-entropy of each token of the targets."""
        return outputs["loss"], targets

    def evaluation(
        self, model: "TaskModel", data: Any, forward: Forward, found: dict[str, Any]
    ) -> Evaluation:
        """See `Task.evaluation`."""
        from tasks.sequence_to_sequence.evaluation import SequenceToSequenceEvaluation

        return SequenceToSequenceEvaluation(self, model, data, forward, found)

    def outputs_function(self, model: Any, compiled: Compile) -> Outputs:
        """A function that writes texts token by token: see `Writer`."""
        parts = self.serving_parts(model)
        return self.exported_outputs({name: compiled(part) for name, part in parts.items()})

    # Prediction.

    def read(
        self, stream: BinaryIO, name: str, reading: Reading = DEFAULT_READING
    ) -> Iterator[Line]:
        """See `Task.read`."""
        return read_sources(stream, name, reading)

    def record(self, values: Mapping[str, Any]) -> str:
        """The source."""
        return values[SOURCE]

    def is_empty(self, record: str) -> bool:
        """Whether the source is only white space."""
        return not record.strip()

    def encode(self, records: Sequence[str], text: TextEncoder) -> list[Encoded]:
        """The token ids of each source, in a tuple."""
        return [(ids,) for ids in text.encode(records)]

    def inputs(self, encoded: Sequence[Encoded], text: TextEncoder) -> dict[str, np.ndarray]:
        """See `Task.inputs`."""
        sources = [ids for (ids,) in encoded]
        inputs = documents_to_inputs(sources, text.vocabulary, text.sequence_length)
        return {**inputs, "example": np.arange(len(encoded), dtype=np.int32)}

    def sample(self, length: int, text: TextEncoder) -> Encoded:
        """See `Task.sample`."""
        return (np.full(max(length - 2, 1), text.vocabulary.unk_id, np.int32),)

    def results(
        self, encoded: Sequence[Encoded], outputs: Sequence[Any], top_k: int = 0
    ) -> list[dict[str, Any]]:
        """The best text of each source; with `top_k`, as many of those of the search as there are.

        The score is the mean log-probability of the tokens (or as --length_penalty has it).
        """
        results = []
        for rows in outputs:
            texts = [
                {
                    "text": self.text_of(rows["ids"][0, place, :length]),
                    "score": round(float(rows["scores"][0, place]), 6),
                }
                for place, length in enumerate(rows["lengths"][0].tolist())
                if length >= 0
            ]
            results.append({**texts[0], **({"top": texts[:top_k]} if top_k else {})})
        return results

    def text_of(self, ids: np.ndarray) -> str:
        """The text of some token ids."""
        return detokenize(map(self.vocabulary.tokens.__getitem__, ids.tolist()), self._style)

    def empty_result(self) -> dict[str, Any]:
        """No text."""
        return {"text": "", "score": None}

    def columns(self, top_k: int = 0) -> list[str]:
        """The text and its score, and the further texts."""
        return ["text", "score", *(["top"] if top_k else [])]

    def examples(self, chinese: bool) -> list[dict[str, Any]]:
        """See `Task.examples`."""
        return [{SOURCE: "今天天气很好。" if chinese else "Whose turn is it?"}]

    # An export: the encoder, and one step of the decoder; the search is outside.

    def serving_parts(self, model: "TaskModel") -> "dict[str, ServingPart]":
        """See `Task.serving_parts`."""
        from tasks.sequence_to_sequence.model import MemoryPart, StepPart

        return {ENCODER: MemoryPart(model), DECODER: StepPart(model)}

    def exported_outputs(self, parts: Mapping[str, Outputs]) -> Outputs:
        """See `Task.exported_outputs`."""
        from tasks.sequence_to_sequence.writer import Writer

        ids = self.vocabulary
        return Writer(parts[ENCODER], parts[DECODER], self._generation(), ids.cls_id, ids.pad_id)

    def serving_outputs(self, outputs: Any) -> dict[str, Any]:
        """The loss of each token of a given target; nothing is written by one pass."""
        return dict(outputs)

    def served_outputs(self, found: Mapping[str, np.ndarray]) -> Any:
        """See `Task.served_outputs`."""
        return dict(found)

    def serving_decision(self) -> dict[str, Any]:
        """The tokens that begin and end a text, those that are never written, and the search."""
        settings = dataclasses.asdict(self._generation())
        return {"start_id": self.vocabulary.cls_id, "style": self._style, **settings}


def _check_size(checkpoint: Checkpoint, layers: int) -> None:
    """Checks that the weights file is large enough for a decoder, before it takes memory."""
    from models.heads.decoder import Decoder

    needed = Decoder.min_parameters(checkpoint.backbone, layers)
    path = checkpoint.path(WEIGHTS)
    if needed > path.stat().st_size // WEIGHT_BYTES:
        raise CheckpointError(
            f"{path}: these weights do not belong to the model that config.json describes (a "
            f"decoder of {layers} layers has at least {needed:,} parameters)."
        )
