import keras
import numpy as np

from benchmarks.toy_task import CLS, ONE, ZERO, run, sequences
from models.backbones.base import make_backbone
from models.build import build
from models.presets import backbone_config


def test_sequences():
    inputs, targets = sequences(500, 24, 1, "train")
    ids = inputs["token_ids"]
    assert ids.shape == (500, 25)
    assert (ids[:, 0] == CLS).all()
    assert set(np.unique(ids[:, 1:])) == {ZERO, ONE}
    many = (ids == ONE).sum(axis=1) > 12
    np.testing.assert_array_equal(targets, np.stack([~many, many], axis=1))
    again, _ = sequences(500, 24, 1, "train")
    np.testing.assert_array_equal(again["token_ids"], ids)
    other, _ = sequences(500, 24, 1, "unseen")
    assert (other["token_ids"] != ids).any()


def test_the_transformer_counts():
    loss, accuracy = run("transformer", length=16, steps=250)
    assert loss < 0.1
    assert accuracy > 0.98


def test_the_text_cnn_counts_where_it_takes_the_mean():
    loss, accuracy = run("text_cnn", pooling="mean", length=16, steps=300)
    assert loss < 0.2
    assert accuracy > 0.95


def outputs_of(pooling, ones):
    """The pooled output of a TextCNN for each of some sequences of 96: zeros, then ones."""
    keras.utils.set_random_seed(1)
    config = backbone_config("text_cnn", "tiny", vocab_size=7, pooling=pooling, dropout=0.0)
    backbone = build(make_backbone(config))
    bits = np.arange(96) >= 96 - np.array(ones)[:, None]
    token_ids = np.full((len(ones), 97), CLS, dtype=np.int32)
    token_ids[:, 1:] = np.where(bits, ONE, ZERO)
    inputs = {
        "token_ids": token_ids,
        "segment_ids": np.zeros_like(token_ids),
        "padding_mask": np.ones_like(token_ids, dtype=bool),
    }
    return keras.ops.convert_to_numpy(backbone(inputs)["pooled_output"])


def test_the_maximum_over_positions_cannot_count():
    """All of these have the same pieces of 9 positions, which is what the TextCNN sees at once.

    No weights tell them apart, so no training does, though most of them have another answer.
    """
    few, more, many = outputs_of("max", [12, 40, 84])
    np.testing.assert_allclose(few, more, atol=1e-5)
    np.testing.assert_allclose(few, many, atol=1e-5)
    few, more, many = outputs_of("mean", [12, 40, 84])
    assert abs(few - more).max() > 0.05
    assert abs(more - many).max() > 0.05
    # A run of ones that is shorter than those pieces is another matter.
    (short,) = outputs_of("max", [3])
    assert abs(short - outputs_of("max", [12])[0]).max() > 1e-3
