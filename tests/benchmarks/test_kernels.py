import json
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from benchmarks import kernels


def test_smoke_run(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["kernels", "--test_mode", f"--out={tmp_path}"])
    kernels.main()
    tables = json.loads((tmp_path / "kernels.json").read_text(encoding="utf-8"))["tables"]
    assert list(tables) == [*kernels.pairs(8), "Adam's update"]
    assert all([row["side"] for row in rows] == ["kernel", "Keras"] for rows in tables.values())
    assert "**GELU**" in capsys.readouterr().out


@pytest.mark.parametrize("name", [name for name in kernels.pairs(8) if name != "dropout"])
def test_both_sides_compute_the_same(name):
    ours, keras_own, shape = kernels.pairs(8)[name]
    x = tf.random.stateless_normal(shape, seed=(3, 4))
    results = []
    for function in (ours, keras_own):
        with tf.GradientTape() as tape:
            tape.watch(x)
            outputs = tf.nest.flatten(function(x))
        gradient = tape.gradient(outputs[0], x)
        results.append((*outputs, tf.convert_to_tensor(gradient)))
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(
            keras.ops.convert_to_numpy(one), keras.ops.convert_to_numpy(other), atol=2e-5
        )
