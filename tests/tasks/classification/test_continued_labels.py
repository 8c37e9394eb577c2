import numpy as np
import pytest

from data_util.reading.labels import LabelSet
from models.backbones.base import make_backbone
from models.build import build
from models.checkpoints.transfer import named_variables
from models.registry import HEADS
from tasks.classification.continued_labels import described
from tasks.registry import TASKS

OLD, NEW = ("盗窃", "诈骗", "抢劫"), ("抢夺", "抢劫", "诈骗", "赌博")
PAIRS = ("alignment", "next_sentence")


@pytest.fixture
def model_of(config_of):
    """A task and its built model, with random weights in the head."""

    def make(labels, head="pooled", name="multi_label", seed=0, **sizes):
        task = TASKS[name](LabelSet(list(labels)), head=head, pairs=head in PAIRS)
        model = build(task.build_model(make_backbone(config_of("text_cnn", **sizes)), 0.1))
        random = np.random.default_rng(seed)
        for variable in model.head.weights:
            variable.assign(random.normal(size=variable.shape))
        return task, model

    return make


def copies(model):
    return {name: np.array(each) for name, each in named_variables(model.head).items()}


@pytest.mark.parametrize("head", HEADS)
def test_labels_of_both_keep_their_weights(model_of, head):
    before, source = model_of(OLD, head)
    learned = copies(source)
    task, model = model_of(NEW, head, seed=1)
    fresh = copies(model)
    assert task.continue_head(model, before, source) == (
        "2 labels keep their weights, 2 are new (抢夺, 赌博), 1 is dropped (盗窃)"
    )
    found = copies(model)
    for name in found.keys() - {"scores/kernel", "scores/bias"}:
        np.testing.assert_array_equal(found[name], learned[name])
    for index, label in enumerate(NEW):
        expected, place = (learned, OLD.index(label)) if label in OLD else (fresh, index)
        for name in ("scores/kernel", "scores/bias"):
            np.testing.assert_array_equal(found[name][..., index], expected[name][..., place])
    assert found.keys() == learned.keys()


def test_another_order_of_the_labels_changes_nothing(model_of, batch_of):
    before, source = model_of(OLD)
    task, model = model_of(OLD[::-1], seed=1)
    assert task.continue_head(model, before, source) == "3 labels keep their weights"
    for ours, theirs in zip(model.backbone.weights, source.backbone.weights, strict=True):
        ours.assign(theirs)
    batch = batch_of([9, 5])
    np.testing.assert_allclose(np.array(model(batch))[:, ::-1], source(batch), rtol=1e-5)


@pytest.mark.parametrize(
    "other",
    [
        {"head": "max_pooled"},
        {"head": "next_sentence"},
        {"name": "multi_class"},
        {"d_model": 32},
    ],
)
def test_what_has_nothing_in_common_stays_as_it_is(model_of, other):
    before, source = model_of(OLD, **other)
    task, model = model_of(NEW, seed=1)
    fresh = copies(model)
    assert task.continue_head(model, before, source) is None
    for name, value in copies(model).items():
        np.testing.assert_array_equal(value, fresh[name])


def test_many_labels_are_counted():
    assert described(1, [], []) == "1 label keeps its weights"
    assert described(0, [str(number) for number in range(1200)], ["x"]) == (
        "0 labels keep their weights, 1,200 are new (0, 1, 2, 3, 4, 1,195 more), 1 is dropped (x)"
    )
