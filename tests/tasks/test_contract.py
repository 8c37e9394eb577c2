"""What every task must keep to, over the registry: a new task is tested by a row in FILES."""

import dataclasses
import io
import json

import keras
import numpy as np
import pytest

from common.errors import InputError, OptionError
from common.options import Options
from data_util.labelled.checked_examples import CheckedExample
from data_util.reading.settings import DEFAULT_READING
from tasks.base import Task
from tasks.registry import TASK_OPTIONS, TASKS
from tasks.rows import split_rows
from tests.tasks.every_task import tasks
from tests.tasks.examples import FILES, SIZES, model_for, outputs_of
from training.devices.forward import Forward
from training.loop.optimizer import AdamW

pytestmark = pytest.mark.usefixtures("with_toys")


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
    model.compile(optimizer=AdamW(2e-2, decay=0.0, clip_norm=None))
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
