import numpy as np
import pytest

from models.layers.windows import cut, highest

CLS, SEP = 2, 3


def documents(lengths, total):
    ids = np.zeros((len(lengths), total), np.int32)
    for row, length in enumerate(lengths):
        ids[row, : length + 2] = [CLS, *range(10, 10 + length), SEP]
    mask = np.arange(total) < np.array(lengths)[:, None] + 2
    return {"token_ids": ids, "segment_ids": 0 * ids, "padding_mask": mask}


@pytest.mark.parametrize(("total", "count"), [(11, 3), (12, 4), (5, 1), (4, 1)])
def test_windows_follow_one_another(total, count):
    size = 5
    lengths = [total - 2, 1, min(3, total - 2), 0]
    inputs, real = cut(documents(lengths, total), size)
    width, content = min(size, total), min(size, total) - 2
    assert tuple(real.shape) == (4, count)
    ids, mask = (np.asarray(inputs[name]) for name in ("token_ids", "padding_mask"))
    assert ids.shape == mask.shape == (4 * count, width)
    for row, length in enumerate(lengths):
        tokens = list(range(10, 10 + length))
        for window in range(count):
            part = tokens[window * content : (window + 1) * content]
            assert bool(real[row, window]) == bool(part or not window)
            found = ids[row * count + window][mask[row * count + window]]
            if part or not window:
                assert found.tolist() == [CLS, *part, SEP]


def test_highest_ignores_windows_without_text():
    scores = np.array([[1.0, -2.0], [3.0, -4.0], [-5.0, -1.0], [9.0, 9.0]])
    real = np.array([[True, True], [True, False]])
    np.testing.assert_allclose(highest(scores, real), [[3.0, -2.0], [-5.0, -1.0]])
