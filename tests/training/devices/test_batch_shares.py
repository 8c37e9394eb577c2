import numpy as np
import pytest

from training.devices.batch_shares import pad_rows, real_rows, shard


def batch_of(rows):
    return {
        "token_ids": np.arange(rows * 3, dtype=np.int32).reshape(rows, 3),
        "padding_mask": np.ones((rows, 3), bool),
        "masked_weights": np.ones((rows, 2), np.float32),
        "pair_weights": np.ones(rows, np.float32),
        "example": np.arange(rows, dtype=np.int32),
    }


@pytest.mark.parametrize(("rows", "multiple", "longer"), [(5, 2, 6), (6, 3, 6), (1, 4, 4)])
def test_rows_that_are_added_weigh_nothing(rows, multiple, longer):
    batch = batch_of(rows)
    targets = np.eye(rows, dtype=np.float32)
    padded, more_targets, weights = pad_rows((batch, targets), multiple)
    assert weights.tolist() == [1.0] * rows + [0.0] * (longer - rows)
    assert weights.dtype == np.float32
    np.testing.assert_array_equal(more_targets[:rows], targets)
    assert len(more_targets) == longer
    for name, array in pad_rows(batch, multiple).items():
        np.testing.assert_array_equal(array, padded[name])
        np.testing.assert_array_equal(array[:rows], batch[name])
        assert array.dtype == batch[name].dtype
        assert len(array) == longer
        if name.endswith("weights"):
            assert not array[rows:].any()
        elif name == "example":
            # An added row belongs to no example.
            assert array.tolist() == [*range(rows), *[-1] * (longer - rows)]
        else:
            # A row of padding alone has no token to read, and need not be one that a model can.
            assert (array[rows:] == array[rows - 1]).all()


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_shares_are_the_batch_without_overlap_or_loss(processes):
    batch = pad_rows((batch_of(7), np.eye(7)), processes)
    shares = [shard(batch, process, processes) for process in range(processes)]
    assert len({len(share[2]) for share in shares}) == 1
    for name, array in batch[0].items():
        np.testing.assert_array_equal(np.concatenate([share[0][name] for share in shares]), array)
    for part in (1, 2):
        np.testing.assert_array_equal(np.concatenate([s[part] for s in shares]), batch[part])


@pytest.mark.parametrize(
    ("example", "multiple", "shares"),
    [
        ([5, 5, 1, 1, 1, 9], 2, [[5, 5, -1, -1], [1, 1, 1, 9]]),
        ([5, 5, 1], 3, [[5, 5], [1, -1], [-1, -1]]),
        ([4, 4, 4], 1, [[4, 4, 4]]),
        ([0, 1, 2, 3, 4], 2, [[0, 1, 2], [3, 4, -1]]),
    ],
)
def test_no_share_has_a_part_of_an_example(example, multiple, shares):
    inputs = {"example": np.array(example), "token_ids": np.arange(len(example))}
    targets = {"answer": np.arange(len(example)) * 2}
    padded, more_targets, weights = pad_rows((inputs, targets), multiple)
    assert padded["example"].reshape(multiple, -1).tolist() == shares
    real = padded["example"] >= 0
    assert weights.tolist() == real.astype(float).tolist()
    np.testing.assert_array_equal(real_rows(inputs, multiple), real)
    # What is taken out again is what there was.
    np.testing.assert_array_equal(padded["token_ids"][real], inputs["token_ids"])
    np.testing.assert_array_equal(more_targets["answer"][real], targets["answer"])
