"""How many epochs a run has: patience, and more epochs than it was to have."""

import dataclasses

import numpy as np
import pytest

from tests.training.loop.killed_runs import KilledError
from tests.training.loop.tiny_loop import SCORES, model_of, run, stage_of
from training.loop.optimizer import make_optimizer, total_steps
from training.options.groups import OptimizationOptions


def test_early_stopping(tmp_path):
    _, record, _ = run(tmp_path, stage_of(), num_epochs=6, patience=2)
    assert [entry["epoch"] for entry in record.epochs] == [1, 2, 3, 4]
    assert record.best_epoch == 2


def test_patience_counts_from_the_best(tmp_path):
    scores = (0.5, 0.4, 0.6, 0.5, 0.7, 0.6, 0.6, 0.9)
    _, record, _ = run(tmp_path, stage_of(scores), num_epochs=8, patience=2)
    assert len(record.epochs) == 7
    assert record.best_epoch == 5


def test_patience_of_one(tmp_path):
    _, record, _ = run(tmp_path, stage_of((0.5, 0.5, 0.9)), num_epochs=3, patience=1)
    assert len(record.epochs) == 2


def test_another_gain_is_worth_an_epoch(tmp_path):
    gains = iter([False, True, False, False])  # asked after each epoch but the best
    stage = dataclasses.replace(
        stage_of((0.5, 0.4, 0.4, 0.4, 0.4, 0.9)), improved=lambda: next(gains)
    )
    _, record, _ = run(tmp_path, stage, num_epochs=6, patience=2)
    assert len(record.epochs) == 5
    # It is no reason to keep the epoch's weights.
    assert record.best_epoch == 1


def then_killed(scores):
    yield from scores
    raise KilledError


def test_patience_goes_on_counting_after_a_kill(tmp_path):
    with pytest.raises(KilledError):
        run(tmp_path, stage_of(then_killed((0.5, 0.4))), num_epochs=6, patience=2)
    _, record, _ = run(tmp_path, stage_of((0.4, 0.9)), num_epochs=6, patience=2)
    assert [entry["valid"]["f1"] for entry in record.epochs] == [0.5, 0.4, 0.4]
    assert record.best_epoch == 1


def scheduled(epochs):
    """A model whose learning rate is that of so many epochs of two steps."""
    options = OptimizationOptions(num_epochs=epochs)
    model = model_of()
    optimizer = make_optimizer(options, 0.1, total_steps(options, lambda epoch: 2))
    model.compile(optimizer=optimizer, loss="mse", run_eagerly=True)
    return model


def test_more_epochs(tmp_path, caplog):
    caplog.set_level("INFO")
    run(tmp_path / "whole", stage_of(), model=scheduled(2), num_epochs=2)
    run(tmp_path / "killed", stage_of(), model=scheduled(2), num_epochs=2)
    scores = SCORES[2:]
    whole, record, model = run(
        tmp_path / "whole", stage_of(scores), model=scheduled(5), num_epochs=5
    )
    assert [entry["epoch"] for entry in record.epochs] == [1, 2, 3, 4, 5]
    assert [entry["valid"]["f1"] for entry in record.epochs] == list(SCORES[:2] + scores[:3])
    # The rate is that of a run of five epochs from the step that was reached.
    planned = make_optimizer(OptimizationOptions(num_epochs=5), 0.1, 10)
    for entry in record.epochs[2:]:
        planned.iterations.assign(2 * entry["epoch"])
        assert entry["learning_rate"] == pytest.approx(planned.last_learning_rate())
    assert record.epochs[2]["learning_rate"] > record.epochs[1]["learning_rate"]
    assert int(model.optimizer.iterations) == 10
    (line,) = [line for line in caplog.messages if "instead of" in line]
    assert line == (
        "--num_epochs=5 instead of 2: from here on the learning rate is that of a run of so many "
        "epochs, now 0.06; the optimizer keeps its state"
    )
    # Killed before its first checkpoint, and after its first epoch, it ends with the same weights.
    for known in ((), scores[:1]):
        with pytest.raises(KilledError):
            run(
                tmp_path / "killed",
                stage_of(then_killed(known)),
                model=scheduled(5),
                num_epochs=5,
            )
    killed, _, _ = run(tmp_path / "killed", stage_of(scores[1:]), model=scheduled(5), num_epochs=5)
    np.testing.assert_array_equal(killed.saved[-1][3], whole.saved[-1][3])


def test_more_epochs_than_patience_had(tmp_path):
    _, record, _ = run(tmp_path, stage_of((0.5, 0.4, 0.3)), num_epochs=9, patience=2)
    assert len(record.epochs) == 3
    # Patience counts anew. Fewer epochs than were planned will do, if they are more than were done.
    _, record, _ = run(tmp_path, stage_of((0.4, 0.6, 0.5)), num_epochs=6, patience=2)
    assert [entry["valid"]["f1"] for entry in record.epochs[3:]] == [0.4, 0.6, 0.5]
    assert record.best_epoch == 5


def test_validate_every(tmp_path):
    folder, record, _ = run(tmp_path, stage_of((0.1, 0.2, 0.3)), num_epochs=5, validate_every=2)
    assert [bool(entry["valid"]) for entry in record.epochs] == [False, True, False, True, True]
    assert record.best_epoch == 5
    assert [best for _, _, best, _ in folder.saved] == [False, True, False, True, True]


def test_epochs_without_validation_are_not_counted_as_worse(tmp_path, caplog):
    stage = stage_of((0.5, 0.4, 0.3, 0.2))
    caplog.set_level("INFO")
    _, record, _ = run(tmp_path, stage, num_epochs=8, validate_every=2, patience=2)
    assert len(record.epochs) == 6
    assert "no improvement in the last 2 validations: training ends" in caplog.messages
