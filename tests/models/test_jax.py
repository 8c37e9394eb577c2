"""The models on another backend: in a process of its own, as Keras has one backend a process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TRAIN = """
import sys
import keras
import numpy as np
from models.backbones import BACKBONES, make_backbone
from models.build import build
from models.classification import ClassificationModel
from models.config import backbone_config
from models.pretraining import PretrainingModel

assert keras.backend.backend() == sys.argv[1]
batch = {
    "token_ids": np.arange(16, dtype="int32").reshape(2, 8),
    "segment_ids": np.zeros((2, 8), "int32"),
    "padding_mask": np.arange(8) < np.array([[8], [5]]),
    "masked_positions": np.array([[1, 3], [2, 0]], "int32"),
    "masked_ids": np.array([[7, 8], [9, 0]], "int32"),
    "masked_weights": np.array([[1, 1], [1, 0]], "float32"),
    "is_next": np.array([0, 1], "int32"),
    "pair_weights": np.ones(2, "float32"),
}
for name in BACKBONES:
    for model, target in (
        (PretrainingModel, None), (lambda backbone: ClassificationModel(backbone, 3), np.eye(3)[:2])
    ):
        model = build(model(make_backbone(backbone_config(name, "tiny", 20, dropout=0.0))))
        model.compile(optimizer=keras.optimizers.Adam(1e-2), jit_compile=False)
        losses = []
        for _ in range(5):
            model.reset_metrics()
            losses.append(model.train_on_batch(batch, target, return_dict=True)["loss"])
        assert losses[-1] < losses[0], losses
"""


def test_trains_on_jax():
    pytest.importorskip("jax")
    root = Path(__file__).parents[2]
    result = subprocess.run(
        [sys.executable, "-c", TRAIN, "jax"],
        env={**os.environ, "KERAS_BACKEND": "jax", "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-2000:]
