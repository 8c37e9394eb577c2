"""The softmax over choices against PyTorch's, question by question."""

import numpy as np
import pytest
from keras import ops

from conversion.released.config import config_from_release
from conversion.released.formats import open_release
from conversion.released.weights import fill_model
from models.backbones.base import make_backbone
from models.build import build
from models.pretraining_model import PretrainingModel
from tasks.multiple_choice.model import choice_log_probabilities
from tasks.multiple_choice.task import MultipleChoice
from tests.bert_release import libraries, random_bert, save_release


def question(random, choices, windows):
    scores = random.normal(size=(choices, windows)).astype(np.float32)
    return scores, np.repeat(np.arange(choices), windows).astype(np.int32)


def test_questions_of_different_sizes_equal_torch():
    torch, _ = libraries()
    random = np.random.default_rng(0)
    questions = [question(random, *size) for size in [(2, 1), (4, 3), (3, 1), (2, 2)]]
    scores = np.concatenate([each.ravel() for each, _ in questions])
    choice = np.concatenate([each for _, each in questions])
    example = np.repeat([7, 2, 9, 4], [len(each) for _, each in questions]).astype(np.int32)
    found = np.asarray(choice_log_probabilities(scores, example, choice))
    begin = 0
    for each, _ in questions:
        best = torch.tensor(each.max(axis=1))
        expected = torch.log_softmax(best, dim=0).numpy()
        rows = found[begin : begin + each.size].reshape(each.shape)
        np.testing.assert_allclose(rows[:, 0], expected, rtol=1e-5)
        begin += each.size


def test_the_gradient_goes_to_the_windows_with_the_highest_scores():
    import tensorflow as tf

    scores = tf.Variable([1.0, 3.0, 2.0, 0.0])
    example, choice = np.array([0] * 4, np.int32), np.array([0, 0, 1, 1], np.int32)
    with tf.GradientTape() as tape:
        loss = -choice_log_probabilities(ops.convert_to_tensor(scores), example, choice)[0]
    p = 1 / (1 + np.exp(1.0))  # of the other choice
    np.testing.assert_allclose(tape.gradient(loss, scores), [0, -p, p, 0], atol=1e-6)


def our_model(theirs, folder):
    """The model of multiple choice with the weights of a BertForMultipleChoice."""
    released = open_release(save_release(theirs, folder))
    config = config_from_release(released.family, released.config)
    encoder = build(PretrainingModel(make_backbone(config), objectives=("masked_lm",)))
    fill_model(encoder, released)
    model = build(MultipleChoice(head="pooled").build_model(encoder.backbone, 0.0))
    state = theirs.state_dict()
    kernel, bias = (state[f"classifier.{name}"].numpy() for name in ("weight", "bias"))
    model.head.scores.set_weights([kernel.T, bias])
    return model


def test_it_equals_bert_for_multiple_choice(tmp_path):
    torch, _ = libraries()
    theirs = random_bert("BertForMultipleChoice")
    ours = our_model(theirs, tmp_path / "release")
    random = np.random.default_rng(1)
    ids = random.integers(7, 40, (6, 12))
    mask = np.arange(12) < np.array([12, 9, 7, 12, 6, 11])[:, None]
    segments = (np.arange(12) >= 5) & mask
    given = {"input_ids": ids, "token_type_ids": segments, "attention_mask": mask}
    with torch.no_grad():
        tensors = {name: torch.tensor(each.reshape(2, 3, 12) + 0) for name, each in given.items()}
        expected = theirs(**tensors, labels=torch.tensor([2, 0]))
    inputs = {
        "token_ids": ids.astype(np.int32),
        "segment_ids": segments.astype(np.int32),
        "padding_mask": mask,
    }
    scores = np.asarray(ours(inputs))
    np.testing.assert_allclose(scores.reshape(2, 3), expected.logits.numpy(), atol=1e-4)
    targets = np.array([0, 0, 1, 1, 0, 0], np.float32)
    batch = {
        **inputs,
        "example": np.repeat([0, 1], 3).astype(np.int32),
        "choice": np.tile([0, 1, 2], 2).astype(np.int32),
    }
    values, weights = ours.task.loss(batch, targets, scores)
    loss = float(np.sum(np.asarray(values) * weights) / np.sum(weights))
    assert loss == pytest.approx(float(expected.loss), rel=1e-4)
