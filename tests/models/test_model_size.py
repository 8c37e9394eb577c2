import numpy as np
import pytest

from models import checkpoint as module
from models.backbones import make_backbone
from models.build import build
from models.checkpoint import Checkpoint, CheckpointError, load_model
from models.classification import ClassificationModel
from models.config import backbone_config
from models.model_size import least_parameters
from models.pretraining import PretrainingModel
from models.tables import BACKBONES, HEADS, POOLINGS


def sizes(backbone, **changes):
    """Wide enough for biases to be few."""
    own = {"transformer": {"d_ff": 96, "num_layer": 2}, "text_cnn": {"num_filters": 48}}
    values = {"d_model": 64, "num_header": 4, "max_position": 50, **own.get(backbone, {})}
    return backbone_config(backbone, "tiny", 90, **(values | changes))


@pytest.mark.parametrize("backbone", ["text_cnn", "transformer"])
@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("position", ["learned", "none"])
def test_the_estimate_is_a_little_less_than_the_backbone(backbone, pooling, position):
    config = sizes(backbone, pooling=pooling, position=position)
    least = least_parameters({"backbone": config.to_dict()})
    real = build(make_backbone(config)).count_params()
    # The pooler of BERT is a square of d_model that the estimate leaves out.
    assert 0.9 * (real - 64 * 64) < least < real


@pytest.mark.parametrize("backbone", BACKBONES)
@pytest.mark.parametrize("head", [*HEADS, None])
def test_no_model_has_fewer_parameters(backbone, head):
    config = sizes(backbone)
    told = {"backbone": config.to_dict(), "stage": "fine_tuning", "num_labels": 30, "head": head}
    if head is None:
        told |= {"stage": "pretraining", "objectives": ["masked_lm"]}
        model = PretrainingModel(make_backbone(config), objectives=("masked_lm",))
    else:
        model = ClassificationModel(make_backbone(config), 30, head=head)
    without_head = least_parameters({"backbone": config.to_dict()})
    assert without_head < least_parameters(told) < build(model).count_params()


@pytest.mark.parametrize(
    "changes",
    [
        {"vocab_size": 10_000_000},
        {"backbone": "transformer", "d_ff": 1_000_000},
        {"num_filters": 5_000},
        {"pooling": "attention", "d_v": 100_000},
        {"position": "learned", "max_position": 10_000_000},
        {"num_segment": 10_000_000},
    ],
)
def test_a_model_that_its_weights_cannot_fill_is_never_made(tmp_path, monkeypatch, changes):
    (tmp_path / "model.weights.h5").write_bytes(bytes(1_000_000))
    backbone = {**sizes("text_cnn").to_dict(), **changes}
    told = {"stage": "fine_tuning", "backbone": backbone, "num_labels": 2}
    told |= {"head": "pooled", "task": "multi_label", "head_dropout": 0.1}
    checkpoint = Checkpoint(tmp_path, told, {module.WEIGHTS: tmp_path / module.WEIGHTS})
    monkeypatch.setattr(module, "make_backbone", None)
    for use in (lambda: load_model(checkpoint), lambda: checkpoint.backbone):
        with pytest.raises(CheckpointError, match=r"the file has room for 250,000\)"):
            use()


@pytest.mark.parametrize("changes", [{"num_labels": 10**9}, {"num_labels": 10**4000}])
def test_heads_count(tmp_path, changes):
    (tmp_path / "model.weights.h5").write_bytes(np.zeros(10**6, np.float32).tobytes())
    told = {"stage": "fine_tuning", "backbone": sizes("text_cnn").to_dict(), "head": "detectors"}
    checkpoint = Checkpoint(
        tmp_path, {**told, **changes}, {module.WEIGHTS: tmp_path / module.WEIGHTS}
    )
    with pytest.raises(CheckpointError, match="these weights are not of the model"):
        load_model(checkpoint)
