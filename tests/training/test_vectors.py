"""What a vector is, is tested with the Python interface that gives it."""

from pathlib import Path

import numpy as np
import pytest

from models.checkpoints.folder import read_checkpoint
from training.vectors import TextVectors, load_backbone

OLD = Path(__file__).parents[1] / "old_checkpoints"


@pytest.mark.parametrize("name", ["pretrained_text_cnn", "fine_tuned_transformer"])
def test_of_both_stages_and_backbones(name):
    vectors = TextVectors.load(OLD / name)
    found = vectors(["被告人", "被告人" * 40, "盗窃"])
    assert found.shape == (3, vectors.width) == (3, 16) and found.dtype == np.float32
    assert np.isfinite(found).all() and len(np.unique(found[:, 0])) == 3
    # Text after sequence_length is not read.
    np.testing.assert_allclose(vectors(["被告人" * 21])[0, :0], found[0, :0])
    np.testing.assert_allclose(vectors(["被告人" * 21, "被"])[0], found[1], atol=1e-5)


def test_sequences_as_long_as_the_checkpoint_was_trained_on():
    _, text = load_backbone(read_checkpoint(OLD / "pretrained_text_cnn"))
    assert text.sequence_length == 64
