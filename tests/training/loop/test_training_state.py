"""What counts as the best epoch, and states that no run has written."""

import json

import pytest

from common.errors import CheckpointError
from models.checkpoints.folder import Checkpoint
from training.loop.training_state import TrainingState


@pytest.mark.parametrize(
    ("near_tie", "scores", "improved", "best"),
    [
        (0.0, [0.5, 0.5, 0.6], [False, True, False], [True, False, True]),
        (0.01, [0.5, 0.5, 0.495, 0.48], [False, True, True, True], [True, True, True, False]),
        (0.01, [0.5, 0.5, 0.495], [False, False, False], [True, False, False]),
        # Near ties do not add up: the measure is the highest score.
        (0.01, [0.5, 0.495, 0.489], [False, True, True], [True, True, False]),
    ],
)
def test_the_best_epoch(near_tie, scores, improved, best):
    state, found = TrainingState("fine_tuning"), []
    for score, gain in zip(scores, improved, strict=True):
        found.append(state.count_validation(score, lambda gain=gain: gain, near_tie))
    assert found == best
    assert state.best_score == max(scores)


def test_validations_without_improvement():
    state, found = TrainingState("fine_tuning"), []
    for score, gain in [(0.5, False), (0.4, False), (0.3, True), (0.3, False), (0.499, True)]:
        state.count_validation(score, lambda gain=gain: gain, 0.01)
        found.append(state.validations_without_improvement)
    assert found == [0, 1, 0, 1, 0]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("epoch", "1"), ("step", -1), ("ended", 0), ("rng", {}), ("best_score", [])),
        *(("best_score", float("nan")), ("curve", []), ("curve", {"step": "1"})),
        *(("curve", {"means": [1]}), ("curve", {"means": {"loss": None}})),
    ],
)
def test_a_state_that_was_forged(tmp_path, name, value):
    path = tmp_path / "training_state.json"
    content = {**TrainingState("pretraining").to_dict(), name: value}
    path.write_text(json.dumps(content))
    with pytest.raises(CheckpointError, match=rf"training_state\.json: {name} cannot be"):
        TrainingState.of(Checkpoint(tmp_path, {}, {path.name: path}))


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"epoch": 3}, "epoch"),
        ({"epoch": 4, "ended": True}, "epoch"),
        ({"epoch": 10**30}, "epoch"),
        ({"step_in_epoch": 6}, "step_in_epoch"),
        ({"epoch": 3, "step_in_epoch": 1, "ended": True}, "step_in_epoch"),
    ],
)
def test_a_state_that_no_such_run_reaches(tmp_path, values, name):
    # It would train for ever, or nothing.
    checkpoint = Checkpoint(tmp_path, {}, {"training_state.json": tmp_path})
    TrainingState("pretraining", epoch=2, step_in_epoch=5).check(checkpoint, 3, lambda epoch: 5)
    TrainingState("pretraining", epoch=3, ended=True).check(checkpoint, 3, lambda epoch: 5)
    with pytest.raises(CheckpointError, match=rf": {name} cannot be what it is there"):
        TrainingState("pretraining", **values).check(checkpoint, 3, lambda epoch: 5)


@pytest.mark.parametrize("values", [[["a", "b"]], [[1], [2]], [[[1], [2, 3]]], []])
def test_random_states_of_another_model(values):
    import keras

    from training.loop.training_state import _assign

    with pytest.raises(CheckpointError, match="the state of another model"):
        _assign([keras.Variable([1, 2], dtype="int32")], values)
