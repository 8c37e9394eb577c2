import numpy as np

from models.layers.pooling import MaxPooling, MeanPooling


def test_poolings_by_hand():
    sequence = np.array([[[1.0, -4.0], [3.0, -2.0], [9.0, 9.0]]], "float32")
    mask = np.array([[True, True, False]])
    np.testing.assert_array_equal(MaxPooling()(sequence, mask), [[3.0, -2.0]])
    np.testing.assert_array_equal(MeanPooling()(sequence, mask), [[2.0, -3.0]])
