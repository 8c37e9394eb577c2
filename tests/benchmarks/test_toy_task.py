import numpy as np

from benchmarks.toy_task import CLS, ONE, ZERO, run, sequences


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
