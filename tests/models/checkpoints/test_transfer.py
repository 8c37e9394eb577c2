import h5py
import numpy as np
import pytest

from common.errors import CheckpointError
from models.backbones.base import make_backbone
from models.build import build
from models.checkpoints.folder import read_checkpoint
from models.checkpoints.transfer import RestoreReport, named_variables, transfer_backbone
from models.checkpoints.weights import load_model
from models.checkpoints.writing import write_checkpoint
from models.pretraining_model import PretrainingModel
from models.registry import BACKBONES
from tests.classifiers import classification_model

backbones = pytest.mark.parametrize("backbone", BACKBONES)


@pytest.fixture
def pretrained(config_of, tmp_path):
    """Writes a pre-trained checkpoint of random weights: (checkpoint, its model)."""

    def make(backbone, **overrides):
        config = config_of(backbone, **overrides)
        model = build(PretrainingModel(make_backbone(config)))
        rng = np.random.default_rng(0)
        for variable in model.trainable_variables:
            variable.assign(rng.normal(size=variable.shape))
        told = {"stage": "pretraining", "backbone": config.to_dict()}
        told["objectives"] = ["masked_lm", "next_sentence"]
        write_checkpoint(tmp_path, config=told, model=model, texts={}, metrics={})
        return read_checkpoint(tmp_path), model

    return make


def classifier_of(config):
    return build(classification_model(make_backbone(config), 3))


def copied(variable):
    return np.array(variable)


@backbones
@pytest.mark.parametrize("pooling", ["attention", "cls"])
def test_the_whole_backbone_is_restored(pretrained, config_of, batch_of, backbone, pooling):
    checkpoint, source = pretrained(backbone, pooling=pooling)
    model = classifier_of(config_of(backbone, pooling=pooling))
    head = [copied(variable) for variable in model.head.weights]
    report = transfer_backbone(model.backbone, load_model(checkpoint), checkpoint.folder)

    assert report.share == 1
    assert report.problems == ()
    assert report.variables == report.of == len(source.backbone.trainable_variables)
    parameters = sum(np.size(copied(v)) for v in source.backbone.trainable_variables)
    assert report.parameters == report.of_parameters == parameters
    assert report.to_dict() == {
        "variables": report.of,
        "of": report.of,
        "parameters": parameters,
        "of_parameters": parameters,
    }
    assert f"restored {report.of} of {report.of} variables" in str(report)
    assert f"{parameters:,} of {parameters:,} parameters (100.0%)" in str(report)

    pairs = zip(model.backbone.weights, source.backbone.weights, strict=True)
    for ours, theirs in pairs:
        np.testing.assert_array_equal(ours, theirs)
        assert ours is not theirs
    batch = batch_of([9, 12, 4])
    for name, value in source.backbone(batch).items():
        np.testing.assert_array_equal(model.backbone(batch)[name], value)
    # The head is fresh.
    for variable, before in zip(model.head.weights, head, strict=True):
        np.testing.assert_array_equal(variable, before)


@pytest.mark.parametrize("share", ["attention", "all"])
def test_shared_layers_are_restored_once(pretrained, config_of, share):
    checkpoint, source = pretrained("transformer", share_layers=share, num_layers=3)
    with h5py.File(checkpoint.path("model.weights.h5")) as file:
        kernels = []
        file.visititems(lambda name, _: kernels.append(name) if "query/vars/0" in name else None)
    assert len(kernels) == 1
    model = classifier_of(config_of("transformer", share_layers=share, num_layers=3))
    report = transfer_backbone(model.backbone, load_model(checkpoint), checkpoint.folder)
    assert (report.share, report.of) == (1, len(source.backbone.weights))
    for ours, theirs in zip(model.backbone.weights, source.backbone.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_fine_tuned_checkpoint_can_be_the_source(config_of, tmp_path):
    config = config_of("text_cnn")
    source = classifier_of(config)
    told = {"stage": "fine_tuning", "backbone": config.to_dict(), "num_labels": 3}
    told |= {"task": "multi_label", "head": "pooled", "head_dropout": 0.1}
    write_checkpoint(tmp_path, config=told, model=source, texts={}, metrics={})
    model = build(classification_model(make_backbone(config), 7))
    source_model = load_model(read_checkpoint(tmp_path))
    assert transfer_backbone(model.backbone, source_model, tmp_path).share == 1
    for ours, theirs in zip(model.backbone.weights, source.backbone.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_variables_of_another_shape_are_named(pretrained, config_of):
    checkpoint, source = pretrained("transformer")
    config = config_of("transformer", d_ff=48)
    model = classifier_of(config)
    before = {name: copied(v) for name, v in named_variables(model.backbone).items()}
    with pytest.raises(CheckpointError) as caught:
        transfer_backbone(model.backbone, load_model(checkpoint), checkpoint.folder)
    message = str(caught.value)
    assert str(checkpoint.folder) in message
    assert "--allow_partial_restore" in message
    assert "(16, 24) in the checkpoint, (16, 48) in the model" in message

    report = transfer_backbone(
        model.backbone, load_model(checkpoint), checkpoint.folder, allow_partial=True
    )
    # A layer has d_ff in three variables: two matrices and the first bias.
    assert len(report.problems) == report.of - report.variables == 2 * 3
    lost = 2 * (2 * 16 * 48 + 48)
    assert report.parameters == report.of_parameters - lost
    assert report.share == pytest.approx(1 - lost / report.of_parameters)
    theirs = named_variables(source.backbone)
    for name, variable in named_variables(model.backbone).items():
        other_shape = variable.shape != theirs[name].shape
        assert other_shape == any(problem.startswith(f"{name}: ") for problem in report.problems)
        np.testing.assert_array_equal(variable, before[name] if other_shape else theirs[name])


def test_missing_variables_are_named(pretrained, config_of):
    checkpoint, _ = pretrained("transformer")
    model = classifier_of(config_of("transformer", num_layers=3))
    with pytest.raises(CheckpointError, match="not in the checkpoint"):
        transfer_backbone(model.backbone, load_model(checkpoint), checkpoint.folder)
    report = transfer_backbone(
        model.backbone, load_model(checkpoint), checkpoint.folder, allow_partial=True
    )
    assert report.variables == len(named_variables(checkpoint_backbone(config_of)))
    assert all(problem.endswith(": not in the checkpoint") for problem in report.problems)
    assert report.variables + len(report.problems) == report.of


def checkpoint_backbone(config_of):
    return build(make_backbone(config_of("transformer")))


def test_a_percent_may_be_missing(pretrained, config_of):
    # Position vectors are a few of many parameters.
    learned = {"d_ff": 2000, "position": "learned"}
    checkpoint, _ = pretrained("transformer", **learned)
    model = classifier_of(config_of("transformer", **learned, max_position=20))
    report = transfer_backbone(model.backbone, load_model(checkpoint), checkpoint.folder)
    assert 0.99 < report.share < 1
    assert report.of - report.variables == 1


def test_another_backbone_is_an_error(pretrained, config_of):
    checkpoint, _ = pretrained("text_cnn")
    model = classifier_of(config_of("transformer"))
    with pytest.raises(CheckpointError, match=r"not restored: .*not in the checkpoint"):
        transfer_backbone(model.backbone, load_model(checkpoint), checkpoint.folder)


@backbones
def test_names_do_not_depend_on_what_the_backbone_is_in(config_of, backbone):
    config = config_of(backbone)
    alone = set(named_variables(build(make_backbone(config))))
    assert set(named_variables(classifier_of(config).backbone)) == alone
    pretraining = build(PretrainingModel(make_backbone(config)))
    assert set(named_variables(pretraining.backbone)) == alone
    assert len(alone) == len(pretraining.backbone.weights)
    assert "embeddings/token_embedding/embeddings" in alone


def test_report_of_half():
    report = RestoreReport(3, 4, 500, 1000, ("x: not in the checkpoint",))
    assert report.share == 0.5
    assert str(report) == (
        "restored 3 of 4 variables, 500 of 1,000 parameters (50.0%) of the backbone"
    )
