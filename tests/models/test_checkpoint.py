import functools
import hashlib
import json
import shutil
import warnings
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

from common.errors import CheckpointError
from models.backbone_model import BackboneModel
from models.backbones.base import make_backbone
from models.build import build
from models.checkpoints import writing as module
from models.checkpoints.folder import holds_checkpoint, read_checkpoint
from models.checkpoints.weights import build_model, load_model, load_optimizer, load_weights
from models.checkpoints.writing import write_checkpoint
from models.pretraining_model import PretrainingModel
from models.registry import BACKBONES
from tasks.classification.model import ClassificationModel
from tests.classifiers import classification_model, load_any_model

backbones = pytest.mark.parametrize("backbone", BACKBONES)
stages = pytest.mark.parametrize("stage", ["pretraining", "fine_tuning"])
TEXTS = {"vocab.txt": "[PAD]\n犯罪\n", "labels.txt": "盗窃\n诈骗\n"}
METRICS = {"history": [], "best_epoch": 3}


@pytest.fixture(scope="module")
def model_of(config_of):
    """A model with random weights everywhere, and what `config.json` says of it."""

    @functools.cache
    def make(backbone="text_cnn", stage="fine_tuning", seed=0):
        config = config_of(backbone)
        told = {"stage": stage, "backbone": config.to_dict()}
        if stage == "pretraining":
            model = PretrainingModel(make_backbone(config))
            told["objectives"] = ["masked_lm", "next_sentence"]
        else:
            model = classification_model(make_backbone(config), 2, head="max_pooled")
            told |= {"num_labels": 2, "task": "multi_label", "head": "max_pooled"}
            told |= {"head_dropout": 0.1}
        build(model)
        rng = np.random.default_rng(seed)
        for variable in model.trainable_variables:
            variable.assign(rng.normal(scale=0.4, size=variable.shape))
        return model, told

    return lambda backbone="text_cnn", stage="fine_tuning", seed=0: make(backbone, stage, seed)


@pytest.fixture(scope="module")
def stored(model_of, tmp_path_factory):
    """A checkpoint, which no test may change."""
    folder = tmp_path_factory.mktemp("stored")
    model, told = model_of()
    write_checkpoint(folder, config=told, model=model, texts=TEXTS, metrics=METRICS)
    return folder


def test_a_head_under_its_name_of_version_0_1(model_of, tmp_path):
    model, told = model_of()
    told = {**told, "head": "detectors"}
    write_checkpoint(tmp_path / "old", config=told, model=model, texts=TEXTS, metrics=METRICS)
    again = load_model(read_checkpoint(tmp_path / "old"))
    assert again.head_name == "max_pooled"
    for ours, theirs in zip(model.trainable_variables, again.trainable_variables, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.fixture
def written(stored, model_of, tmp_path):
    """A checkpoint to be changed, its model and its configuration."""
    folder = tmp_path / "checkpoint"
    shutil.copytree(stored, folder)
    return folder, *model_of()


def outputs(model, batch):
    found = model(batch)
    if not isinstance(found, dict):
        return {"logits": np.asarray(found)}
    return {name: np.asarray(term["values"]) for name, term in found.items()}


def sign(folder):
    """Makes the manifest true of whatever the folder holds now."""
    names = [path for path in folder.iterdir() if path.name != "manifest.json"]
    files = {
        path.name: {
            "bytes": path.stat().st_size,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        }
        for path in names
    }
    manifest = {"format_version": 1, "files": files}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


def change_config(folder, **changes):
    config = json.loads((folder / "config.json").read_text()) | changes
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    sign(folder)


@backbones
@stages
def test_loaded_model_gives_the_same_logits(model_of, batch_of, tmp_path, backbone, stage):
    model, told = model_of(backbone, stage)
    write_checkpoint(tmp_path, config=told, model=model, texts=TEXTS, metrics=METRICS)
    batch = batch_of([9, 12, 5])
    expected = outputs(model, batch)
    keras.utils.set_random_seed(99)
    checkpoint = read_checkpoint(tmp_path)
    loaded = outputs(load_any_model(checkpoint), batch)
    assert loaded.keys() == expected.keys()
    for name in expected:
        np.testing.assert_array_equal(loaded[name], expected[name])
    assert checkpoint.config == {"format_version": 2, **told}
    assert checkpoint.backbone == model.backbone.config
    assert checkpoint.text("vocab.txt") == TEXTS["vocab.txt"]
    assert checkpoint.json("metrics.json") == METRICS


def test_an_overwritten_checkpoint_is_whole(written, model_of, batch_of):
    folder, _, told = written
    (folder / "notes.md").write_text("mine")
    newer, _ = model_of(seed=1)
    texts = {"vocab.txt": "[PAD]\n", "more.txt": "new\n"}
    write_checkpoint(folder, config=told, model=newer, texts=texts, metrics={"best_epoch": 9})
    checkpoint = read_checkpoint(folder)
    assert checkpoint.text("vocab.txt") == "[PAD]\n"
    assert checkpoint.text("more.txt") == "new\n"
    assert checkpoint.json("metrics.json") == {"best_epoch": 9}
    batch = batch_of([7])
    np.testing.assert_array_equal(
        outputs(load_any_model(checkpoint), batch)["logits"], outputs(newer, batch)["logits"]
    )
    assert (folder / "notes.md").read_text() == "mine"
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]
    # Nothing of the old one is left that could be taken for a part of the new.
    assert not (folder / "labels.txt").exists()
    with pytest.raises(CheckpointError, match=r"has no labels.txt"):
        checkpoint.text("labels.txt")


@pytest.mark.parametrize("manifest", [None, "{", "[]", '{"format_version": 1, "files": 5}'])
def test_a_damaged_checkpoint_can_be_overwritten(written, manifest):
    folder, model, told = written
    outside = folder.parent / "outside"
    outside.write_text("not ours")
    if manifest is None:
        manifest = json.dumps({"format_version": 1, "files": {"../outside": {}, "gone": {}}})
    (folder / "manifest.json").write_text(manifest)
    write_checkpoint(folder, config=told, model=model, texts=TEXTS, metrics={"best_epoch": 9})
    assert read_checkpoint(folder).json("metrics.json") == {"best_epoch": 9}
    assert outside.read_text() == "not ours"


@pytest.mark.parametrize("where", ["weights", "manifest", "rename"])
def test_an_exception_while_writing_leaves_the_old_one(
    written, model_of, batch_of, monkeypatch, where
):
    folder, model, told = written
    newer, _ = model_of(seed=1)

    def fail(*args, **kwargs):
        raise OSError(28, "No space left on device")

    if where == "weights":
        monkeypatch.setattr(keras.saving, "save_weights", fail)
    elif where == "manifest":
        monkeypatch.setattr(module, "sha256", fail)
    else:
        monkeypatch.setattr("common.files.flush_to_disk", fail)
    with pytest.raises(OSError, match="No space left"):
        write_checkpoint(folder, config=told, model=newer, texts={}, metrics={"best_epoch": 9})
    monkeypatch.undo()
    checkpoint = read_checkpoint(folder)
    assert checkpoint.json("metrics.json") == METRICS
    assert checkpoint.text("labels.txt") == TEXTS["labels.txt"]
    batch = batch_of([7])
    np.testing.assert_array_equal(
        outputs(load_any_model(checkpoint), batch)["logits"], outputs(model, batch)["logits"]
    )
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


def test_an_exception_in_the_first_write_leaves_no_checkpoint(model_of, tmp_path, monkeypatch):
    model, told = model_of()
    folder = tmp_path / "checkpoint"

    def fail(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(keras.saving, "save_weights", fail)
    with pytest.raises(KeyboardInterrupt):
        write_checkpoint(folder, config=told, model=model, texts=TEXTS, metrics=METRICS)
    assert list(folder.iterdir()) == []
    assert not holds_checkpoint(folder)
    with pytest.raises(CheckpointError, match="not a complete checkpoint folder"):
        read_checkpoint(folder)


@pytest.mark.parametrize("moved", [0, 1, 3, 6])
def test_a_crash_between_the_renames(written, model_of, batch_of, tmp_path, moved):
    folder, _, told = written
    newer, _ = model_of(seed=1)
    other = tmp_path / "other"
    texts = {"vocab.txt": "[PAD]\n", "labels.txt": "抢劫\n", "more.txt": "new\n"}
    write_checkpoint(other, config=told, model=newer, texts=texts, metrics={"best_epoch": 9})
    other.rename(folder / ".complete")
    # The manifest is the last to move.
    names = sorted(path.name for path in (folder / ".complete").iterdir())
    names.remove("manifest.json")
    assert len(names) == 6
    for name in names[:moved]:
        (folder / ".complete" / name).replace(folder / name)

    def check():
        checkpoint = read_checkpoint(folder)
        assert {name: checkpoint.text(name) for name in texts} == texts
        assert checkpoint.json("metrics.json") == {"best_epoch": 9}
        batch = batch_of([7])
        np.testing.assert_array_equal(
            outputs(load_any_model(checkpoint), batch)["logits"], outputs(newer, batch)["logits"]
        )

    assert holds_checkpoint(folder)
    check()
    last, _ = model_of(seed=2)
    # The next write finishes what was begun, even where it fails itself.
    with pytest.raises(TypeError):
        write_checkpoint(folder, config=told, model=last, texts={}, metrics={"x": object()})
    assert not (folder / ".complete").exists()
    check()
    write_checkpoint(folder, config=told, model=last, texts=texts, metrics={"best_epoch": 10})
    assert read_checkpoint(folder).json("metrics.json") == {"best_epoch": 10}


@pytest.mark.parametrize("finished", [0, 1, 4, 5])
def test_a_write_that_is_stopped_between_the_renames(written, model_of, monkeypatch, finished):
    folder, _, told = written
    newer, _ = model_of(seed=1)
    moved = []

    def replace(path, target):
        if len(moved) == finished:
            raise KeyboardInterrupt
        moved.append(path.name)
        return path.rename(target)

    monkeypatch.setattr(Path, "replace", replace)
    texts = {"vocab.txt": "[PAD]\n", "labels.txt": "抢劫\n"}
    with pytest.raises(KeyboardInterrupt):
        write_checkpoint(folder, config=told, model=newer, texts=texts, metrics={"best_epoch": 9})
    assert len(moved) == finished
    assert "manifest.json" not in moved
    monkeypatch.undo()
    checkpoint = read_checkpoint(folder)
    assert {name: checkpoint.text(name) for name in texts} == texts
    assert checkpoint.json("metrics.json") == {"best_epoch": 9}
    loaded = load_any_model(checkpoint).trainable_variables
    for ours, theirs in zip(loaded, newer.trainable_variables, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_crash_before_the_first_is_published_is_no_checkpoint(written, tmp_path):
    folder, _, _ = written
    half = tmp_path / "half"
    half.mkdir()
    shutil.copytree(folder, half / ".complete.0123456789abcdef.tmp")
    assert not holds_checkpoint(half)
    with pytest.raises(CheckpointError, match="not a complete checkpoint folder"):
        read_checkpoint(half)


def test_missing_and_empty_folders(tmp_path):
    with pytest.raises(CheckpointError, match="there is no such checkpoint folder"):
        read_checkpoint(tmp_path / "none")
    with pytest.raises(CheckpointError, match="not a complete checkpoint folder"):
        read_checkpoint(tmp_path)
    (tmp_path / "file").write_text("x")
    with pytest.raises(CheckpointError, match="there is no such checkpoint folder"):
        read_checkpoint(tmp_path / "file")


@pytest.mark.parametrize("name", ["model.weights.h5", "vocab.txt", "config.json", "metrics.json"])
@pytest.mark.parametrize("damage", ["cut", "flip", "remove"])
def test_damaged_files_are_named(written, name, damage):
    folder, _, _ = written
    data = bytearray((folder / name).read_bytes())
    if damage == "cut":
        (folder / name).write_bytes(data[:-3])
    elif damage == "flip":
        data[len(data) // 2] ^= 1
        (folder / name).write_bytes(data)
    else:
        (folder / name).unlink()
    with pytest.raises(CheckpointError, match=name) as caught:
        read_checkpoint(folder)
    assert ("is missing" if damage == "remove" else "truncated or altered") in str(caught.value)


@pytest.mark.parametrize(
    "manifest",
    [
        "",
        "{",
        "[]",
        '{"format_version": 2, "files": {}}',
        '{"format_version": 1}',
        '{"format_version": 1, "files": {}}',
        '{"format_version": 1, "files": []}',
    ],
)
def test_manifests_that_are_none(written, manifest):
    folder, _, _ = written
    (folder / "manifest.json").write_text(manifest)
    with pytest.raises(CheckpointError, match=str(folder)):
        read_checkpoint(folder)


@pytest.mark.parametrize(
    ("name", "entry", "message"),
    [
        ("config.json", {}, "truncated or altered"),
        ("config.json", 5, "truncated or altered"),
        ("config.json", {"bytes": "many", "sha256": None}, "truncated or altered"),
        (
            "../outside",
            {"bytes": 1, "sha256": ""},
            "'../outside', which is not a file name",
        ),
        ("/etc/hostname", {"bytes": 1, "sha256": ""}, "hostname', which is not a file name"),
    ],
)
def test_manifests_that_tell_wrong_things(written, name, entry, message):
    folder, _, _ = written
    (folder.parent / "outside").write_text("x")
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"][name] = entry
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(CheckpointError, match=message):
        read_checkpoint(folder)


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
        ("backbone", "lstm", "backbone must be one of"),
        ("filter_sizes", None, "filter_sizes"),
    ],
)
def test_backbone_configurations_that_cannot_be(written, key, value, message):
    folder, _, told = written
    change_config(folder, backbone={**told["backbone"], key: value})
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
    model, told = model_of(stage=stage, seed=6)
    write_checkpoint(tmp_path, config=told, model=model, texts={}, metrics={})
    checkpoint = read_checkpoint(tmp_path)
    del checkpoint.config["objectives" if stage == "pretraining" else "task"]
    alone = load_model(checkpoint)
    assert type(alone) is BackboneModel
    batch = batch_of([9, 12])
    expected, found = model.backbone(batch), alone(batch)
    assert found.keys() == expected.keys()
    for name, output in found.items():
        np.testing.assert_array_equal(output, expected[name])


def test_the_optimizer_goes_on_where_it_was(model_of, batch_of, tmp_path):
    batch, targets = batch_of([9, 12]), np.array([[1, 0], [0, 1]], "float32")

    def step(model):
        model.train_on_batch(batch, targets)

    model, told = model_of(seed=3)
    model.head.dropout.rate = 0.0
    model.compile(optimizer=keras.optimizers.Adam(1e-2), run_eagerly=True)
    step(model)
    step(model)
    write_checkpoint(
        tmp_path,
        config={**told, "head_dropout": 0.0},
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
    for ours, theirs in zip(resumed.weights, model.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("other", ["other_optimizer", "other_model", "none"])
def test_an_optimizer_of_something_else(model_of, tmp_path, other):
    model, told = model_of()
    optimizer = keras.optimizers.Adam()
    optimizer.build(model.trainable_variables)
    given = None if other == "none" else optimizer
    write_checkpoint(tmp_path, config=told, model=model, texts={}, metrics={}, optimizer=given)
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


def test_the_weights_of_a_compiled_model_hold_no_optimizer(model_of, batch_of, tmp_path):
    model, told = model_of(seed=4)
    model.compile(optimizer=keras.optimizers.Adam(1e-2), run_eagerly=True)
    model.train_on_batch(batch_of([9]), np.array([[1, 0]], "float32"))
    write_checkpoint(tmp_path, config=told, model=model, texts={}, metrics={})
    with h5py.File(tmp_path / "model.weights.h5", "r") as file:
        assert "optimizer" not in file
    before = model.get_weights()
    model.set_weights([np.zeros_like(weight) for weight in before])
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        load_weights(model, read_checkpoint(tmp_path))
    for ours, theirs in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert int(model.optimizer.iterations) == 1


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


@pytest.mark.parametrize("value", [None, "yes", 1, [], {}])
def test_settings_that_were_altered_by_hand(written, value):
    folder, _, _ = written
    change_config(folder, test_mode=value)
    checkpoint = read_checkpoint(folder)
    with pytest.raises(CheckpointError, match=r"config\.json: test_mode must be true or false"):
        checkpoint.setting("test_mode", bool)
    with pytest.raises(CheckpointError, match=r"config\.json: the key sequence_length is missing"):
        checkpoint.setting("sequence_length", int)
    change_config(folder, test_mode=True, sequence_length=True)
    checkpoint = read_checkpoint(folder)
    assert checkpoint.setting("test_mode", bool) is True
    with pytest.raises(CheckpointError, match="sequence_length must be a whole number, not True"):
        checkpoint.setting("sequence_length", int)


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
