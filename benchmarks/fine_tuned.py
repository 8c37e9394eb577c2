"""Runs of step 2 by the benchmarks, and what they gave."""

import time
from pathlib import Path
from typing import Any

from benchmarks.data_sets import Split
from benchmarks.two_steps import read_metrics, run
from tasks.classification.metrics import classification_metrics, decide

Result = dict[str, Any]


def learned(folder: Path) -> Result:
    """What a run of step 2 wrote of itself: its best validation, its curves and its time."""
    metrics = read_metrics(folder)
    history = metrics["history"]
    return {
        "valid": history[metrics["best_epoch"] - 1]["valid"],
        "network_f1": [entry["network_f1"] for entry in metrics.get("bag_of_words", [])],
        "curve": [entry["valid"]["f1"] for entry in history],
        "loss": [entry["train"]["loss"] for entry in history],
        "seconds": sum(entry["seconds"] for entry in history),
    }


def measured(folder: Path, split: Split) -> Result:
    """Test figures, speed and size of a checkpoint, by the code that labels new text."""
    # Imported here: the baselines need no TensorFlow.
    from training.prediction import Predictor

    classifier = Predictor(folder)
    classifier.probabilities(split.texts)  # traces every length
    began = time.monotonic()
    probabilities = classifier.probabilities(split.texts)
    rate = len(split.texts) / (time.monotonic() - began)
    known = {label: column for column, label in enumerate(classifier.task.labels)}
    missing = set(split.labels) - set(known)
    columns = [known.get(label, 0) for label in split.labels]
    thresholds = np.array([entry["threshold"] for entry in classifier.task.known_labels()])
    decisions = decide(probabilities, thresholds)[:, columns]
    # A label that no training or validation document has is never predicted.
    decisions[:, [label in missing for label in split.labels]] = False
    return {
        "test": classification_metrics(split.targets > 0, decisions),
        "documents_per_second": rate,
        "parameters": classifier.model.count_params(),
        "bytes": (folder / "model.weights.h5").stat().st_size,
    }


def script(name: str, options: dict[str, Any]) -> None:
    """Runs a script of the project as a user would; ends this program if it fails.

    A run that was stopped before goes on where it was.
    """
    run(name, *(f"--{key}={value}" for key, value in options.items()))
