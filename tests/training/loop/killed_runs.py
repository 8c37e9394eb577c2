"""Kills a run at a chosen place, and compares what became of it with a run that was not killed."""

import json

import numpy as np
import pytest
from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator
from tensorboard.util.tensor_util import make_ndarray

from tests.stored_arrays import arrays_of


class KilledError(BaseException):
    """Nothing of ours catches it."""


def once(monkeypatch, owner, name, action, call=1):
    """Does something before the `call`-th call of a function."""
    calls = []

    def act():
        calls.append(1)
        if len(calls) == call:
            action()

    always(monkeypatch, owner, name, act)


def always(monkeypatch, owner, name, action):
    """Does something before each call of a function."""
    original = getattr(owner, name)

    def replaced(*args, **kwargs):
        action()
        return original(*args, **kwargs)

    monkeypatch.setattr(owner, name, replaced)


def kill():
    raise KilledError


def history_of(metrics):
    timeless = json.loads(json.dumps(metrics))
    for entry in timeless["history"]:
        entry.pop("seconds")
    return timeless


def points_of(folder):
    """tag -> [(step, value)] of a run's curves, of each split; speeds left out."""
    (logs,) = (folder / "logs").iterdir()
    points = {}
    for split in ("train", "valid"):
        events = EventAccumulator(str(logs / split), size_guidance={"tensors": 0})
        events.Reload()
        for tag in events.Tags()["tensors"]:
            if not tag.endswith(("examples_per_second", "options")):
                points[split, tag] = [
                    (event.step, float(make_ndarray(event.tensor_proto)))
                    for event in events.Tensors(tag)
                ]
    return points


def assert_same_result(folder, reference):
    """Weights, optimizer, figures and curves are those of a run that was not killed."""
    for name in ("model.weights.h5", "last/model.weights.h5", "last/optimizer.h5"):
        ours, theirs = arrays_of(folder / name), arrays_of(reference / name)
        assert ours.keys() == theirs.keys()
        assert max(np.abs(ours[key] - theirs[key]).max() for key in ours) <= 1e-6, name
    for name in ("test_labels.csv", "test_predictions.jsonl", "report.html"):
        if (reference / name).exists():
            ours, theirs = (path / name for path in (folder, reference))
            # The report shows the command, which may save at other steps, to another folder.
            found = [
                [line for line in path.read_text().splitlines() if "--ckpt_dir" not in line]
                for path in (ours, theirs)
            ]
            assert found[0] == found[1], name
    ours, theirs = (
        json.loads((path / "last" / "training_state.json").read_text())
        for path in (folder, reference)
    )
    for name in (
        "epoch",
        "step",
        "step_in_epoch",
        "ended",
        "validations_without_improvement",
        "rng",
    ):
        assert ours[name] == theirs[name], name
    ours, theirs = (
        history_of(json.loads((path / "metrics.json").read_text())) for path in (folder, reference)
    )
    assert ours.keys() == theirs.keys()
    assert ours["best_epoch"] == theirs["best_epoch"]
    assert ours.get("thresholds") == theirs.get("thresholds")
    for one, other in zip(
        [*ours["history"], {"valid": ours.get("test", {})}],
        [*theirs["history"], {"valid": theirs.get("test", {})}],
        strict=True,
    ):
        assert one.get("epoch") == other.get("epoch")
        for split in ("train", "valid"):
            assert one.get(split) == pytest.approx(other.get(split), abs=1e-5)
    ours, theirs = points_of(folder), points_of(reference)
    assert ours.keys() == theirs.keys()
    for tag in ours:
        assert [step for step, _ in ours[tag]] == [step for step, _ in theirs[tag]], tag
        values = [[value for _, value in points[tag]] for points in (ours, theirs)]
        assert values[0] == pytest.approx(values[1], abs=1e-4), tag
    assert not list(folder.rglob(".*"))
