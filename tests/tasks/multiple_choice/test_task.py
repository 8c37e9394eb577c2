"""Multiple choice as a whole: the order of choices, batches of questions of different sizes."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from common.errors import ConfigError, OptionError
from data_util.tokens.tokenizers import make_tokenizer
from tasks.data import DataSettings
from tasks.multiple_choice.options import MultipleChoiceOptions
from tasks.multiple_choice.task import MultipleChoice
from tasks.rows import split_rows
from tests.tasks.examples import FILES, model_for, prepare
from training.devices.forward import Forward


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return prepare(tmp_path_factory.mktemp("choices"), "multiple_choice", sequence_length=16)


@pytest.fixture(scope="module")
def forward(data):
    model = model_for(data)
    # As if it were fitted.
    model.comparison.fill(np.random.default_rng(0).normal(size=model.comparison.num_features))
    return Forward(model)


def results_of(task, text, forward, records):
    encoded = task.encode(records, text)
    inputs = task.inputs(encoded, text)
    outputs = split_rows(forward.outputs(inputs), inputs["example"])
    return task.results(encoded, outputs)


@pytest.mark.parametrize("max_windows", [1, 3])
def test_the_order_of_the_choices_changes_nothing(data, forward, max_windows):
    task = MultipleChoice(max_windows=max_windows, comparison=True)
    choices = ("甲乙", "丙", "丁戊甲", "乙")
    orders = [(0, 1, 2, 3), (3, 1, 0, 2), (2, 3, 1, 0)]
    for context in ("", "天地人", "天地人" * 10):
        records = [(context, "人", tuple(choices[at] for at in order)) for order in orders]
        found = results_of(task, data.text, forward, records)
        for order, result in zip(orders, found, strict=True):
            back = [result["probabilities"][order.index(at)] for at in range(4)]
            assert back == pytest.approx(found[0]["probabilities"], abs=2e-6)
            assert order[result["choice"]] == found[0]["choice"]


def test_questions_of_different_sizes_share_a_batch(data, forward):
    task, text = data.task, data.text
    records = [
        ("", "", ("甲", "乙")),
        ("天地" * 20, "人", ("甲乙", "丙", "丁")),
        ("", "人", ("丙",)),
        ("天", "", tuple("甲乙丙丁戊甲乙")),
    ]
    together = results_of(task, text, forward, records)
    for record, result in zip(records, together, strict=True):
        (alone,) = results_of(task, text, forward, [record])
        assert result["probabilities"] == pytest.approx(alone["probabilities"], abs=1e-5)
        assert len(result["probabilities"]) == len(record[2])
        assert sum(result["probabilities"]) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("max_windows", [1, 9])
def test_windows_reach_the_end_of_a_context(data, max_windows):
    task = MultipleChoice(max_windows=max_windows)
    encoded = task.encode([("天" * 25 + "戊", "", ("甲", "乙丙"))], data.text)
    (last,) = data.text.encode(["戊"])
    read = last[0] in task.inputs(encoded, data.text)["token_ids"]
    assert read == (max_windows > 1)


def test_the_loss_is_that_of_the_evaluation(data, forward):
    found, losses = {}, []
    evaluation = data.task.evaluation(forward._model, data, forward, found)
    measured = evaluation.validate()["loss"]
    forward._model.calibration.calibrate(1.0, 0.0)
    forward._model.comparison.mix(1.0, 0.0)
    for inputs, targets, outputs in forward(data.batches["valid"]):
        values, weights = data.task.loss(inputs, targets, outputs)
        losses += np.asarray(values)[np.asarray(weights) > 0].tolist()
    assert len(losses) == len(data.batches["valid"])
    assert np.mean(losses) == pytest.approx(measured, rel=1e-5)


def test_suspicious_questions_are_told(tmp_path):
    lines = FILES["multiple_choice"][0](21, 0)
    record = json.loads(lines[0])
    # The same choices in another order, with another answer.
    record["choices"] = record["choices"][::-1]
    files = {"train": [*lines, json.dumps(record) + "\n"], "valid": lines[3:5]}
    paths = {}
    for split, content in files.items():
        path = tmp_path / f"{split}.jsonl"
        path.write_text("".join(content), encoding="utf-8")
        paths[split] = [str(path)]
    made = DataSettings(make_tokenizer("char"), None, 100, 1, 12, 4, 0, tmp_path / "cache")
    data = MultipleChoice.prepare(paths, made, MultipleChoiceOptions())
    assert len(data.remarks) == 3
    shared, contradicting, repeated = data.remarks
    assert shared.startswith("2 of 2 questions in valid have a text that is in train too")
    assert contradicting.startswith("1 texts are there several times")
    assert "repeat the text of an earlier one" in repeated
    with pytest.raises(OptionError, match="--sequence_length=4: a context, a choice"):
        made = DataSettings(make_tokenizer("char"), None, 100, 1, 4, 4, 0, tmp_path / "cache")
        MultipleChoice.prepare(paths, made, MultipleChoiceOptions())


def test_a_checkpoint_of_an_earlier_version_compares_nothing():
    config = {"head": "pooled", "max_windows": 2}
    checkpoint = SimpleNamespace(config=config, setting=lambda name, kind: config[name])
    task = MultipleChoice.from_checkpoint(checkpoint)
    assert (task.head, task.max_windows, task.comparison) == ("pooled", 2, False)


def test_a_head_that_there_is_not():
    with pytest.raises(ConfigError, match="head must be one of alignment"):
        MultipleChoice(head="?")
    task = MultipleChoice(max_windows=3, comparison=True)
    compared = "head alignment and comparison of the choices"
    assert task.summary() == f"{compared}, contexts in up to 3 windows"
