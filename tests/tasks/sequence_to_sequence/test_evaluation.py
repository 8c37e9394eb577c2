import json
import math

import numpy as np
import pytest
from sacrebleu import corpus_bleu

from models.kernels.losses import weighted_mean
from tasks.sequence_to_sequence.evaluation import SequenceToSequenceEvaluation
from training.devices.forward import Forward


@pytest.fixture(scope="module")
def evaluation(tiny):
    found = {}
    made = SequenceToSequenceEvaluation(
        tiny.data.task, tiny.model, tiny.data, Forward(tiny.model), found
    )
    metrics, texts = made.test()
    return made, metrics, texts


def test_metrics(tiny, evaluation):
    _, metrics, texts = evaluation
    lines = list(map(json.loads, texts["test_predictions.jsonl"].splitlines()))
    examples = tiny.data.examples["test"]
    assert [line["target"] for line in lines] == [each.target for each in examples]
    assert [line["line"] for line in lines] == [each.line for each in examples]
    written, references = ([line[key] for line in lines] for key in ("text", "target"))
    assert metrics["bleu"] == corpus_bleu(written, [references], tokenize="zh").score
    assert set(metrics) == {
        "loss", "perplexity", "token_accuracy", "bleu", "chrf", "rouge_1", "rouge_2", "rouge_l",
    }  # fmt: skip
    losses, weights = [], []
    for inputs, targets in tiny.data.batches["test"].batches(0):
        values, of_values = tiny.data.task.loss(inputs, targets, tiny.model(inputs))
        losses.append(float(weighted_mean(values, of_values)) * targets.sum())
        weights.append(targets.sum())
    assert metrics["loss"] == pytest.approx(sum(losses) / sum(weights), rel=1e-5)
    assert metrics["perplexity"] == pytest.approx(math.exp(metrics["loss"]))


def test_findings(evaluation):
    made, _, texts = evaluation
    found = made.findings()
    lengths, worst = found.sections
    assert sum(row[1] for row in lengths.blocks[0].rows) == 9
    shown = worst.blocks[0].examples
    written = {json.loads(line)["text"] for line in texts["test_predictions.jsonl"].splitlines()}
    assert len(shown) == 9 and {each.facts[1].value for each in shown} <= written


def test_a_metric_of_texts_can_choose_the_epoch(tiny, evaluation, monkeypatch):
    made = evaluation[0]
    task = tiny.data.task
    assert set(made.validate()) == {"loss", "perplexity", "token_accuracy"}
    assert not task.higher_is_better
    monkeypatch.setattr(task, "score", "rouge_l")
    validated = made.validate()
    assert 0 <= validated["rouge_l"] <= 100 and np.isfinite(validated["rouge_l"])
    assert "bleu" not in validated
