"""Reads a file of thresholds: `label<TAB>threshold` on each line."""

from collections.abc import Sequence

import numpy as np

from common.errors import InputError
from data_util.reading.raw_lines import raw_lines
from data_util.reading.sources import check_paths


def read_thresholds(path: str, labels: Sequence[str]) -> np.ndarray:
    """The thresholds of labels, from 0 to 1; NaN for those that the file does not name.

    Args:
        path: of the file; empty lines in it are skipped. "" names no label.
        labels: in the order of the result.

    Returns:
        (labels,) float64.

    Raises:
        InputError: the file cannot be read, or a line has no such label and number.
    """
    found = np.full(len(labels), np.nan)
    if not path:
        return found
    index = {label: position for position, label in enumerate(labels)}
    (checked,) = check_paths([path])
    with open(checked, "rb") as stream:
        for raw in raw_lines(stream):
            line = raw.decode(path).strip()
            if not line:
                continue
            label, tab, value = line.rpartition("\t")
            label = label.strip()
            if not tab:
                raise InputError(
                    f"expected `label<TAB>threshold`, not {line!r:.80}", path, raw.number
                )
            if label not in index:
                raise InputError(
                    f"the label {label!r:.80} is not one of the {len(labels):,} labels of the "
                    "model; its labels.txt lists them",
                    path,
                    raw.number,
                )
            if not np.isnan(found[index[label]]):
                raise InputError(f"a second threshold for {label!r:.80}", path, raw.number)
            found[index[label]] = _threshold(value, path, raw.number)
    return found


def _threshold(text: str, path: str, line: int) -> float:
    try:
        value = float(text)
    except ValueError:
        value = np.nan
    if not 0 <= value <= 1:
        raise InputError(
            f"a threshold must be a number from 0 to 1, not {text.strip()!r:.80}", path, line
        )
    return value
