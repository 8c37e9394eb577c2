"""What every task must keep to, over the registry: a new task is tested by a row in FILES."""

import dataclasses
import io
import json

import keras
import numpy as np
import pytest
from pydantic import TypeAdapter
from scipy.special import expit

from bert_language_understanding import load
from common.errors import InputError, OptionError
from common.options import Options
from data_util.labelled.checked_examples import CheckedExample
from data_util.reading.settings import DEFAULT_READING
from models.checkpoints.folder import read_checkpoint
from tasks.base import Task
from tasks.loading import load_task_model
from tasks.registry import TASK_OPTIONS, TASKS
from tasks.rows import split_rows
from tests import toys
from tests.tasks.examples import FILES, SIZES, model_for, outputs_of, prepare, write
from training.devices.forward import Forward

with toys.registered():
    tasks = pytest.mark.parametrize("name", list(TASKS))


@pytest.fixture(scope="module", autouse=True)
def with_toys():
    with toys.registered():
        yield


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """Gives the data of a task; made anew each time, through the cache."""
    folder = tmp_path_factory.mktemp("contract")
    return lambda name, **changes: prepare(folder, name, **changes)


def assert_same(batch, other):
    for part, of_other in zip(batch, other, strict=True):
        keras.tree.map_structure(np.testing.assert_array_equal, part, of_other)


def test_every_task_has_a_row():
    assert set(TASKS) == set(FILES)
    assert set(TASK_OPTIONS) <= set(TASKS)


@tasks
def test_the_class(name):
    task = TASKS[name]
    assert issubclass(task, Task) and task.name == name
    assert dataclasses.is_dataclass(task.result_type)
    assert all(dataclasses.is_dataclass(group) for group in [TASK_OPTIONS.get(name, Options)])


@tasks
def test_a_batch_is_a_function_of_seed_epoch_and_step(prepared, name):
    one, other, another = prepared(name), prepared(name), prepared(name, seed=4)
    train = one.batches["train"]
    for epoch in (0, 1):
        batches = list(train.batches(epoch))
        assert len(batches) == train.steps(epoch) == 3
        for step, batch in enumerate(other.batches["train"].batches(epoch)):
            assert_same(batches[step], batch)
            assert_same(batch, next(train.batches(epoch, step)))
            examples = train.examples(epoch, step)
            assert set(examples.tolist()) == set(batch[0]["example"].tolist())
    orders = [
        np.concatenate([batches.examples(epoch, step) for step in range(3)]).tolist()
        for batches, epoch in ((train, 0), (train, 1), (another.batches["train"], 0))
    ]
    assert len(set(map(tuple, orders))) == 3
    assert all(sorted(order) == list(range(SIZES["train"])) for order in orders)


@tasks
def test_batches(prepared, name):
    data = prepared(name)
    assert {split: len(batches) for split, batches in data.batches.items()} == SIZES
    for batches in data.batches.values():
        seen = []
        for inputs, targets in batches.batches(0):
            example = inputs["example"]
            rows = len(example)
            keras.tree.map_structure(lambda array, rows=rows: assert_rows(array, rows), inputs)
            keras.tree.map_structure(lambda array, rows=rows: assert_rows(array, rows), targets)
            assert example.dtype == inputs["token_ids"].dtype == np.int32
            assert inputs["padding_mask"].dtype == bool
            # The rows of an example stand next to each other.
            starts = np.flatnonzero(np.diff(example, prepend=-1))
            assert len(set(example[starts].tolist())) == len(starts)
            seen += example[starts].tolist()
        assert sorted(seen) == list(range(len(batches)))
    # Evaluation has the same order in every epoch.
    for batch, other in zip(batches.batches(0), batches.batches(7), strict=True):
        assert_same(batch, other)


def assert_rows(array, rows):
    assert len(array) == rows


@tasks
def test_training_examples_are_found(prepared, name):
    data = prepared(name)
    places = data.locate(np.array([4, 0]))
    assert [place.rpartition(f"{name}_train.txt:")[2] for place in places] == ["1", "5"]
    assert set(np.unique(data.train_tokens)) <= set(range(len(data.text.vocabulary)))


@tasks
def test_padding_changes_nothing(prepared, name):
    data = prepared(name, sequence_length=70)
    task, text = data.task, data.text
    outputs = outputs_of(data, model_for(data))
    lines = io.BytesIO("\n".join(FILES[name][1]).encode())
    records = [line.record for line in task.read(lines, "lines") if line.record is not None]
    encoded = [*task.encode(records, text), task.sample(70, text)]
    inputs = task.inputs(encoded, text)
    assert inputs["token_ids"].shape[1] == 70
    together = split_rows(outputs(inputs), inputs["example"])
    for each, expected in zip(encoded, together, strict=True):
        alone = outputs(task.inputs([each], text))
        keras.tree.map_structure(
            lambda one, other: np.testing.assert_allclose(
                # Outputs of positions are as long as the longest row.
                one,
                other[tuple(map(slice, one.shape))],
                atol=1e-5,
            ),
            alone,
            expected,
        )


@tasks
def test_one_batch_is_learned_by_heart(prepared, name):
    data = prepared(name)
    model = model_for(data)
    model.compile(optimizer=keras.optimizers.Adam(2e-2))
    model.optimizer.build(model.trainable_variables)  # Before the step, which is traced once then.
    inputs, targets = next(data.batches["train"].batches(0))
    for _ in range(100):
        model.train_on_batch(inputs, targets)
    # There is no dropout. Training batches may lack inputs that training does not need.
    model.reset_metrics()
    assert model.train_on_batch(inputs, targets, return_dict=True)["loss"] < 0.1


@tasks
def test_rows_that_fill_a_batch_weigh_nothing(prepared, name):
    from training.devices.batch_shares import pad_rows

    data = prepared(name)
    model = model_for(data)
    model.compile(optimizer=keras.optimizers.SGD(0.0), run_eagerly=True)
    inputs, targets = next(data.batches["train"].batches(0))
    losses = [model.train_on_batch(inputs, targets, return_dict=True)["loss"]]
    model.reset_metrics()
    padded = pad_rows((inputs, targets), 5)
    assert len(padded[2]) > len(inputs["example"])
    losses.append(model.train_on_batch(*padded, return_dict=True)["loss"])
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


@tasks
def test_evaluation(prepared, name):
    data = prepared(name)
    found = {}
    model = model_for(data)
    evaluation = data.task.evaluation(model, data, Forward(model), found)
    metrics = evaluation.validate()
    assert data.task.score in metrics
    assert all(type(value) is float and np.isfinite(value) for value in metrics.values())
    evaluation.settle()
    assert evaluation.part_improved() in (True, False)
    # What is found survives a resume.
    assert json.loads(json.dumps(found)) == found
    resumed = data.task.evaluation(model, data, Forward(model), json.loads(json.dumps(found)))
    tested, texts = evaluation.test()
    assert resumed.test() == (tested, texts)
    assert data.task.score in tested
    assert all(type(text) is str for text in texts.values())


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


@tasks
def test_parts_of_the_training_files_can_be_held_out(name, tmp_path):
    task, path = TASKS[name], tmp_path / "all.txt"
    path.write_text("".join(FILES[name][0](SIZES["train"], 0)), encoding="utf-8")
    try:
        found = list(task.split_examples([path], DEFAULT_READING, None))
    except OptionError as error:
        assert "--valid_data_file" in str(error)
        return
    assert len(found) == SIZES["train"]
    assert len(list(task.split_examples([path], DEFAULT_READING, 4))) == 4
    before = list(task.check_examples(path, DEFAULT_READING))
    # What is written is read again as the same examples.
    path.write_text("".join(json.dumps(each.record) + "\n" for each in found), encoding="utf-8")
    again = list(task.split_examples([path], DEFAULT_READING, None))
    assert [(each.texts, each.labels) for each in again] == [
        (each.texts, each.labels) for each in found
    ]
    checked = list(task.check_examples(path, DEFAULT_READING))
    assert [each.truth for _, each in checked] == [each.truth for _, each in before]


@tasks
def test_files_are_checked_to_their_end(name, tmp_path):
    task, path = TASKS[name], tmp_path / "all.txt"
    lines = FILES[name][0](SIZES["train"], 0)
    path.write_text("".join([*lines[:5], "\n", "\0\n", *lines[5:]]), encoding="utf-8")
    try:
        found = list(task.check_examples(path, DEFAULT_READING))
    except OptionError as error:
        assert name in str(error)
        return
    assert [line for line, each in found if isinstance(each, InputError)] == [7]
    examples = [each for _, each in found if isinstance(each, CheckedExample)]
    assert len(examples) == SIZES["train"]
    assert all(each.truth is not None and all(each.texts) for each in examples)
