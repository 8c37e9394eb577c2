"""The plain Keras Transformer that translations are compared with."""

import keras
import numpy as np
import pytest

from benchmarks.lib.keras_translation import compile_model, greedy, transformer, validation_loss

VOCABULARY, LONGEST, START, END = 12, 6, 1, 2


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(1)
    return transformer(VOCABULARY, 8, LONGEST, width=16, layers=2, heads=2)


@pytest.fixture
def inputs():
    ids = np.array([[3, 4, 5, 6, 0, 0], [7, 8, 9, 10, 11, 3]], np.int32)
    return {"token_ids": ids, "padding_mask": ids != 0}


def logits_of(model, inputs, target):
    return model.predict_on_batch(
        [inputs["token_ids"], inputs["padding_mask"], np.array(target, np.int32)]
    )


def test_nothing_sees_padding_or_what_comes_later(model, inputs):
    target = [[1, 3, 4, 5], [1, 6, 7, 8]]
    before = logits_of(model, inputs, target)
    later = logits_of(model, inputs, [[*row[:2], 9, 10] for row in target])
    np.testing.assert_allclose(later[:, :2], before[:, :2], atol=1e-5)
    assert np.abs(later[:, 2:] - before[:, 2:]).max() > 1e-3
    padded = {**inputs, "token_ids": np.where(inputs["padding_mask"], inputs["token_ids"], 9)}
    np.testing.assert_allclose(logits_of(model, padded, target), before, atol=1e-5)


def test_each_token_is_the_most_probable_one_after_those_before(model, inputs):
    written = greedy(model, inputs, LONGEST, START, END)
    for row, ids in enumerate(written):
        sequence = [START, *ids.tolist(), END][: LONGEST + 1]
        logits = logits_of(model, inputs, [sequence[:-1]] * 2)[row]
        assert sequence[1:] == logits.argmax(axis=-1).tolist()


def test_a_text_ends_before_its_end_token(model, inputs):
    bias = model.layers[-1].bias
    kept = bias.numpy()
    bias.assign(np.where(np.arange(VOCABULARY) == END, 100.0, 0.0))
    assert [len(ids) for ids in greedy(model, inputs, LONGEST, START, END)] == [0, 0]
    bias.assign(kept)


def test_the_validation_loss_is_the_mean_over_tokens_of_all_batches(model, inputs):
    next_ids = np.array([[3, 4, 2, 0], [5, 6, 7, 2]], np.int32)
    previous = np.array([[1, 3, 4, 2], [1, 5, 6, 7]], np.int32)
    weights = (next_ids != 0).astype(np.float32)
    logits = logits_of(model, inputs, previous).astype(np.float64)
    chosen = np.take_along_axis(logits, next_ids[..., None], axis=-1)[..., 0]
    losses = np.log(np.exp(logits).sum(axis=-1)) - chosen
    given = {**inputs, "previous_ids": previous, "next_ids": next_ids}

    class EachRow:
        def batches(self, epoch):
            for row in (slice(0, 1), slice(1, 2)):
                yield {name: array[row] for name, array in given.items()}, weights[row]

    compile_model(model, 1e-3)
    found = validation_loss(model, EachRow())
    assert found == pytest.approx((losses * weights).sum() / weights.sum(), rel=1e-5)
    assert validation_loss(model, EachRow()) == found
