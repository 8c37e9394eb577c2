import numpy as np
import pytest

from common.errors import ConfigError
from models.backbones.base import make_backbone
from models.build import build
from models.heads.per_token import PerTokenHead
from models.presets import backbone_config
from models.task_model import TaskModel
from tests.bert_release import batch_for, libraries, random_bert, save_release


def test_as_bert_for_token_classification(tmp_path):
    torch, transformers = libraries()
    from conversion.released.config import config_from_release
    from conversion.released.formats import open_release
    from conversion.released.weights import fill_model
    from models.pretraining_model import PretrainingModel

    folder = save_release(random_bert(), tmp_path)
    theirs = transformers.BertForTokenClassification.from_pretrained(folder, num_labels=5).eval()
    released = open_release(folder)
    config = config_from_release(released.family, released.config)
    objectives = ("masked_lm", "next_sentence")
    source = build(PretrainingModel(make_backbone(config), objectives=objectives))
    fill_model(source, released)
    ours = build(TaskModel(source.backbone, PerTokenHead(config, 5, 0.0, name="head"), None))
    weight = theirs.classifier.weight.detach().numpy()
    ours.head.scores.kernel.assign(weight.T)
    ours.head.scores.bias.assign(theirs.classifier.bias.detach().numpy())
    batch = batch_for(theirs.config)
    del batch["masked_positions"]
    with torch.no_grad():
        expected = theirs(
            torch.tensor(batch["token_ids"]).long(),
            attention_mask=torch.tensor(batch["padding_mask"]).long(),
            token_type_ids=torch.tensor(batch["segment_ids"]).long(),
        ).logits.numpy()
    mask = np.asarray(batch["padding_mask"], bool)
    np.testing.assert_allclose(np.asarray(ours(batch))[mask], expected[mask], atol=1e-4)


def test_with_a_crf_it_gives_transitions_too():
    config = backbone_config("text_cnn", "tiny", 20, d_model=8, num_filters=4)
    model = build(
        TaskModel(make_backbone(config), PerTokenHead(config, 3, 0.1, crf=True, name="head"), None)
    )
    ids = np.ones((2, 4), np.int32)
    outputs = model({"token_ids": ids, "segment_ids": 0 * ids, "padding_mask": ids > 0})
    assert outputs["logits"].shape == (2, 4, 3) and outputs["transitions"].shape == (2, 5, 3)
    again = PerTokenHead.from_config(model.head.get_config())
    assert again.num_tags == 3 and again.crf is not None


def test_with_ngrams_it_adds_their_scores():
    config = backbone_config("text_cnn", "tiny", 20, d_model=8, num_filters=4)
    head = PerTokenHead(config, 3, 0.1, ngrams=True, name="head")
    model = build(TaskModel(make_backbone(config), head, None))
    ids = np.array([[2, 7, 9, 3]], np.int32)
    inputs = {"token_ids": ids, "segment_ids": 0 * ids, "padding_mask": ids > 0}
    found = np.asarray(model(inputs))
    added = np.asarray(head.ngrams(ids, ids > 0))
    for convolution in head.ngrams.convolutions:
        convolution.kernel.assign(0.0 * convolution.kernel)
    np.testing.assert_allclose(found - np.asarray(model(inputs)), added, atol=1e-5)
    assert np.abs(added).max() > 1e-3
    assert PerTokenHead.from_config(head.get_config()).ngrams is not None


@pytest.mark.parametrize("arguments", [(0, 0.1), (True, 0.1), (2, 1.0)])
def test_sizes_that_it_cannot_have(arguments):
    with pytest.raises(ConfigError):
        PerTokenHead(backbone_config("text_cnn", "tiny", 20), *arguments)
