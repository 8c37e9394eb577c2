"""What the two classification tasks have in common."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO, ClassVar, Self

import numpy as np

from common.errors import CheckpointError, ConfigError, OptionError
from common.files import to_json
from data_util.inputs import read_lengths, rows_to_inputs, truncated
from data_util.reading.labels import LabelSet
from data_util.reading.text_pairs import PAIR_KEYS, Text
from data_util.tokens.ngrams import ngram_inputs
from data_util.tokens.pair_table import NGRAMS, FeatureTable
from data_util.tokens.tokenizers import Tokenizer
from models.backbones.base import Backbone
from models.checkpoints.folder import Checkpoint
from models.heads.bag_of_words import BagOfWords
from models.heads.ngram_classifier import NgramClassifier
from models.registry import HEADS
from models.task_model import TaskModel
from tasks.base import Encoded, Evaluation, Forward, Task
from tasks.classification.data import ClassificationData, prepare_data
from tasks.classification.encoded import EncodedText
from tasks.classification.evaluation import ClassificationEvaluation
from tasks.classification.metrics import decide
from tasks.classification.model import ClassificationModel
from tasks.classification.options import ClassificationOptions
from tasks.classification.records import read_lines
from tasks.classification.result import Labelling
from tasks.classification.stored import stored_ngrams, stored_thresholds
from tasks.data import DataSettings, Files, TextEncoder

UNK = "[UNK]"


class Classification(Task):
    """Assigns labels to texts, or to pairs of texts.

    Args:
        labels: in the order of the outputs.
        pairs: whether a record is a pair of texts.
        head: a key of `models.registry.HEADS`; None: the default for this kind of record.
        ngrams: what the linear classifier reads that adds to the network's logits; None if there is
            no such classifier.
        threshold: a fixed threshold for all labels; None: validation chooses one.

    Attributes:
        thresholds: (labels,) float, the probability from which each label is predicted: those of
            the best validation so far, or of the checkpoint.

    Raises:
        ConfigError: there is no such head.
    """

    score = "f1"
    result_type = Labelling
    explains = True
    # It is the same in all trials, and takes longer to fit than they take.
    trial_options: ClassVar[Mapping[str, Any]] = {"tfidf_classifier": False}
    exclusive: ClassVar[bool]

    def __init__(
        self,
        labels: LabelSet,
        *,
        pairs: bool = False,
        head: str | None = None,
        ngrams: FeatureTable | None = None,
        threshold: float | None = None,
    ) -> None:
        if head is not None and (not isinstance(head, str) or head not in HEADS):
            raise ConfigError(f"head must be one of {', '.join(HEADS)}, not {head!r:.80}.")
        self.label_set = labels
        self.pairs = pairs
        self.head = head or ("alignment" if pairs else "max_pooled")
        self.ngrams = ngrams
        # Checkpoints of earlier versions have a linear classifier over the network's tokens.
        self.bag_of_words = False
        self.threshold = threshold
        self.thresholds = np.full(len(labels), 0.5 if threshold is None else threshold)
        self.unit = "pairs" if pairs else "documents"
        self.fields = dict.fromkeys(PAIR_KEYS, str) if pairs else {"text": str}
        self.min_sequence_length = 5 if pairs else 3

    @classmethod
    def prepare(
        cls, files: Files, settings: DataSettings, options: ClassificationOptions
    ) -> ClassificationData:
        """See `Task.prepare`."""
        return prepare_data(cls, files, settings, options)

    # The checkpoint folder.

    def config(self) -> dict[str, Any]:
        """See `Task.config`; the keys are those of earlier versions."""
        return {
            "num_labels": len(self.label_set),
            "head": self.head,
            "num_ngrams": len(self.ngrams) if self.ngrams else 0,
            "pairs": self.pairs,
        }

    def texts(self) -> dict[str, str]:
        """The labels, one per line, and the n-grams of the linear classifier."""
        texts = {"labels.txt": "".join(f"{label}\n" for label in self.labels)}
        if self.ngrams is not None:
            texts[NGRAMS] = self.ngrams.to_text()
        return texts

    @classmethod
    def from_checkpoint(cls, checkpoint: Checkpoint) -> Self:
        """See `Task.from_checkpoint`."""
        labels = LabelSet.load(checkpoint.path("labels.txt"))
        if len(labels) != checkpoint.setting("num_labels", int):
            raise CheckpointError(
                f"{checkpoint.path('labels.txt')}: {len(labels):,} labels, but the model has "
                f"{checkpoint.setting('num_labels', int):,}; it belongs to another checkpoint."
            )
        try:
            task = cls(
                labels,
                # Checkpoints of earlier versions lack these two.
                pairs="pairs" in checkpoint.config and checkpoint.setting("pairs", bool),
                ngrams=stored_ngrams(checkpoint),
                head=checkpoint.setting("head", str),
            )
        except ConfigError as error:
            raise CheckpointError(f"{checkpoint.folder}: config.json: {error}") from error
        if "bag_of_words" in checkpoint.config:
            task.bag_of_words = checkpoint.setting("bag_of_words", bool)
        task.thresholds = np.array(stored_thresholds(checkpoint, labels.labels))
        return task

    def summary(self) -> str:
        """The number of labels, and what computes the logits."""
        words = " and TF-IDF classifier" if self.ngrams is not None or self.bag_of_words else ""
        return f"{len(self.labels):,} labels, head {self.head}{words}"

    def use_threshold(self, threshold: float) -> None:
        """See `Task.use_threshold`."""
        self.thresholds = np.full(len(self.label_set), threshold)

    # The model.

    def build_model(self, backbone: Backbone, dropout: float) -> ClassificationModel:
        """See `Task.build_model`."""
        config, num_labels = backbone.config, len(self.label_set)
        if self.pairs and config.num_segments < 2:
            raise OptionError(
                "the backbone has only one segment, and a pair of texts needs two: use another "
                "checkpoint."
            )
        head = HEADS[self.head](config, num_labels, dropout, name="head")
        linear: NgramClassifier | BagOfWords | None = None
        if self.ngrams is not None:
            linear = NgramClassifier(len(self.ngrams), num_labels, name="ngram_classifier")
        elif self.bag_of_words:
            linear = BagOfWords(config.vocab_size, num_labels, name="bag_of_words")
        return ClassificationModel(backbone, head, self, linear)

    def start_head(self, model: TaskModel, data: Any) -> None:
        """Starts with the frequencies of the labels in the training examples as probabilities."""
        corpus = data.corpora["train"]
        counts = np.bincount(corpus.label_ids, minlength=len(self.label_set))
        model.set_class_priors(counts / len(corpus))

    def evaluation(
        self, model: TaskModel, data: Any, forward: Forward, found: dict[str, Any]
    ) -> Evaluation:
        """See `Task.evaluation`."""
        return ClassificationEvaluation(self, model, data, forward, found)

    # Prediction.

    def read(self, stream: BinaryIO, name: str) -> Iterator[tuple[int, Text | None]]:
        """See `Task.read`."""
        return read_lines(stream, name, pairs=self.pairs)

    def record(self, values: Mapping[str, Any]) -> Text:
        """See `Task.record`."""
        if not self.pairs:
            return values["text"]
        first, second = (values[name] for name in self.fields)
        return first, second

    def is_empty(self, record: Text) -> bool:
        """Whether a text, or one of the two texts of a pair, is only white space."""
        return not all(text.strip() for text in _texts(record))

    def encode(self, records: Sequence[Text], text: TextEncoder) -> list[Encoded]:
        """An `EncodedText` for each text, or for both texts of each pair.

        Raises:
            ValueError: a record is of the other kind.
        """
        parts = [_texts(record) for record in records]
        if any(len(texts) != len(self.fields) for texts in parts):
            raise ValueError(f"each record must consist of {', '.join(self.fields)}")
        found = text.encode_with_tokens([part for texts in parts for part in texts])
        keep = self.ngrams is not None
        encoded = (EncodedText(ids, tokens if keep else ()) for ids, tokens in found)
        return [tuple(next(encoded) for _ in texts) for texts in parts]

    def inputs(self, encoded: Sequence[Encoded], text: TextEncoder) -> dict[str, np.ndarray]:
        """See `Task.inputs`."""
        ids = [tuple(part.ids for part in parts) for parts in encoded]
        packed = rows_to_inputs(ids, text.vocabulary, text.sequence_length)
        if self.ngrams is not None:
            read = (truncated(parts, text.sequence_length) for parts in encoded)
            packed |= ngram_inputs(
                [self.ngrams.features(*(part.tokens for part in parts)) for parts in read]
            )
        return {**packed, "example": np.arange(len(encoded), dtype=np.int32)}

    def sample(self, length: int, text: TextEncoder) -> Encoded:
        """See `Task.sample`."""
        ids = np.full(max(length - 2, 1), text.vocabulary.unk_id, np.int32)
        one = EncodedText(ids, (UNK,) * len(ids))
        return (one, one[:1]) if self.pairs else (one,)

    def results(
        self, encoded: Sequence[Encoded], outputs: Sequence[np.ndarray], top_k: int = 0
    ) -> list[dict[str, Any]]:
        """{"labels": [{"label", "probability"}...]} for each record, most probable first.

        With `top_k`, "top" has the `top_k` most probable labels, whether predicted or not.
        """
        if not outputs:
            return []
        probabilities = np.asarray(self.probabilities(np.concatenate(outputs)))
        decisions = decide(probabilities, self.thresholds, exclusive=self.exclusive)
        return [self._result(*row, top_k) for row in zip(probabilities, decisions, strict=True)]

    def empty_result(self) -> dict[str, Any]:
        """No labels."""
        return {"labels": []}

    def known_labels(self) -> list[dict[str, Any]]:
        """The labels, each with its threshold."""
        return [
            {"label": label, "threshold": float(threshold)}
            for label, threshold in zip(self.labels, self.thresholds, strict=True)
        ]

    def serving_outputs(self, outputs: Any) -> dict[str, Any]:
        """The logits and the probabilities."""
        return {"logits": outputs, "probabilities": self.probabilities(outputs)}

    def serving_files(self) -> dict[str, str]:
        """The labels, and the threshold of each."""
        thresholds = dict(zip(self.labels, self.thresholds.tolist(), strict=True))
        return {**self.texts(), "thresholds.json": to_json(thresholds).decode()}

    # Explanations.

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, in the order of the outputs."""
        return self.label_set.labels

    def read_lengths(self, lengths: Sequence[int], text: TextEncoder) -> list[int]:
        """See `Task.read_lengths`."""
        return read_lengths(lengths, text.sequence_length)

    def spans(self, record: Text, tokenizer: Tokenizer) -> list[list[tuple[int, int]]]:
        """See `Task.spans`."""
        return [tokenizer.spans(text) for text in _texts(record)]

    def _result(
        self, probabilities: np.ndarray, decisions: np.ndarray, top_k: int
    ) -> dict[str, Any]:
        def entries(labels: np.ndarray) -> list[dict[str, Any]]:
            return [
                {
                    "label": self.labels[label],
                    "probability": round(float(probabilities[label]), 6),
                }
                for label in labels
            ]

        order = np.argsort(-probabilities, kind="stable")
        result = {"labels": entries(order[decisions[order]])}
        if top_k:
            result["top"] = entries(order[:top_k])
        return result

    def bias(self, frequencies: np.ndarray) -> np.ndarray:
        """The logits whose probabilities are `frequencies`, (labels,)."""
        raise NotImplementedError


def _texts(record: Text) -> tuple[str, ...]:
    return (record,) if isinstance(record, str) else record
