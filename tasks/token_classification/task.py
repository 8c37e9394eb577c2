"""Token classification: named entities, parts of speech, word segmentation."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar, Self

import numpy as np

from data_util.inputs import rows_to_inputs
from data_util.reading.labels import LabelSet
from data_util.reading.settings import DEFAULT_READING, Reading
from tasks.base import Evaluation, Forward, Task
from tasks.data import Line, TextEncoder
from tasks.formats import ResultFormat
from tasks.stored_labels import LABELS, stored_labels
from tasks.token_classification.decoding import Chain, best_tags, entity_probabilities
from tasks.token_classification.passages import (
    EncodedPassage,
    Passage,
    encode,
    in_characters,
    scores_of,
)
from tasks.token_classification.records import read_lines
from tasks.token_classification.result import ConllFormat, Tagging, tagging
from tasks.token_classification.stored import stored_settings
from tasks.token_classification.tag_chain import tag_scores, transition_scores
from tasks.token_classification.tags import Entity, entities_of, tag_names

if TYPE_CHECKING:
    from models.backbones.base import Backbone
    from models.checkpoints.folder import Checkpoint
    from models.task_model import TaskModel

# To try, by whether they are Chinese.
_EXAMPLES = {
    True: "2018年3月，被告人张某某在北京市朝阳区盗窃李某的手机一部。",
    False: "Angela Merkel met the president of France in Paris on Monday.",
}


class TokenClassification(Task):
    """Labels parts of a text.

    Args:
        labels: of the entities.
        scheme: of the tags that the model learns: "bio", "bioes" or "plain".
        crf: whether the head has a linear-chain CRF.
        ngrams: whether the head reads the n-grams around each token, too.
        overlap: tokens that two neighbouring windows of a long text share.
        nested: what becomes of entities within others in labelled files.
        scale: of all scores, which calibrates the probabilities: see `calibration`.
    """

    name: ClassVar[str] = "token_classification"
    data_module: ClassVar[str] = "tasks.token_classification.data"
    score: str = "entity_f1"
    unit: str = "texts"
    truth: ClassVar[str] = "entities"
    fields: Mapping[str, Any] = {"text": str}
    result_type: ClassVar[type] = Tagging
    formats: ClassVar[Mapping[str, type[ResultFormat]]] = {"conll": ConllFormat}

    def __init__(
        self,
        labels: LabelSet,
        *,
        scheme: str = "bio",
        crf: bool = False,
        ngrams: bool = False,
        overlap: int = 64,
        nested: str = "error",
        scale: float = 1.0,
    ) -> None:
        self.entity_labels = labels.labels
        self.scheme, self.crf, self.ngrams = scheme, crf, ngrams
        self.overlap, self.nested = overlap, nested
        self.tags = tag_names(labels.labels, scheme)
        self.scale = scale

    # The checkpoint folder.

    def config(self) -> dict[str, Any]:
        """See `Task.config`."""
        return {
            "head": "per_token",
            "num_labels": len(self.entity_labels),
            "tags": self.scheme,
            "crf": self.crf,
            "ngrams": self.ngrams,
            "window_overlap": self.overlap,
            "nested_entities": self.nested,
        }

    def texts(self) -> dict[str, str]:
        """The labels, one per line."""
        return {LABELS: "".join(f"{label}\n" for label in self.entity_labels)}

    @classmethod
    def from_checkpoint(cls, checkpoint: "Checkpoint") -> Self:
        """See `Task.from_checkpoint`."""
        return cls(stored_labels(checkpoint), **stored_settings(checkpoint))

    def summary(self) -> str:
        """The number of labels, and the tags."""
        crf = ", CRF" if self.crf else ""
        return f"{len(self.entity_labels):,} labels, {len(self.tags):,} tags ({self.scheme}){crf}"

    # The model.

    def build_model(self, backbone: "Backbone", dropout: float) -> "TaskModel":
        """See `Task.build_model`."""
        from models.heads.per_token import PerTokenHead
        from models.task_model import TaskModel

        parts = {"crf": self.crf, "ngrams": self.ngrams}
        head = PerTokenHead(backbone.config, len(self.tags), dropout, **parts, name="head")
        return TaskModel(backbone, head, self)

    def start_head(self, model: "TaskModel", data: Any) -> None:
        """Starts from how often the tags stand in the training texts, and after each other."""
        tags, count = data.tags["train"], len(self.tags)
        model.head.scores.bias.assign(tag_scores(tags, count))
        if self.crf:
            model.head.crf.transitions.assign(transition_scores(tags, count))

    def continue_head(self, model: "TaskModel", before: Task, source: "TaskModel") -> str | None:
        """Copies the head if the tags are the same; n-grams start anew if there were none."""
        if not isinstance(before, type(self)) or (before.tags, before.crf) != (self.tags, self.crf):
            return None
        for part in ("scores", "crf", "ngrams"):
            learned, new = getattr(source.head, part), getattr(model.head, part)
            if learned is not None and new is not None:
                new.set_weights(learned.get_weights())
        return f"the {len(self.tags):,} tags keep their weights"

    def loss(self, inputs: Mapping[str, Any], targets: Any, outputs: Any) -> tuple[Any, Any]:
        """The cross-entropy of each tag; with a CRF that of a row's tags together, per tag."""
        import keras
        from keras import ops

        from models.layers.linear_chain_crf import crf_loss

        weights = ops.cast(targets["tag_weights"], "float32")
        if not self.crf:
            losses = keras.losses.sparse_categorical_crossentropy(
                targets["tags"], outputs, from_logits=True
            )
            return losses, weights
        count = ops.sum(weights, axis=-1)
        losses = crf_loss(
            outputs["logits"],
            outputs["transitions"],
            targets["tags"],
            targets["previous_tags"],
            targets["last_tags"],
            weights,
        )
        return losses / ops.maximum(count, 1.0), count

    def evaluation(
        self, model: "TaskModel", data: Any, forward: Forward, found: dict[str, Any]
    ) -> Evaluation:
        """See `Task.evaluation`."""
        from tasks.token_classification.evaluation import TokenEvaluation

        return TokenEvaluation(self, model, data, forward, found)

    # Prediction.

    def read(
        self, stream: BinaryIO, name: str, reading: Reading = DEFAULT_READING
    ) -> Iterator[Line]:
        """See `Task.read`."""
        return read_lines(stream, name, reading)

    def record(self, values: Mapping[str, Any]) -> Passage:
        """See `Task.record`."""
        return Passage(values["text"])

    def values(self, record: Passage) -> dict[str, Any]:
        """See `Tabular.values`."""
        return {"text": record.text}

    def is_empty(self, record: Passage) -> bool:
        """Whether a text is only white space."""
        return not record.text.strip()

    def encode(self, records: Sequence[Passage], text: TextEncoder) -> list[EncodedPassage]:
        """See `Task.encode`."""
        return encode(records, text, self.overlap)

    def length(self, encoded: EncodedPassage) -> int:
        """See `Task.length`."""
        return max(len(encoded.ids), 1)

    def inputs(self, encoded: Sequence[EncodedPassage], text: TextEncoder) -> dict[str, np.ndarray]:
        """See `Task.inputs`: a row for each window."""
        rows = [(each.ids[start:end],) for each in encoded for start, end in each.windows]
        counts = [len(each.windows) for each in encoded]
        inputs = rows_to_inputs(rows, text.vocabulary, text.sequence_length)
        return {**inputs, "example": np.repeat(np.arange(len(counts)), counts).astype(np.int32)}

    def sample(self, length: int, text: TextEncoder) -> EncodedPassage:
        """See `Task.sample`."""
        count = max(length - 2, 1)
        ids = np.full(count, text.vocabulary.unk_id, np.int32)
        places = np.arange(count)
        units = np.stack([places, places + 1], axis=1)
        return EncodedPassage("?" * count, ids, units, places, [(0, count)])

    def results(
        self, encoded: Sequence[EncodedPassage], outputs: Sequence[Any], top_k: int = 0
    ) -> list[dict[str, Any]]:
        """See `Task.results`."""
        scores = [self.scores(each, out) for each, out in zip(encoded, outputs, strict=True)]
        entities, probabilities = self.decode(scores, outputs)
        return [
            tagging(each.text, in_characters(each, found), likely)
            for each, found, likely in zip(encoded, entities, probabilities, strict=True)
        ]

    def scores(self, encoded: EncodedPassage, outputs: Any) -> np.ndarray:
        """(units, T): the scores of a text's units, from the outputs of its windows."""
        return scores_of(encoded, outputs["logits"] if self.crf else outputs)

    def decode(
        self, scores: Sequence[np.ndarray], outputs: Sequence[Any], *, probabilities: bool = True
    ) -> tuple[list[list[Entity]], list[list[float]]]:
        """The entities of each text, over its units, and how probable they are, if it is asked.

        Args:
            scores: (units, T) of each text, from `scores`.
            outputs: of the model for at least one text.
            probabilities: whether they are computed.
        """
        chain = self.chain(outputs)
        found = [
            entities_of([self.tags[tag] for tag in tags], self.scheme)
            for tags in best_tags(scores, chain)
        ]
        if not probabilities:
            return found, [[] for _ in found]
        scaled = [self.scale * each for each in scores]
        return found, entity_probabilities(scaled, found, chain.scaled(self.scale))

    def chain(self, outputs: Sequence[Any]) -> Chain:
        """What may follow what, and with a CRF how well, from the outputs of any text."""
        transitions = None
        if self.crf and len(outputs):
            transitions = np.asarray(outputs[0]["transitions"][0])
        return Chain.of(self.tags, self.scheme, transitions)

    def empty_result(self) -> dict[str, Any]:
        """See `Task.empty_result`."""
        return {"entities": []}

    def known_labels(self) -> list[dict[str, Any]]:
        """See `Task.known_labels`."""
        return [{"label": label} for label in self.entity_labels]

    def examples(self, chinese: bool) -> list[dict[str, Any]]:
        """See `Task.examples`."""
        return [{"text": _EXAMPLES[chinese]}]

    def serving_outputs(self, outputs: Any) -> dict[str, Any]:
        """The logits of the tags; with a CRF the scores of transitions, too."""
        if not self.crf:
            return {"logits": outputs}
        return {"transitions": outputs["transitions"], "logits": outputs["logits"]}

    def served_outputs(self, found: Mapping[str, np.ndarray]) -> Any:
        """See `Task.served_outputs`."""
        return dict(found) if self.crf else found["logits"]

    def serving_decision(self) -> dict[str, Any]:
        """The tags, in the order of the logits, the windows of long texts, and the scale."""
        return {
            "tags": list(self.tags),
            "scheme": self.scheme,
            "window_overlap": self.overlap,
            "scale": self.scale,
        }
