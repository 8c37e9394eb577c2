import keras
import numpy as np
import pytest

from conversion.released.config import config_from_release
from conversion.released.formats import open_release
from conversion.released.weights import fill_model
from models.backbones.base import make_backbone
from models.build import build
from models.heads.aligned_span import AlignedSpanHead
from models.heads.span import NO_SCORE, SpanHead
from models.pretraining_model import PretrainingModel
from models.task_model import TaskModel
from tests.bert_release import batch_for, libraries, random_bert, save_release


def pair_batch(config, seed=0):
    """Rows of a question and a passage each, of several lengths."""
    batch = batch_for(config, seed)
    lengths = batch["padding_mask"].sum(axis=1)
    places = np.arange(batch["token_ids"].shape[1])
    second = (places >= lengths[:, None] // 2) & batch["padding_mask"]
    return {**batch, "segment_ids": second.astype("int32")}


def test_it_is_berts_head(tmp_path):
    """`BertForQuestionAnswering` of transformers with the same weights, at every token scored."""
    torch, transformers = libraries()
    whole = random_bert(seed=3)
    released = open_release(save_release(whole, tmp_path))
    config = config_from_release(released.family, released.config)
    ours = build(PretrainingModel(make_backbone(config), objectives=("masked_lm", "next_sentence")))
    fill_model(ours, released)
    theirs = transformers.BertForQuestionAnswering(whole.config).eval()
    theirs.bert.load_state_dict(whole.bert.state_dict(), strict=False)
    model = build(TaskModel(ours.backbone, SpanHead(config, 0.1, name="head"), None))
    kernel, bias = (each.detach().numpy() for each in theirs.qa_outputs.parameters())
    model.head.scores.kernel.assign(kernel.T)
    model.head.scores.bias.assign(bias)
    batch = pair_batch(whole.config)
    found = np.asarray(model(batch, training=False))
    with torch.no_grad():
        expected = theirs(
            input_ids=torch.tensor(batch["token_ids"].astype("int64")),
            token_type_ids=torch.tensor(batch["segment_ids"].astype("int64")),
            attention_mask=torch.tensor(batch["padding_mask"].astype("int64")),
        )
    scored = found[:, :, 0] != NO_SCORE
    # [CLS], and the passage without its [SEP].
    last = batch["padding_mask"].sum(axis=1) - 1
    passage = (batch["segment_ids"] == 1) & (np.arange(found.shape[1]) < last[:, None])
    passage[:, 0] = True
    np.testing.assert_array_equal(scored, passage)
    for place, name in enumerate(("start_logits", "end_logits")):
        of_theirs = getattr(expected, name).numpy()
        np.testing.assert_allclose(found[scored, place], of_theirs[scored], atol=1e-4)


@pytest.mark.parametrize("kind", [SpanHead, AlignedSpanHead])
def test_padding_and_saving_and_gradients(config_of, kind):
    config = config_of("text_cnn")
    head = kind(config, 0.0)
    random = np.random.default_rng(0)
    width = config.d_model
    outputs = {
        "embedding_output": random.normal(size=(2, 9, width)).astype("float32"),
        "sequence_output": random.normal(size=(2, 9, width)).astype("float32"),
        "token_ids": random.integers(0, 9, (2, 9)).astype("int32"),
        "segment_ids": np.array([[0, 0, 0, 1, 1, 1, 1, 0, 0]] * 2, "int32"),
    }
    mask = np.arange(9) < np.array([[7], [7]])
    head.build()
    scores = np.asarray(head(outputs, mask))
    assert scores.shape == (2, 9, 2)
    assert (scores[:, [1, 2, 6, 7, 8]] == NO_SCORE).all() and (scores[:, [0, 3, 4, 5]] > -1e3).all()
    shorter = {name: array[:, :7] for name, array in outputs.items()}
    np.testing.assert_allclose(np.asarray(head(shorter, mask[:, :7])), scores[:, :7], atol=1e-5)
    again = kind.from_config(head.get_config())
    again.build()
    for one, other in zip(again.weights, head.weights, strict=True):
        one.assign(other)
    np.testing.assert_array_equal(np.asarray(again(outputs, mask)), scores)


def test_what_is_asked_changes_the_scores_of_the_passage(config_of):
    """Though no position of the passage sees the question before the head."""
    config = config_of("text_cnn")
    keras.utils.set_random_seed(0)
    head = AlignedSpanHead(config, 0.0)
    head.build()
    shape = (1, 7, config.d_model)
    random = np.random.default_rng(0)
    outputs = {name: random.normal(size=shape).astype("float32") for name in (
        "embedding_output", "sequence_output")}  # fmt: skip
    outputs["segment_ids"] = np.array([[0, 0, 0, 1, 1, 1, 1]], "int32")
    ids = np.array([[1, 5, 2, 6, 7, 8, 2]], "int32")
    mask = np.ones((1, 7), bool)
    before = np.asarray(head({**outputs, "token_ids": ids}, mask))
    ids[0, 1] = 7  # the token in the middle of the passage
    after = np.asarray(head({**outputs, "token_ids": ids}, mask))
    assert (np.abs(after - before)[:, 3:6] > 1e-6).all()
