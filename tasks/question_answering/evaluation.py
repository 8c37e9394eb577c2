"""The metrics of a split, and the threshold that validation chooses."""

import json
import logging
from typing import TYPE_CHECKING

import numpy as np

from tasks.base import Evaluation
from tasks.evaluation import Findings
from tasks.question_answering.decoding import Decoded, is_answered
from tasks.question_answering.findings import findings_of
from tasks.question_answering.metrics import answer_metrics, best_null_threshold, score
from tasks.question_answering.outcome import Outcome

if TYPE_CHECKING:
    from tasks.question_answering.data import QuestionData
    from tasks.question_answering.task import QuestionAnswering

logger = logging.getLogger(__name__)

# As in test_predictions.jsonl of a classification.
MAX_LINES = 100_000


class QuestionEvaluation(Evaluation):
    """Chooses the log-odds from which an answer is given.

    In `metrics.json` "null_threshold" is that of the best validation so far, None if an answer is
    always given.
    """

    task: "QuestionAnswering"
    data: "QuestionData"

    def validate(self) -> dict[str, float]:
        """Exact match and F1, with the best threshold for them if validation chooses it."""
        loss, decoded = self._decoded("valid")
        best = self._outcome("valid", decoded, None)
        threshold = self.task.null_threshold
        if self.task.settles:
            log_odds = np.array([each.log_odds for each in decoded])
            threshold, _ = best_null_threshold(log_odds, best.f1, best.answerable)
        self._last = threshold
        outcome = self._outcome("valid", decoded, threshold)
        return {"loss": loss, **_metrics(outcome)}

    def settle(self) -> None:
        """The checkpoint of the best epoch keeps the threshold of the best epoch."""
        self.found["null_threshold"] = self._last

    def test(self) -> tuple[dict[str, float], dict[str, str]]:
        """Exact match and F1, and each question with its answer in `test_predictions.jsonl`."""
        threshold = self.task.null_threshold
        if "valid" in self.data.batches:  # A run; otherwise a checkpoint, with its own threshold.
            threshold = self.found.get("null_threshold")
        loss, decoded = self._decoded("test")
        self._tested = self._outcome("test", decoded, threshold)
        metrics = {"loss": loss, **_metrics(self._tested)}
        return metrics, {"test_predictions.jsonl": _listed(self._tested)}

    def findings(self) -> Findings:
        """What kinds of errors there are, whether probabilities can be trusted, the worst ones."""
        return findings_of(self._tested)

    def _decoded(self, split: str) -> tuple[float, list[Decoded]]:
        """The mean loss of the windows that have a target, and the answers to each question."""
        encoded = self.data.encoded[split]
        return self.measure(split, lambda number, part: self.task.decode(encoded[number], part))

    def _outcome(self, split: str, decoded: list[Decoded], threshold: float | None) -> Outcome:
        questions, encoded = self.data.questions[split], self.data.encoded[split]
        answers: list[str | None] = []
        probabilities, exact, f1 = [], [], []
        for question, one, each in zip(questions, encoded, decoded, strict=True):
            answer, probability = None, each.none
            if is_answered(each, threshold):
                best = each.candidates[0]
                start, end = one.characters_of(best.first, best.last)
                answer, probability = one.text[start:end], best.probability
            answers.append(answer)
            probabilities.append(probability)
            hit, overlap = score(answer, question.answers, self.task.rules)
            exact.append(hit)
            f1.append(overlap)
        return Outcome(
            questions,
            answers,
            np.array(probabilities),
            np.array(exact),
            np.array(f1),
            [len(one.windows) for one in encoded],
        )


def _metrics(outcome: Outcome) -> dict[str, float]:
    return answer_metrics(outcome.exact, outcome.f1, outcome.answerable)


def _listed(outcome: Outcome) -> str:
    chosen = range(len(outcome.questions))
    if len(chosen) > MAX_LINES:
        chosen = sorted(outcome.worst(MAX_LINES))  # type: ignore[assignment]
        logger.info("test_predictions.jsonl has only wrong answers, at most %s", f"{MAX_LINES:,}")
    return "".join(
        json.dumps(outcome.entry(number), ensure_ascii=False) + "\n" for number in chosen
    )
