"""`--cross_validation`: trains a model for each fold and gives mean and spread of the metrics."""

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import keras

from common.files import to_json
from common.whole_files import write_whole
from training.options.scripts import FineTuningOptions
from training.preparation.splits import fold_files
from training.runs.side_folder import side_folder

logger = logging.getLogger(__name__)

RESULT = "cross_validation.json"


def cross_validated(
    options: FineTuningOptions, train: Callable[[FineTuningOptions], Mapping[str, Any]]
) -> dict[str, Any]:
    """Trains a model on all folds but one, for each of them, and tests it on that one.

    Each model is a run in `<ckpt_dir_save>_cross_validation/fold-<number>`. If it is killed, the
    same command resumes: no finished fold is trained again.

    Args:
        options: of the run, with `cross_validation`.
        train: fine-tunes a model and returns the content of `metrics.json`.

    Returns:
        The content of `cross_validation.json`: see `summary`.

    Raises:
        OptionError: the folder of the folds belongs to another run.
        InputError: the training files cannot be read, or have too few documents.
    """
    count = options.cross_validation
    assert count is not None
    with side_folder(options, "ckpt_dir_save", "cross_validation", ["fold-*", RESULT]) as folder:
        files = fold_files(options, count)
        folds = []
        for number, file in enumerate(files, start=1):
            logger.info("cross-validation: fold %d of %d", number, count)
            folds.append(
                train(
                    options.replace(
                        cross_validation=None,
                        training_data_file=[other for other in files if other != file],
                        test_data_file=[file],
                        ckpt_dir_save=str(folder / f"fold-{number}"),
                    )
                )
            )
            # Each model's graph would stay in memory.
            keras.utils.clear_session()
        result = summary(folds)
        write_whole(folder / RESULT, to_json(result))
    _tell(result, folder)
    logger.info("the same command without --cross_validation trains a model on all documents")
    return result


def summary(folds: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The mean and the spread of the test metrics.

        >>> test = [{"f1": 0.5, "examples": 9}, {"f1": 0.75, "examples": 8}]
        >>> found = summary([{"score": "f1", "best_epoch": 1, "test": each} for each in test])
        >>> found["mean"], round(found["standard_deviation"]["f1"], 4)
        ({'f1': 0.625}, 0.1768)

    Args:
        folds: the content of `metrics.json` of each fold, at least two.

    Returns:
        "score", the name of the metric that chooses the best epoch; "mean" and
        "standard_deviation" (of a sample: the squares are divided by folds - 1), the metrics of
        the test by name, the score first; "folds", for each the best epoch and the test.
    """
    score = folds[0]["score"]
    tests = [fold["test"] for fold in folds]
    names = [name for name in tests[0] if all(isinstance(t.get(name), float) for t in tests)]
    names.sort(key=lambda name: name != score)
    values = {name: [test[name] for test in tests] for name in names}
    return {
        "score": score,
        "mean": {name: fmean(each) for name, each in values.items()},
        "standard_deviation": {name: stdev(each) for name, each in values.items()},
        "folds": [{"best_epoch": fold["best_epoch"], "test": fold["test"]} for fold in folds],
    }


def _tell(result: Mapping[str, Any], folder: Path) -> None:
    """Logs a line for each metric."""
    folds = result["folds"]
    examples = sum(fold["test"]["examples"] for fold in folds)
    logger.info(
        "cross-validation (%d folds, %s examples; %s): mean ± standard deviation (each fold)",
        len(folds),
        f"{examples:,}",
        folder / RESULT,
    )
    width = max(map(len, result["mean"]))
    for name, mean in result["mean"].items():
        each = " ".join(f"{fold['test'][name]:.4f}" for fold in folds)
        spread = result["standard_deviation"][name]
        logger.info("  %s  %.4f ± %.4f  (%s)", name.ljust(width), mean, spread, each)
