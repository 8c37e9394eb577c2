"""Small backbones and batches of random tokens."""

import keras
import numpy as np
import pytest

from models.config import config_class
from models.presets import backbone_config

VOCAB_SIZE = 40


@pytest.fixture(autouse=True)
def seeded():
    """The same initial weights in every run."""
    keras.utils.set_random_seed(1)


@pytest.fixture(scope="session")
def config_of():
    """Makes a small configuration without dropout."""

    def make(backbone, **overrides):
        values = {"d_model": 16, "num_heads": 2, "max_position": 24, "dropout": 0.0}
        own = {"num_layers": 2, "d_ff": 24, "num_filters": 8, "filter_sizes": (2, 3)}
        values |= {name: own[name] for name in own.keys() & config_class(backbone).fields()}
        return backbone_config(backbone, "tiny", VOCAB_SIZE, **(values | overrides))

    return make


@pytest.fixture
def batch_of():
    """Makes a batch of random tokens; `lengths` are the rows' real lengths."""

    def make(lengths, width=None, slots=3, seed=0):
        rng = np.random.default_rng(seed)
        rows, width = len(lengths), width or max(lengths)
        padding_mask = np.arange(width) < np.asarray(lengths)[:, None]
        ids = rng.integers(5, VOCAB_SIZE, (rows, width))
        segments = np.arange(width) >= np.asarray(lengths)[:, None] // 2
        positions = np.stack([rng.permutation(length)[:slots] for length in lengths])
        return {
            "token_ids": np.where(padding_mask, ids, 0).astype("int32"),
            "segment_ids": (segments & padding_mask).astype("int32"),
            "padding_mask": padding_mask,
            "masked_positions": positions.astype("int32"),
            "masked_ids": rng.integers(5, VOCAB_SIZE, positions.shape).astype("int32"),
            "masked_weights": np.ones(positions.shape, "float32"),
            "pair_kind": (np.arange(rows) % 2).astype("int32"),
            "pair_weights": np.ones(rows, "float32"),
        }

    return make
