"""Regression as a whole: the unit of the values, and single texts."""

import numpy as np
import pytest

from common.errors import ConfigError, InputError, OptionError
from data_util.tokens.tokenizers import make_tokenizer
from tasks.data import DataSettings
from tasks.regression.batches import value_to_bits
from tasks.regression.findings import findings_of, predictions_of
from tasks.regression.options import RegressionOptions
from tasks.regression.records import Valued
from tasks.regression.task import Regression
from tests.tasks.examples import model_for
from training.devices.forward import Forward


def prepared(folder, lines, **options):
    path = folder / "values.txt"
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    files = {"train": [str(path)], "valid": [str(path)]}
    settings = DataSettings(make_tokenizer("char"), None, 100, 1, 12, 4, 0, folder / "cache")
    return Regression.prepare(files, settings, RegressionOptions(**options))


def test_the_values_have_the_unit_of_the_training_examples(tmp_path):
    data = prepared(tmp_path, [f"{'甲' * number}乙\t{1000 + 10 * number}" for number in range(8)])
    task = data.task
    assert (task.mean, task.scale) == (1035, pytest.approx(np.std(np.arange(8)) * 10))
    model = model_for(data)
    inputs, targets = next(data.batches["valid"].batches(0))
    standardized = np.asarray(model(inputs, training=True))
    values = np.asarray(model(inputs))
    np.testing.assert_allclose(values, standardized * task.scale + task.mean, rtol=1e-5)
    losses, _ = task.loss(inputs, targets, standardized)
    expected = ((values[:, 0] - targets) / task.scale) ** 2
    np.testing.assert_allclose(losses, expected, rtol=1e-3)
    measured = task.evaluation(model, data, Forward(model), {}).validate()
    assert measured["loss"] == pytest.approx((measured["rmse"] / task.scale) ** 2, rel=1e-5)
    # A single text, not a pair.
    assert task.fields == {"text": str} and task.head == "max_pooled" and task.unit == "texts"
    assert task.record({"text": "甲"}) == "甲"
    # The same text twice, with two values, is told.
    assert [remark[:6] for remark in data.remarks] == ["8 of 8"]


def test_what_cannot_be_learned(tmp_path):
    with pytest.raises(InputError, match="all training examples have the value 3"):
        prepared(tmp_path, ["甲\t3", "乙\t3"])
    with pytest.raises(OptionError, match="--head=alignment is for pairs"):
        prepared(tmp_path, ["甲\t3", "乙\t4"], head="alignment")
    with pytest.raises(ConfigError, match="head must be one of"):
        Regression(head="?")
    with pytest.raises(ConfigError, match="scale above 0"):
        Regression(scale=0.0)


@pytest.mark.parametrize("value", [0.0, -1.5, 4.2, 1e-30, -3e29])
def test_values_survive_the_cache(value):
    back = np.array([value_to_bits(value)], np.int32).view(np.float32)[0]
    assert back == np.float32(value)


def test_findings():
    true = np.arange(25.0)
    predicted = true.copy()
    predicted[7] += 3
    examples = [Valued((f"text {n}", "b" * 400), n, None, ("t.txt", n + 1)) for n in range(25)]
    listed, read = predictions_of(predicted, true, examples)
    line = listed["test_predictions.jsonl"].splitlines()[7]
    assert '"text_a": "text 7"' in line and '"true": 7.0, "predicted": 10.0' in line
    found = findings_of(predicted, true, read)
    assert found.lines[0].startswith(
        "mean absolute error 0.12; of the median of all values it is 6"
    )
    (worst,) = found.sections[1].blocks
    assert worst.examples[0].place == "t.txt:8" and len(worst.examples[0].texts[1]) == 300
    (series,) = found.sections[0].blocks[0].series
    assert len(series.points) == 10 and series.points[0] == (1.0, 1.0)
    assert predictions_of(predicted, true, examples[:3]) is None
    assert findings_of(predicted, true, []).sections
