"""The files that a release may be: several, pickles, TensorFlow's, and those that are not whole."""

import json
import shutil

import pytest

from common.errors import CheckpointError
from conversion.released.formats import open_release
from tests.bert_release import (
    batch_for,
    libraries,
    outputs_of,
    random_bert,
    save_google_release,
    save_release,
)
from tests.conversion.released.filled_models import assert_same, model_of, ours_of


def test_sharded_files(tmp_path):
    theirs = random_bert()
    theirs.save_pretrained(tmp_path, max_shard_size="4KB")
    assert (tmp_path / "model.safetensors.index.json").is_file()
    assert not (tmp_path / "model.safetensors").exists()
    model, report = model_of(tmp_path)
    assert report.fresh == ()
    batch = batch_for(theirs.config)
    assert_same(ours_of(model, batch), outputs_of(theirs, batch), batch["padding_mask"])
    one = sorted(tmp_path.glob("model-*.safetensors"))[1]
    one.unlink()
    with pytest.raises(CheckpointError, match=f"{one.name}' that it names is missing"):
        model_of(tmp_path)


def test_an_index_may_not_leave_its_folder(tmp_path):
    theirs = random_bert()
    save_release(theirs, tmp_path / "a")
    inside = tmp_path / "b"
    shutil.copytree(tmp_path / "a", inside)
    (inside / "model.safetensors").unlink()
    places = {"weight_map": {"bert.pooler.dense.bias": "../a/model.safetensors"}}
    (inside / "model.safetensors.index.json").write_text(json.dumps(places))
    with pytest.raises(CheckpointError, match="missing"):
        model_of(inside)


def test_a_pickle_of_tensors(tmp_path):
    torch, _ = libraries()
    theirs = random_bert()
    save_release(theirs, tmp_path)
    torch.save(theirs.state_dict(), tmp_path / "pytorch_model.bin")
    preferred = open_release(tmp_path)
    assert preferred.weights.name == "model.safetensors"
    preferred.weights.unlink()
    model, report = model_of(tmp_path)
    assert (report.fresh, report.unused) == ((), ())
    batch = batch_for(theirs.config)
    assert_same(ours_of(model, batch), outputs_of(theirs, batch), batch["padding_mask"])


def test_a_pickle_runs_nothing(tmp_path):
    torch, _ = libraries()
    save_release(random_bert(), tmp_path)
    (tmp_path / "model.safetensors").unlink()
    torch.save({"weight": Harmful(str(tmp_path / "it ran"))}, tmp_path / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match="not a whole file of tensors"):
        open_release(tmp_path)
    assert not (tmp_path / "it ran").exists()


class Harmful:
    """A pickle that makes a folder where it is read."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        import os

        return os.mkdir, (self.path,)


def test_a_pickle_without_torch(tmp_path, monkeypatch):
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    with pytest.raises(CheckpointError, match=r"pip install torch.*model\.safetensors"):
        open_release(tmp_path)


def test_folders_that_hold_no_bert(tmp_path):
    with pytest.raises(CheckpointError, match="there is no such folder"):
        open_release(tmp_path / "none")
    with pytest.raises(CheckpointError, match=r"no released model here.*model\.safetensors"):
        open_release(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0{}")
    with pytest.raises(CheckpointError, match=r"config\.json: this file cannot be read"):
        open_release(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(CheckpointError, match=r"config\.json: .*not JSON"):
        open_release(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(CheckpointError, match="not a whole safetensors file"):
        open_release(tmp_path)


def test_cut_google_checkpoints(tmp_path):
    folder = save_google_release(random_bert(), tmp_path / "google")
    for name in ("bert_model.ckpt.index", "bert_model.ckpt.data-00000-of-00001"):
        cut = shutil.copytree(folder, tmp_path / name)
        content = (cut / name).read_bytes()
        (cut / name).write_bytes(content[: len(content) // 2])
        with pytest.raises(CheckpointError, match=r"bert_model\.ckpt: "):
            model_of(cut)
    shutil.copy(folder / "bert_model.ckpt.index", folder / "other.ckpt.index")
    assert open_release(folder).weights.name == "bert_model.ckpt"
    (folder / "bert_model.ckpt.index").rename(folder / "third.ckpt.index")
    with pytest.raises(CheckpointError, match="several TensorFlow checkpoints"):
        open_release(folder)
