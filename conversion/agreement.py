"""Compares an exported model with the checkpoint that it was made of, part by part."""

import logging
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from common.errors import InputError
from conversion.exported import ExportedModel, as_given

if TYPE_CHECKING:
    from training.prediction import Predictor

logger = logging.getLogger(__name__)

TOLERANCE = 1e-4
_MOST_CALLS = 6

Arrays = dict[str, np.ndarray]
# What each part of the model was given, and gave, in some calls.
Calls = dict[str, list[tuple[Arrays, Arrays]]]


def sample_calls(predictor: "Predictor", parts: Mapping[str, Any]) -> Calls:
    """Runs the parts of a model as its task does, on random input, and notes what they gave.

    Args:
        predictor: the checkpoint.
        parts: the models that are exported, by name.

    Returns:
        At most six calls of each part, of which the first and the last have arrays of other sizes.
    """
    calls: Calls = {name: [] for name in parts}

    def noted(name: str) -> Callable[[Mapping[str, np.ndarray]], Arrays]:
        part = parts[name]

        def run(inputs: Mapping[str, np.ndarray]) -> Arrays:
            given = as_given({key: inputs[key] for key in part.arrays})
            found = {key: np.asarray(output) for key, output in part(given).items()}
            calls[name].append((given, found))
            return found

        return run

    outputs = predictor.task.exported_outputs({name: noted(name) for name in parts})
    with warnings.catch_warnings():
        # Keras warns where there is one position to attend to.
        warnings.simplefilter("ignore", UserWarning)
        for batch in _batches(predictor):
            outputs(batch)
    for name, all_calls in calls.items():
        places = np.linspace(0, len(all_calls) - 1, min(len(all_calls), _MOST_CALLS))
        calls[name] = [all_calls[round(place)] for place in places.tolist()]
    return calls


def check_agreement(folder: Path, calls: Calls, *, exact: bool) -> None:
    """Runs the export once where its runtime is installed.

    Args:
        folder: of the export.
        calls: of the parts of the checkpoint's model.
        exact: whether it must give the same.

    Raises:
        RuntimeError: it must, and does not.
    """
    try:
        exported = ExportedModel(folder)
    except InputError as error:
        logger.warning("the export was not run: %s", error.message)
        return
    for name, of_part in calls.items():
        output = list(of_part[0][1])[-1]  # the probabilities, if the task has any
        difference = max(
            float(np.abs(exported.parts[name](given)[output] - found[output]).max())
            for given, found in of_part
        )
        if exact and not difference <= TOLERANCE:
            raise RuntimeError(
                f"the exported model's {output} differ from the checkpoint's by {difference:.1e}, "
                f"more than {TOLERANCE}; nothing was written. Please report this."
            )
        logger.info(
            "ran it in %s: its %s differ from the checkpoint's by at most %.1e on random input",
            exported.runtime,
            output,
            difference,
        )


def _batches(predictor: "Predictor") -> list[Arrays]:
    """Two batches of random inputs, one of them with padding."""
    random = np.random.default_rng(0)
    longest = min(predictor.text.sequence_length, 70)
    counts = {"token_ids": len(predictor.text.vocabulary)}
    features = getattr(predictor.model, "num_features", 1)
    batches = []
    for lengths in ([4], [longest, 4, longest // 2]):
        mask = np.arange(max(lengths)) < np.array(lengths)[:, None]
        batch = {"padding_mask": mask.astype(np.int32)}
        # Of several texts the second one begins in the middle.
        second = np.arange(max(lengths)) >= np.array(lengths)[:, None] // 2
        batch["segment_ids"] = (mask & second & (len(predictor.task.fields) > 1)).astype(np.int32)
        for name, array in predictor.model.arrays.items():
            if name in batch:
                continue
            if isinstance(size := array.shape[1], int):
                # As many numbers for each row, not one for each of its tokens.
                batch[name] = random.random((len(mask), size)).astype(array.dtype)
                continue
            values = random.random(mask.shape)
            if array.dtype == "int32":
                values = np.floor(values * counts.get(name, features))
            batch[name] = np.where(mask, values, 0).astype(array.dtype)
        batches.append(batch)
    return batches
