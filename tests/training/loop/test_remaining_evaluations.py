import pytest

from training.loop import remaining_evaluations as module
from training.loop.remaining_evaluations import RemainingEvaluations
from training.loop.stage import Stage


def stage_of(valid, test):
    return Stage(
        name="fine_tuning",
        batches=lambda epoch, step: iter(()),
        steps=lambda epoch: 10,
        examples=10,
        evaluate=dict,
        score="f1",
        train_metrics=(),
        valid_batches=valid,
        test_batches=test,
    )


@pytest.mark.parametrize("num_epochs", [1, 2, 3, 7, 10])
@pytest.mark.parametrize("every", [1, 2, 3, 20])
def test_the_validations_that_are_left(num_epochs, every):
    evaluations = RemainingEvaluations(stage_of(1, 0), num_epochs, every)
    validated = [epoch % every == 0 or epoch == num_epochs for epoch in range(1, num_epochs + 1)]
    for epoch in range(num_epochs + 1):
        # A forward pass takes a third of a training step.
        assert evaluations.seconds_left(epoch, 3.0) == sum(validated[epoch:])


def test_a_validation_is_timed_but_not_the_first_one(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    evaluations = RemainingEvaluations(stage_of(10, 20), 3, 1)
    for seconds, left in ((500.0, 2 * 10 + 20), (5.0, 5 + 10)):
        with evaluations.timed():
            now[0] += seconds
        epoch = 1 if seconds == 500 else 2
        assert evaluations.seconds_left(epoch, 3.0) == left
