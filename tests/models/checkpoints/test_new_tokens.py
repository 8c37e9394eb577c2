import numpy as np

from models.backbones.base import make_backbone
from models.build import build
from models.checkpoints.new_tokens import NewTokens
from models.checkpoints.transfer import named_variables, transfer_pretraining
from models.presets import backbone_config
from models.pretraining_model import PretrainingModel


def test_rows_are_means_by_hand():
    table = np.array([[1.0, 2], [3, 4], [5, 9], [0, 0], [0, 0], [7, 7]], np.float32)
    filled = NewTokens(3, [[0, 2], np.array([1])]).filled(table)
    np.testing.assert_array_equal(filled[:3], table[:3])
    np.testing.assert_array_equal(filled[3:], [[3, 5.5], [3, 4], [7, 7]])
    assert not table[3].any()  # the argument stays as it is


def model_of(vocab_size, **sizes):
    config = backbone_config("text_cnn", "tiny", vocab_size, d_model=8, num_filters=4, **sizes)
    model = build(PretrainingModel(make_backbone(config), objectives=("masked_lm",)))
    return model


def check(old, new, first, parts):
    for variable in old.weights:
        variable.assign(np.random.default_rng(variable.shape[0]).normal(size=variable.shape))
    report, fresh = transfer_pretraining(new, old, "checkpoint", NewTokens(first, parts))
    assert report.share == 1
    assert fresh == ()
    theirs = named_variables(old)
    grown = 0
    for name, variable in named_variables(new).items():
        before, after = (np.array(each.value) for each in (theirs[name], variable))
        if name.endswith(("embeddings/token_embedding/embeddings", "masked_lm/bias")):
            grown += 1
            assert after[:first].tobytes() == before[:first].tobytes()
            for row, ids in enumerate(parts, first):
                np.testing.assert_allclose(after[row], before[ids].mean(0), rtol=1e-6)
            rest = before[first + len(parts) :]
            assert after[first + len(parts) :].tobytes() == rest.tobytes()
        elif "seed" not in name:
            assert after.tobytes() == before.tobytes(), name
    assert grown == 2


def test_old_rows_are_unchanged_and_new_ones_are_means():
    check(model_of(10), model_of(13), 10, [[5, 6], [7], [1, 8, 9]])


def test_a_projected_table():
    check(model_of(10, embedding_width=3), model_of(12, embedding_width=3), 10, [[5, 6], [7]])


def test_spare_rows_of_a_released_vocabulary_are_used():
    # A vocabulary of 8 tokens and 10 embeddings.
    check(model_of(10), model_of(10), 8, [[5, 6]])
