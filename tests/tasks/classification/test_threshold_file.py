import re

import numpy as np
import pytest

from common.errors import InputError
from tasks.classification.threshold_file import read_thresholds


def test_thresholds_by_label(tmp_path):
    path = tmp_path / "thresholds.tsv"
    path.write_bytes("\ufeff盗窃\t0.25\r\n\r\nB\t 1e-3 \n".encode())
    found = read_thresholds(str(path), ["A", "B", "盗窃"])
    np.testing.assert_array_equal(found, [np.nan, 0.001, 0.25])
    assert np.isnan(read_thresholds("", ["A"])).all()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("B 0.5", "expected `label<TAB>threshold`, not 'B 0.5'"),
        ("C\t0.5", "the label 'C' is not one of the 2 labels of the model"),
        ("A\t0.7", "a second threshold for 'A'"),
        ("B\thalf", "a threshold must be a number from 0 to 1, not 'half'"),
        ("B\t1.5", "a threshold must be a number from 0 to 1, not '1.5'"),
        ("B\tnan", "a threshold must be a number from 0 to 1, not 'nan'"),
    ],
)
def test_a_wrong_line_is_named(tmp_path, line, message):
    path = tmp_path / "thresholds.tsv"
    path.write_text(f"A\t0.5\n{line}\n")
    with pytest.raises(InputError, match=re.escape(f"thresholds.tsv:2: {message}")):
        read_thresholds(str(path), ["A", "B"])


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="missing"):
        read_thresholds(str(tmp_path / "missing.tsv"), ["A"])
