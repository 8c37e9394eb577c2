import numpy as np
import pytest

from training.devices.input_pipeline import prefetched


def batch_of(rows, length, first=0):
    ids = np.arange(first, first + rows * length, dtype=np.int32).reshape(rows, length)
    return {"token_ids": ids, "padding_mask": ids % 2 == 0}


def test_dicts_of_changing_shapes():
    shapes = [(4, 32), (4, 64), (1, 32)]
    dataset = prefetched(lambda: (batch_of(*shape) for shape in shapes), 3)
    got = list(dataset.as_numpy_iterator())
    assert len(got) == len(dataset) == 3
    for batch, shape in zip(got, shapes, strict=True):
        expected = batch_of(*shape)
        assert batch.keys() == expected.keys()
        for name, array in expected.items():
            np.testing.assert_array_equal(batch[name], array)
            assert batch[name].dtype == array.dtype


def test_tuples():
    def batches():
        for rows in (3, 2):
            yield batch_of(rows, 8), np.eye(rows, 5, dtype=np.float32)

    got = list(prefetched(batches, 2).as_numpy_iterator())
    assert [targets.shape for _, targets in got] == [(3, 5), (2, 5)]
    assert [inputs["token_ids"].shape for inputs, _ in got] == [(3, 8), (2, 8)]


def test_targets_may_be_a_dict():
    def batches():
        yield batch_of(3, 8), {"answer": np.arange(3), "start": np.arange(6).reshape(3, 2)}

    ((_, targets),) = prefetched(batches, 1).as_numpy_iterator()
    assert {name: array.shape for name, array in targets.items()} == {
        "answer": (3,),
        "start": (3, 2),
    }


def test_no_axis_is_fixed():
    # A model traced for one shape must not have to be traced for the next.
    spec = prefetched(lambda: iter([batch_of(2, 8)]), 1).element_spec
    assert spec["token_ids"].shape.as_list() == [None, None]


def test_nothing_is_tuned():
    # The end of every epoch would wait for the tuner's thread, for as long again as it has run.
    options = prefetched(lambda: iter([batch_of(2, 8)]), 1).options()
    assert options.autotune.enabled is False


def test_an_error_in_the_batches_is_seen():
    def batches():
        yield batch_of(2, 8)
        raise ValueError("what went wrong")

    with pytest.raises(Exception, match="what went wrong"):
        list(prefetched(batches, 2))


def test_too_few_batches_are_noticed():
    with pytest.raises(Exception, match="expected to contain 2 elements"):
        list(prefetched(lambda: iter([batch_of(2, 8)]), 2))
