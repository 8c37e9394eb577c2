"""What the two classification tasks have in common."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar, Self

import numpy as np

from common.errors import CheckpointError, ConfigError, OptionError
from common.files import to_json
from data_util.inputs import read_lengths, text_length
from data_util.reading.fields import PAIR_FIELDS
from data_util.reading.labels import LabelSet
from data_util.reading.settings import DEFAULT_READING, Reading
from data_util.reading.text_pairs import Text
from data_util.tokens.pair_table import NGRAMS, FeatureTable
from data_util.tokens.tokenizers import Tokenizer
from models.checkpoints.folder import Checkpoint
from models.registry import HEADS
from tasks.base import Encoded, Evaluation, Forward, Task
from tasks.classification import stored
from tasks.classification.encoded import EncodedText, classifier_inputs
from tasks.classification.labelled_files import LabelledDocuments
from tasks.classification.lines import read_lines
from tasks.classification.loss import LabelLoss
from tasks.classification.options import ClassificationOptions
from tasks.data import DataSettings, Files, Line, TextEncoder
from tasks.stored_labels import stored_labels

# The methods that train and measure import what they need themselves: see `tasks.base`.
if TYPE_CHECKING:
    from models.backbones.base import Backbone
    from models.task_model import TaskModel
    from tasks.classification.data import ClassificationData
    from tasks.classification.model import ClassificationModel

UNK = "[UNK]"
# To try, by whether they are Chinese: a text, and a pair of texts.
_EXAMPLES = {
    True: ("被告人朱某某在商店盗窃手机一部，当日被抓获归案。", "花呗怎么关", "花呗可以关闭吗"),
    False: ("The parcel is late, and nobody answers.", "Where is my parcel?", "When is it here?"),
}


class Classification(LabelledDocuments, LabelLoss):
    """Assigns labels to texts, or to pairs of texts.

    Args:
        labels: in the order of the outputs.
        pairs: whether a record is a pair of texts.
        head: a key of `models.registry.HEADS`; None: the default for this kind of record.
        ngrams: what the linear classifier reads that adds to the network's logits; None if there is
            no such classifier.
        threshold: a fixed threshold for all labels, or one for each, (labels,) with NaN where
            validation chooses it; None: validation chooses all.
        at_least_one: whether the label nearest to its threshold is predicted where none reaches it.
            With exactly one label per example, one is always predicted.
        score: the validation metric that chooses the best epoch, see `Task.score`.

    Attributes (see also `LabelLoss` and `LabelDecisions`):
        calibrated: whether a layer of the model calibrates the network's logits; an n-gram
            classifier does not need one, and checkpoints of earlier versions have none.

    Raises:
        ConfigError: there is no such head.
    """

    score: str = "f1"
    near_tie = 0.001
    explains = True
    # It is the same in all trials, and takes longer to fit than they take.
    trial_options: ClassVar[Mapping[str, Any]] = {"tfidf_classifier": False}

    def __init__(
        self,
        labels: LabelSet,
        *,
        pairs: bool = False,
        head: str | None = None,
        ngrams: FeatureTable | None = None,
        threshold: float | np.ndarray | None = None,
        at_least_one: bool = True,
        score: str = "f1",
    ) -> None:
        if head is not None and (not isinstance(head, str) or head not in HEADS):
            raise ConfigError(f"head must be one of {', '.join(HEADS)}, not {head!r:.80}.")
        super().__init__(labels.labels, threshold, at_least_one=at_least_one)
        self.label_set = labels
        self.pairs = pairs
        self.head = head or ("alignment" if pairs else "max_pooled")
        self.ngrams = ngrams
        # Checkpoints of earlier versions have a linear classifier over the network's tokens.
        self.bag_of_words = False
        self.calibrated = ngrams is None
        self.score = score
        self.unit = "pairs" if pairs else "documents"
        self.fields = dict.fromkeys(PAIR_FIELDS[0], str) if pairs else {"text": str}
        self.min_sequence_length = 5 if pairs else 3
        self.windows, self.window_length = 1, 0  # `prepare` and `from_checkpoint` set them.

    @classmethod
    def prepare(
        cls, files: Files, settings: DataSettings, options: ClassificationOptions
    ) -> "ClassificationData":
        """See `Task.prepare`."""
        from tasks.classification.data import prepare_data

        windows, length = options.windows, settings.sequence_length
        whole = replace(settings, sequence_length=text_length(windows, length))
        data = prepare_data(cls, files, whole, options)
        task: Any = data.task
        if windows > 1 and task.pairs:
            raise OptionError(f"--windows={windows}: it is for single texts, not for pairs.")
        task.windows, task.window_length = windows, length
        return data

    def labelled(self, files: Sequence[str], settings: DataSettings) -> "ClassificationData":
        """See `Task.labelled`."""
        from tasks.classification.evaluation_data import evaluation_data

        return evaluation_data(self, files, settings)

    # The checkpoint folder.

    def config(self) -> dict[str, Any]:
        """See `Task.config`; the keys are those of earlier versions."""
        return {
            "num_labels": len(self.label_set),
            "head": self.head,
            "num_ngrams": len(self.ngrams) if self.ngrams else 0,
            "pairs": self.pairs,
            "calibrated": self.calibrated,
            "at_least_one": self.at_least_one,
            **({"windows": self.windows} if self.windows > 1 else {}),
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
        labels = stored_labels(checkpoint)
        try:
            task = cls(
                labels,
                # Checkpoints of earlier versions lack all but the head.
                pairs=stored.stored_flag(checkpoint, "pairs", default=False),
                ngrams=stored.stored_ngrams(checkpoint),
                head=checkpoint.setting("head", str),
                at_least_one=stored.stored_flag(checkpoint, "at_least_one", default=True),
            )
        except ConfigError as error:
            raise CheckpointError(f"{checkpoint.folder}: config.json: {error}") from error
        task.calibrated = stored.stored_flag(checkpoint, "calibrated", default=False)
        task.bag_of_words = stored.stored_flag(checkpoint, "bag_of_words", default=False)
        task.windows = stored.stored_windows(checkpoint)
        if task.windows > 1:
            task.window_length = checkpoint.setting("sequence_length", int)
        task.thresholds = np.array(stored.stored_thresholds(checkpoint, labels.labels))
        return task

    def summary(self) -> str:
        """The number of labels, and what computes the logits."""
        words = " and TF-IDF classifier" if self.ngrams is not None or self.bag_of_words else ""
        return f"{len(self.labels):,} labels, head {self.head}{words}"

    # The model.

    def build_model(self, backbone: "Backbone", dropout: float) -> "ClassificationModel":
        """See `Task.build_model`."""
        from models.heads.bag_of_words import BagOfWords
        from models.heads.ngram_classifier import NgramClassifier
        from tasks.classification.model import ClassificationModel

        config, num_labels = backbone.config, len(self.label_set)
        head = HEADS[self.head](config, num_labels, dropout, name="head")
        linear: NgramClassifier | BagOfWords | None = None
        if self.ngrams is not None:
            linear = NgramClassifier(len(self.ngrams), num_labels, name="ngram_classifier")
        elif self.bag_of_words:
            linear = BagOfWords(config.vocab_size, num_labels, name="bag_of_words")
        model = ClassificationModel(backbone, head, self, linear, calibrated=self.calibrated)
        model.window_length = self.window_length if self.windows > 1 else None
        return model

    def start_head(self, model: "TaskModel", data: Any) -> None:
        """Starts with the frequencies of the labels in the training examples as probabilities."""
        corpus = data.corpora["train"]
        counts = np.bincount(corpus.label_ids, minlength=len(self.label_set))
        model.set_class_priors(counts / len(corpus))

    def continue_head(self, model: "TaskModel", before: Task, source: "TaskModel") -> str | None:
        """Copies what both heads have, and the weights of the labels that both tasks have."""
        from tasks.classification.continued_labels import continue_labels

        return continue_labels(self, model, before, source)

    def evaluation(
        self, model: "TaskModel", data: Any, forward: Forward, found: dict[str, Any]
    ) -> Evaluation:
        """See `Task.evaluation`."""
        from tasks.classification.evaluation import ClassificationEvaluation

        return ClassificationEvaluation(self, model, data, forward, found)

    # Prediction.

    def read(
        self, stream: BinaryIO, name: str, reading: Reading = DEFAULT_READING
    ) -> Iterator[Line]:
        """See `Task.read`."""
        return read_lines(stream, name, pairs=self.pairs, reading=reading)

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

    def text_length(self, length: int) -> int:
        """That of all windows together."""
        return text_length(self.windows, length)

    def inputs(self, encoded: Sequence[Encoded], text: TextEncoder) -> dict[str, np.ndarray]:
        """See `Task.inputs`."""
        packed = classifier_inputs(encoded, text, self.ngrams)
        return {**packed, "example": np.arange(len(encoded), dtype=np.int32)}

    def sample(self, length: int, text: TextEncoder) -> Encoded:
        """See `Task.sample`."""
        ids = np.full(max(length - 2, 1), text.vocabulary.unk_id, np.int32)
        one = EncodedText(ids, (UNK,) * len(ids))
        return (one, one[:1]) if self.pairs else (one,)

    def examples(self, chinese: bool) -> list[dict[str, Any]]:
        """See `Task.examples`."""
        single, *pair = _EXAMPLES[chinese]
        return [dict(zip(self.fields, pair if self.pairs else [single], strict=True))]

    def serving_files(self) -> dict[str, str]:
        """The labels, and the threshold of each."""
        thresholds = dict(zip(self.labels, self.thresholds.tolist(), strict=True))
        return {**self.texts(), "thresholds.json": to_json(thresholds).decode()}

    def serving_decision(self) -> dict[str, Any]:
        """Whether exactly one label is predicted, and whether at least one is."""
        return {"exclusive": self.exclusive, "at_least_one": self.at_least_one}

    # Explanations.

    def read_lengths(self, lengths: Sequence[int], text: TextEncoder) -> list[int]:
        """See `Task.read_lengths`."""
        return read_lengths(lengths, text.sequence_length)

    def spans(self, record: Text, tokenizer: Tokenizer) -> list[list[tuple[int, int]]]:
        """See `Task.spans`."""
        return [tokenizer.spans(text) for text in _texts(record)]

    def bias(self, frequencies: np.ndarray) -> np.ndarray:
        """The logits whose probabilities are `frequencies`, (labels,)."""
        raise NotImplementedError


def _texts(record: Text) -> tuple[str, ...]:
    return (record,) if isinstance(record, str) else record
