"""What counts as the best epoch."""

import pytest

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
