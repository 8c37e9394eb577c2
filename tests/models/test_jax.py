"""The backbones on another backend: in a process of its own, as Keras has one backend a process.

A classifier is trained there by tests/training/devices/test_distribution.py.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TRAIN = """
import sys
import keras
import numpy as np
from models.backbones.base import make_backbone
from models.build import build
from models.config import config_class
from models.presets import backbone_config
from models.kernels.dropout import Dropout
from models.pretraining_model import PretrainingModel
from models.registry import BACKBONES

assert keras.backend.backend() == sys.argv[1]
batch = {
    "token_ids": np.arange(16, dtype="int32").reshape(2, 8),
    "segment_ids": np.zeros((2, 8), "int32"),
    "padding_mask": np.arange(8) < np.array([[8], [5]]),
    "masked_positions": np.array([[1, 3], [2, 0]], "int32"),
    "masked_ids": np.array([[7, 8], [9, 0]], "int32"),
    "masked_weights": np.array([[1, 1], [1, 0]], "float32"),
    "pair_kind": np.array([0, 1], "int32"),
    "pair_weights": np.ones(2, "float32"),
}
sizes = {"d_model": 16, "num_heads": 2, "dropout": 0.0}
for name in BACKBONES:
    own = {"num_filters": 8, "filter_sizes": (2, 3), "num_layers": 1}
    own = {size: own[size] for size in own.keys() & config_class(name).fields()}
    config = backbone_config(name, "tiny", 20, **sizes, **own)
    model = build(PretrainingModel(make_backbone(config)))
    model.compile(optimizer=keras.optimizers.Adam(1e-2), jit_compile=True)
    losses = []
    for _ in range(5):
        model.reset_metrics()
        losses.append(model.train_on_batch(batch, return_dict=True)["loss"])
    assert losses[-1] < losses[0], (name, losses)
dropped = np.asarray(Dropout(0.25)(np.ones((500, 8)), training=True))
assert 0.2 < (dropped == 0).mean() < 0.3
assert np.allclose(dropped[dropped > 0], 4 / 3)
"""


def test_trains_on_jax():
    pytest.importorskip("jax")
    root = Path(__file__).parents[2]
    result = subprocess.run(
        [sys.executable, "-c", TRAIN, "jax"],
        env={
            **os.environ,
            "KERAS_BACKEND": "jax",
            "PYTHONPATH": str(root),
            # XLA compiles twice as fast.
            "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-2000:]
