import keras
import numpy as np

from models.heads.logit_calibration import LogitCalibration


def test_logits_are_unchanged_until_they_are_calibrated():
    layer = LogitCalibration()
    layer.build()
    logits = np.array([[1.5, -2.0], [1e-7, 80.0]], np.float32)
    np.testing.assert_array_equal(np.asarray(layer(logits)), logits)
    layer.calibrate(0.5, -1.0)
    np.testing.assert_array_equal(np.asarray(layer(logits)), logits * np.float32(0.5) - 1)


def test_it_is_float32_and_not_trained():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        layer = LogitCalibration()
        layer.build()
    finally:
        keras.config.set_dtype_policy(before)
    assert not layer.trainable_variables
    assert {variable.dtype for variable in layer.weights} == {"float32"}
    assert LogitCalibration.from_config(layer.get_config()).name == layer.name
