"""What the results of every task must keep to, and what gives them."""

import io
import json

import keras
import numpy as np
import pytest
from pydantic import TypeAdapter
from scipy.special import expit

from bert_language_understanding import load
from common.errors import OptionError
from models.checkpoints.folder import read_checkpoint
from tasks.loading import load_task_model
from tasks.rows import split_rows
from tests.tasks.every_task import tasks
from tests.tasks.examples import FILES, model_for, outputs_of, write
from training.devices.forward import Forward

pytestmark = pytest.mark.usefixtures("with_toys")


@tasks
def test_a_checkpoint_gives_the_task_and_the_model_back(prepared, name, tmp_path):
    data = prepared(name)
    task, model, found = data.task, model_for(data), {}
    evaluation = task.evaluation(model, data, Forward(model), found)
    evaluation.validate()
    evaluation.settle()
    write(tmp_path, data, model, found)
    loaded, again = load_task_model(read_checkpoint(tmp_path))
    assert type(loaded) is type(task)
    assert (loaded.config(), loaded.texts()) == (task.config(), task.texts())
    assert loaded.fields == task.fields and loaded.summary() == task.summary()
    inputs, _ = next(data.batches["valid"].batches(0))
    keras.tree.map_structure(
        np.testing.assert_array_equal,
        Forward(model).outputs(inputs),
        Forward(again).outputs(inputs),
    )
    # From Python: a dict of the fields, a tuple of them, or one text.
    lines = io.BytesIO("\n".join(FILES[name][1]).encode())
    records = [line.record for line in task.read(lines, "lines") if line.record is not None]
    values = [task.values(record) for record in records]
    found = load(tmp_path)
    results = found(values)
    for result in results:
        TypeAdapter(task.result_type).validate_python(result)
    first = tuple(values[0].values())
    first = first[0] if list(task.fields.values()) == [str] else first
    alone = found(values[0])
    assert alone == found(values[:1])[0] == found(first)
    assert alone.keys() == results[0].keys() and len(results) == len(records)


@tasks
def test_results_are_json_that_the_type_describes(prepared, name):
    data = prepared(name)
    task, text = data.task, data.text
    lines = FILES[name][1]
    read = list(task.read(io.BytesIO("\n".join(lines).encode()), "lines"))
    assert [line.number for line in read] == list(range(1, len(lines) + 1))
    assert [line.record is None for line in read] == [not line for line in lines]
    records = [line.record for line in read if line.record is not None]
    assert not any(map(task.is_empty, records))
    encoded = task.encode(records, text)
    assert all(task.length(each) > 0 for each in encoded)
    inputs = task.inputs(encoded, text)
    outputs = split_rows(outputs_of(data, model_for(data))(inputs), inputs["example"])
    results = task.results(encoded, outputs, top_k=2)
    assert len(results) == len(records)
    for result in (*results, task.empty_result()):
        assert json.loads(json.dumps(result)) == result
        TypeAdapter(task.result_type).validate_python(result)
    assert task.results([], []) == []


@tasks
def test_records_of_requests(prepared, name):
    task = prepared(name).task
    assert task.fields and set(task.fields.values()) <= {str, list[str]}
    assert set(task.defaults) < set(task.fields)
    values = {field: "甲" if kind is str else ["甲", "乙"] for field, kind in task.fields.items()}
    assert not task.is_empty(task.record(values))
    blank = {field: " \n" if kind is str else [" "] for field, kind in task.fields.items()}
    assert task.is_empty(task.record(blank))


@tasks
def test_what_explains_labels(prepared, name):
    data = prepared(name)
    task, text = data.task, data.text
    if not task.explains:
        with pytest.raises(NotImplementedError):
            _ = task.labels
        return
    record = task.record(dict.fromkeys(task.fields, "甲天 乙"))
    (encoded,) = task.encode([record], text)
    spans = task.spans(record, text.tokenizer)
    assert [len(ids) for ids in encoded] == [len(each) for each in spans]
    lengths = task.read_lengths([len(ids) for ids in encoded], text)
    assert all(0 < length <= text.sequence_length for length in lengths)
    outputs = np.random.default_rng(0).normal(size=(5, len(task.labels))).astype(np.float32)
    probabilities = np.asarray(task.probabilities(outputs), np.float64)
    for label in range(len(task.labels)):
        p = probabilities[:, label]
        np.testing.assert_allclose(task.log_odds(outputs, label), np.log(p / (1 - p)), atol=1e-4)


@tasks
def test_a_threshold_is_taken_or_refused(prepared, name):
    task = prepared(name).task
    try:
        task.use_decision(0.25)
    except OptionError as error:
        assert name in str(error)
    else:
        # Of each label, or the one of the task, as log-odds.
        found = {entry["threshold"] for entry in task.known_labels()}
        found = found or {round(expit(task.serving_decision()["null_threshold"]), 9)}
        assert found == {0.25}


@tasks
def test_outputs_of_an_exported_model(prepared, name):
    data = prepared(name)
    inputs, _ = next(data.batches["valid"].batches(0))
    outputs = model_for(data)(inputs)
    exported = data.task.serving_outputs(outputs)
    assert exported and all(len(output) == len(inputs["example"]) for output in exported.values())
    assert all(type(text) is str for text in data.task.serving_files().values())
    # What runs the exported model gets the outputs back.
    found = data.task.served_outputs({key: np.asarray(each) for key, each in exported.items()})
    np.testing.assert_equal(found, keras.tree.map_structure(np.asarray, outputs))
