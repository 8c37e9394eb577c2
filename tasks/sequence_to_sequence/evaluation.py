"""Measures the texts that a model writes, and the probability that it gives to the true ones."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from reports.blocks import Example, Examples, Fact, Section, Table
from tasks.base import Evaluation
from tasks.evaluation import Findings
from tasks.rows import split_rows
from tasks.sequence_to_sequence.metrics import METRICS, common_subsequence, rouge_tokens

_SHOWN = 10
_CHARACTERS = 300
_LENGTH_STEPS = (10, 20, 40, 80, 160)


@dataclass(frozen=True)
class _Texts:
    """What was written for the examples of a split, in their order.

    Attributes:
        texts: the best text of each example.
        scores: of these.
        unfinished: how many reached the longest length.
    """

    texts: Sequence[str]
    scores: Sequence[float]
    unfinished: int


class SequenceToSequenceEvaluation(Evaluation):
    """Loss, perplexity and accuracy of the true tokens; BLEU, chrF and ROUGE of written texts.

    Texts are written for the test examples, and for the validation examples only if their metric
    chooses the best epoch. Validation settles nothing.
    """

    task: Any
    data: Any
    _written: _Texts | None = None
    _outputs: Any = None

    def validate(self) -> dict[str, float]:
        """See `Evaluation.validate`."""
        metrics = self._of_true_tokens("valid")
        if self.task.score in metrics:
            return metrics
        name = self.task.score.partition("_")[0]
        return {**metrics, **self._of_texts("valid", self._write("valid"), [name])}

    def test(self) -> tuple[dict[str, float], dict[str, str]]:
        """See `Evaluation.test`; `test_predictions.jsonl` has the written texts."""
        metrics = self._of_true_tokens("test")
        written = self._written = self._write("test")
        metrics |= self._of_texts("test", written, self.task.options.generation_metrics)
        lines = []
        for example, text, score in zip(
            self.data.examples["test"], written.texts, written.scores, strict=True
        ):
            entry = {
                "file": example.path,
                "line": example.line,
                "source": example.source,
                "target": example.target,
                "text": text,
                "score": round(score, 6),
            }
            lines.append(json.dumps(entry, ensure_ascii=False) + "\n")
        return metrics, {"test_predictions.jsonl": "".join(lines)}

    def findings(self) -> Findings:
        """The metrics by the length of the target, and the texts that are furthest from theirs."""
        written = self._written
        if written is None:
            return Findings()
        examples = self.data.examples["test"]
        similar = [
            _similarity(text, example.target)
            for text, example in zip(written.texts, examples, strict=True)
        ]
        lines = []
        if written.unfinished:
            lines.append(
                f"test: {written.unfinished:,} of {len(examples):,} texts were not ended by the "
                f"model, but by --max_target_length={self.task.options.max_target_length}"
            )
        order = np.argsort(similar, kind="stable")[:_SHOWN].tolist()
        shown = [
            Example(
                example.place,
                [example.source[:_CHARACTERS]],
                [
                    Fact("expected", example.target[:_CHARACTERS]),
                    Fact("written", written.texts[number][:_CHARACTERS]),
                    Fact("score", f"{written.scores[number]:.3f}"),
                ],
            )
            for number in order
            for example in [examples[number]]
        ]
        return Findings(
            lines,
            [
                Section("Lengths", [self._by_length(similar)]),
                Section(
                    "The texts that differ most from the expected ones",
                    [Examples(shown)],
                    "The score is the mean log-probability of the tokens (see --length_penalty): "
                    "the nearer to 0, the surer the model is.",
                ),
            ],
        )

    def _by_length(self, similar: Sequence[float]) -> Table:
        lengths = np.array([len(each.target) for each in self.data.examples["test"]])
        group = np.searchsorted(_LENGTH_STEPS, lengths)
        names = [f"up to {step}" for step in _LENGTH_STEPS] + [f"above {_LENGTH_STEPS[-1]}"]
        rows: list[list[str | int | float]] = [
            [name, int(chosen.sum()), round(float(np.mean(np.array(similar)[chosen])), 3)]
            for number, name in enumerate(names)
            if (chosen := group == number).any()
        ]
        columns = ["characters of the expected text", "examples", "mean ROUGE-L"]
        return Table("By the length of the expected text", columns, rows, bars=2)

    def _of_true_tokens(self, split: str) -> dict[str, float]:
        loss = hits = count = 0.0
        for _, weights, outputs in self.forward(self.data.batches[split]):
            loss += float((outputs["loss"] * weights).sum(dtype=np.float64))
            hits += float((outputs["hit"] * weights).sum(dtype=np.float64))
            count += float(weights.sum())
        mean = loss / count
        # Of a model that diverged, the exponential may have no value.
        perplexity = math.exp(min(mean, 700.0)) if math.isfinite(mean) else mean
        return {"loss": mean, "perplexity": perplexity, "token_accuracy": hits / count}

    def _of_texts(self, split: str, written: _Texts, names: Sequence[str]) -> dict[str, float]:
        references = [example.target for example in self.data.examples[split]]
        found: dict[str, float] = {}
        for name in names:
            found |= METRICS[name](written.texts, references)
        return found

    def _write(self, split: str) -> _Texts:
        if self._outputs is None:
            self._outputs = self.task.outputs_function(self.model, self.forward.compiled)
        results: dict[int, tuple[str, float, bool]] = {}
        for inputs, _ in self.data.batches[split].batches(0):
            outputs = split_rows(self._outputs(inputs), inputs["example"])
            for number, each in zip(inputs["example"].tolist(), outputs, strict=True):
                length = int(each["lengths"][0, 0])
                text = self.task.text_of(each["ids"][0, 0, :length])
                results[number] = text, float(each["scores"][0, 0]), bool(each["finished"][0, 0])
        ordered = [results[number] for number in range(len(results))]
        texts, scores, finished = zip(*ordered, strict=True)
        return _Texts(texts, scores, sum(not each for each in finished))


def _similarity(text: str, reference: str) -> float:
    """ROUGE-L of one text, from 0 to 1."""
    mine, true = rouge_tokens(text), rouge_tokens(reference)
    common = common_subsequence(mine, true)
    return 2 * common / (len(mine) + len(true)) if common else 0.0
