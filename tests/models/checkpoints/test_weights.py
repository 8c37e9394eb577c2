"""The model of a checkpoint, its weights and its optimizer."""

import json

import h5py
import keras
import numpy as np
import pytest

from common.errors import CheckpointError
from models.backbone_model import BackboneModel
from models.checkpoints.folder import read_checkpoint
from models.checkpoints.weights import build_model, load_model, load_optimizer
from models.checkpoints.writing import write_checkpoint
from models.registry import BACKBONES
from tasks.classification.model import ClassificationModel
from tests.classifiers import load_any_model
from tests.hostile_files import sign
from tests.models.checkpoints.small import METRICS, TEXTS, change_config, outputs

backbones = pytest.mark.parametrize("backbone", BACKBONES)
stages = pytest.mark.parametrize("stage", ["pretraining", "fine_tuning"])


@backbones
@stages
def test_loaded_model_gives_the_same_logits(model_of, batch_of, tmp_path, backbone, stage):
    model, entries = model_of(backbone, stage)
    write_checkpoint(tmp_path, config=entries, model=model, texts=TEXTS, metrics=METRICS)
    batch = batch_of([9, 12, 5])
    expected = outputs(model, batch)
    keras.utils.set_random_seed(99)
    checkpoint = read_checkpoint(tmp_path)
    loaded = outputs(load_any_model(checkpoint), batch)
    assert loaded.keys() == expected.keys()
    for name in expected:
        np.testing.assert_array_equal(loaded[name], expected[name])
    assert checkpoint.config == {"format_version": 2, **entries}
    assert checkpoint.backbone == model.backbone.config
    assert checkpoint.text("vocab.txt") == TEXTS["vocab.txt"]
    assert checkpoint.json("metrics.json") == METRICS


@pytest.mark.parametrize("other", [("transformer", "fine_tuning"), ("text_cnn", "pretraining")])
def test_weights_of_another_model(written, model_of, other):
    folder, _, _ = written
    model_of(*other)[0].save_weights(folder / "model.weights.h5")
    sign(folder)
    with pytest.raises(
        CheckpointError, match="these weights do not belong to the text_cnn"
    ) as caught:
        load_any_model(read_checkpoint(folder))
    message = str(caught.value)
    assert str(folder / "model.weights.h5") in message
    assert "\n" not in message
    assert "Traceback" not in message
    assert len(message) < 600


def test_weights_that_are_no_hdf5(written):
    folder, _, _ = written
    (folder / "model.weights.h5").write_bytes(b"no weights" * 100)
    sign(folder)
    with pytest.raises(CheckpointError, match="these weights do not belong to") as caught:
        load_any_model(read_checkpoint(folder))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format_version": 3}, "its format version is not 1 or 2"),
        ({"backbone": {}}, "lacks"),
        ({"backbone": 7}, "must be a table"),
        ({"objectives": []}, "objectives"),
        ({"objectives": 5}, "wrong type"),
        ({"objectives": ["ranking"]}, "objectives"),
    ],
)
def test_configurations_that_cannot_be(written, changes, message):
    folder, _, _ = written
    change_config(folder, **changes)
    with pytest.raises(CheckpointError, match=message) as caught:
        load_model(read_checkpoint(folder))
    assert "\n" not in str(caught.value)
    assert str(folder) in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("no_such_key", 1, "unknown key in the configuration of a text_cnn: no_such_key"),
        ("d_model", "16", "d_model must be a whole number"),
        ("vocab_size", 10**10, "parameters"),
        ("backbone", "rnn", "backbone must be one of"),
        ("filter_sizes", None, "filter_sizes"),
    ],
)
def test_backbone_configurations_that_cannot_be(written, key, value, message):
    folder, _, entries = written
    change_config(folder, backbone={**entries["backbone"], key: value})
    checkpoint = read_checkpoint(folder)
    with pytest.raises(CheckpointError, match=message):
        load_any_model(checkpoint)
    with pytest.raises(CheckpointError, match=message):
        _ = checkpoint.backbone


def test_a_backbone_that_config_json_lacks_is_named():
    with pytest.raises(CheckpointError, match="backbone"):
        build_model({"objectives": ["masked_lm"]})


@pytest.mark.parametrize("stage", ["pretraining", "fine_tuning"])
def test_the_backbone_of_any_checkpoint_loads_by_itself(model_of, batch_of, tmp_path, stage):
    model, entries = model_of(stage=stage, seed=6)
    write_checkpoint(tmp_path, config=entries, model=model, texts={}, metrics={})
    checkpoint = read_checkpoint(tmp_path)
    del checkpoint.config["objectives" if stage == "pretraining" else "task"]
    alone = load_model(checkpoint)
    assert type(alone) is BackboneModel
    batch = batch_of([9, 12])
    expected, found = model.backbone(batch), alone(batch)
    assert found.keys() == expected.keys()
    for name, output in found.items():
        np.testing.assert_array_equal(output, expected[name])


def test_the_optimizer_resumes_where_it_was(model_of, batch_of, tmp_path):
    batch, targets = batch_of([9, 12]), np.array([[1, 0], [0, 1]], "float32")

    def step(model):
        model.train_on_batch(batch, targets)

    model, entries = model_of(seed=3)
    model.head.dropout.rate = 0.0
    model.compile(optimizer=keras.optimizers.Adam(1e-2), run_eagerly=True)
    step(model)
    step(model)
    write_checkpoint(
        tmp_path,
        config={**entries, "head_dropout": 0.0},
        model=model,
        texts={},
        metrics={},
        optimizer=model.optimizer,
        training_state={"step": 2},
    )
    step(model)

    checkpoint = read_checkpoint(tmp_path)
    assert checkpoint.json("training_state.json") == {"step": 2}
    resumed = load_any_model(checkpoint)
    resumed.compile(optimizer=keras.optimizers.Adam(1e-2), run_eagerly=True)
    resumed.optimizer.build(resumed.trainable_variables)
    load_optimizer(resumed.optimizer, checkpoint)
    assert int(resumed.optimizer.iterations) == 2
    step(resumed)
    resumed_weights = resumed.trainable_variables
    for ours, theirs in zip(resumed_weights, model.trainable_variables, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("other", ["other_optimizer", "other_model", "none"])
def test_an_optimizer_of_something_else(model_of, tmp_path, other):
    model, entries = model_of()
    optimizer = keras.optimizers.Adam()
    optimizer.build(model.trainable_variables)
    given = None if other == "none" else optimizer
    write_checkpoint(tmp_path, config=entries, model=model, texts={}, metrics={}, optimizer=given)
    if other == "other_optimizer":
        optimizer = keras.optimizers.SGD()
        optimizer.build(model.trainable_variables)
    if other == "other_model":
        # As many variables, in other shapes.
        optimizer = keras.optimizers.Adam()
        optimizer.build([keras.Variable(np.zeros(3)) for _ in model.trainable_variables])
    with pytest.raises(CheckpointError, match=r"optimizer\.h5"):
        load_optimizer(optimizer, read_checkpoint(tmp_path))


def test_keras_and_h5py_read_the_folder(written, model_of):
    folder, model, _ = written
    other, _ = model_of(seed=5)
    other.load_weights(folder / "model.weights.h5")
    for ours, theirs in zip(other.trainable_variables, model.trainable_variables, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    with h5py.File(folder / "model.weights.h5", "r") as file:
        np.testing.assert_array_equal(file["head/scores/vars/0"][()], model.head.scores.kernel)
    names = {"config.json", "manifest.json", "metrics.json", "model.weights.h5", *TEXTS}
    assert {path.name for path in folder.iterdir()} == names
    assert json.loads((folder / "config.json").read_text())["stage"] == "fine_tuning"


def test_nothing_is_unpickled_or_executed(written, monkeypatch):
    import builtins
    import pickle

    def refuse(*args, **kwargs):
        raise AssertionError("a checkpoint must not be able to run anything")

    folder, _, _ = written
    # A configuration that Keras' own loader would make a lambda of.
    change_config(folder, registered_name="Lambda", module="keras.layers", class_name="Lambda")
    for name in ("load", "loads", "Unpickler"):
        monkeypatch.setattr(pickle, name, refuse)
    monkeypatch.setattr(builtins, "eval", refuse)
    monkeypatch.setattr(keras.saving, "deserialize_keras_object", refuse)
    model = load_any_model(read_checkpoint(folder))
    assert type(model) is ClassificationModel


def test_weights_with_a_link_to_another_file(written):
    folder, _, _ = written
    with h5py.File(folder / "model.weights.h5", "r+") as file:
        file.move("head/scores/vars/0", "kernel")
        file["head/scores/vars/0"] = h5py.ExternalLink("/etc/hostname", "/x")
    sign(folder)
    with pytest.raises(CheckpointError, match="'head/scores/vars/0' is a link"):
        load_any_model(read_checkpoint(folder))


def test_weights_larger_than_the_model(written):
    folder, _, _ = written
    with h5py.File(folder / "model.weights.h5", "r+") as file:
        del file["head/scores/vars/0"]
        file["head/scores/vars/0"] = np.zeros((2000, 1000), "float32")
    sign(folder)
    with pytest.raises(CheckpointError, match="its arrays have more than"):
        load_any_model(read_checkpoint(folder))
