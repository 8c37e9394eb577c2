"""The metrics of entities over a whole split."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.base import Evaluation
from tasks.evaluation import Findings
from tasks.reliability import BINS, Reliability, reliability
from tasks.token_classification.calibration import fit_scale
from tasks.token_classification.findings import findings_of
from tasks.token_classification.metrics import counts_by_label, entity_metrics, token_accuracy
from tasks.token_classification.passages import in_characters
from tasks.token_classification.records import TaggedText
from tasks.token_classification.result import tagging
from tasks.token_classification.tags import Entity, tags_of

if TYPE_CHECKING:
    from tasks.token_classification.data import TokenData
    from tasks.token_classification.task import TokenClassification

# A file of so many lines is read in a second.
MAX_LINES = 100_000
_TEXT_CHARACTERS = 300
_REPORTED_BINS = 10


@dataclass(frozen=True)
class Outcome:
    """The truth and the prediction for the texts of a split.

    Attributes:
        texts: the texts, with the true entities.
        predicted: the predicted entities of each, spans of characters.
        probabilities: of each predicted entity.
        metrics: see `TokenEvaluation`.
        training: how many training texts' entities have each label; {}: not known.
    """

    texts: Sequence[TaggedText]
    predicted: Sequence[Sequence[Entity]]
    probabilities: Sequence[Sequence[float]]
    metrics: dict[str, float]
    training: dict[str, int] = field(default_factory=dict)


class TokenEvaluation(Evaluation):
    """Entity F1, precision, recall, macro F1 and token accuracy.

    Validation settles the scale of the scores: "calibration" in `metrics.json`.

    True entities that the model cannot find, because they begin or end within a token, count as
    missed. "training_entities" in `metrics.json` are those of each label.
    """

    task: "TokenClassification"
    data: "TokenData"

    def validate(self) -> dict[str, float]:
        """See `Evaluation.validate`."""
        return self._outcome("valid", probabilities=False).metrics

    def settle(self) -> None:
        """Calibrates the probabilities, and notes how many training entities each label has."""
        scores, chain = self._last
        self.task.scale = fit_scale(scores, self.data.tags["valid"], chain)
        self.found["calibration"] = {"scale": self.task.scale}
        self.found["training_entities"] = self._training_entities()

    def test(self) -> tuple[dict[str, float], dict[str, str]]:
        """The metrics, a table by label, and each text with its entities."""
        self.task.scale = self.found["calibration"]["scale"]
        self._tested = self._outcome("test", probabilities=True)
        found = _reliability(self._tested)
        self._tested.metrics["calibration_error"] = found.calibration_error()
        texts = {
            "test_entities.csv": _table(self._tested),
            "test_predictions.jsonl": _predictions(self._tested),
        }
        return self._tested.metrics, texts

    def findings(self) -> Findings:
        """The labels, the confusions, and texts with errors."""
        return findings_of(self._tested, _reliability(self._tested, _REPORTED_BINS))

    def _training_entities(self) -> dict[str, int]:
        if "train" not in self.data.texts:
            found = self.found.get("training_entities")
            return found if isinstance(found, dict) else {}
        counts = dict.fromkeys(self.task.entity_labels, 0)
        for text in self.data.texts["train"]:
            for entity in text.entities:
                counts[entity.label] += 1
        return counts

    def _outcome(self, split: str, *, probabilities: bool) -> Outcome:
        encoded, texts = self.data.encoded[split], self.data.texts[split]
        some: list[Any] = []  # outputs of one text, which have the transitions of all

        def read(number: int, outputs: Any) -> np.ndarray:
            some[:] = [outputs]
            return self.task.scores(encoded[number], outputs)

        loss, scores = self.measure(split, read)
        self._last = scores, self.task.chain(some)
        units, likely = self.task.decode(scores, some, probabilities=probabilities)
        predicted = [in_characters(each, found) for each, found in zip(encoded, units, strict=True)]
        metrics = entity_metrics(counts_by_label([each.entities for each in texts], predicted))
        index_of = {tag: index for index, tag in enumerate(self.task.tags)}
        tags = [
            np.array([index_of[tag] for tag in tags_of(found, len(each.units), self.task.scheme)])
            for each, found in zip(encoded, units, strict=True)
        ]
        metrics["token_accuracy"] = token_accuracy(self.data.tags[split], tags)
        metrics = {"loss": loss, **metrics}
        return Outcome(texts, predicted, likely, metrics, self._training_entities())


def _reliability(outcome: Outcome, bins: int = BINS) -> Reliability:
    """How often a predicted entity is right, by its probability."""
    right = [
        entity in text.entities
        for text, found in zip(outcome.texts, outcome.predicted, strict=True)
        for entity in found
    ]
    probabilities = [each for every in outcome.probabilities for each in every]
    return reliability(np.array(probabilities), np.array(right, bool), bins)


def _table(outcome: Outcome) -> str:
    """CSV: precision, recall, F1 and numbers of each label."""
    file = io.StringIO()
    rows = csv.writer(file, lineterminator="\n")
    rows.writerow(["label", "training", "true", "predicted", "right", "precision", "recall", "f1"])
    counts = counts_by_label([each.entities for each in outcome.texts], outcome.predicted)
    for label, each in counts.items():
        shares = (f"{share:.4f}" for share in (each.precision, each.recall, each.f1))
        training = outcome.training.get(label, "")
        rows.writerow([label, training, each.true, each.predicted, each.right, *shares])
    return file.getvalue()


def _predictions(outcome: Outcome) -> str:
    """JSON lines: each text with its true and its predicted entities."""
    lines = []
    for text, predicted, likely in zip(
        outcome.texts[:MAX_LINES], outcome.predicted, outcome.probabilities, strict=False
    ):
        content = text.passage.text
        true = tagging(content, text.entities, [1.0] * len(text.entities))["entities"]
        entry = {
            "file": text.path,
            "line": text.line,
            "text": content[:_TEXT_CHARACTERS],
            "correct": set(text.entities) == set(predicted),
            "true": [{k: v for k, v in each.items() if k != "probability"} for each in true],
            "predicted": tagging(content, predicted, likely)["entities"],
        }
        lines.append(json.dumps(entry, ensure_ascii=False) + "\n")
    return "".join(lines)
