import shutil

import numpy as np
import pytest

from common.errors import CheckpointError
from models.checkpoints import folder as folder_module
from models.checkpoints import publication
from models.checkpoints.folder import read_checkpoint
from models.checkpoints.publication import manifest_digest, read_published
from models.checkpoints.weights import load_weights
from models.checkpoints.writing import write_checkpoint


def publish(folder, model, entries, number):
    """A checkpoint whose metrics and weights tell its number."""
    model.set_weights([np.full_like(weight, number) for weight in model.get_weights()])
    metrics = {"best_epoch": number}
    write_checkpoint(folder, config=entries, model=model, texts={}, metrics=metrics)


def test_a_checkpoint_that_is_replaced_while_it_is_read(written, model_of, monkeypatch):
    folder, model, entries = written
    check = folder_module._check_described
    numbers = iter([5, 6])

    def replace(path, *arguments):
        check(path, *arguments)
        if path.name == "config.json" and (number := next(numbers, None)):
            publish(folder, model, entries, number)

    monkeypatch.setattr(folder_module, "_check_described", replace)
    checkpoint = read_checkpoint(folder)
    assert checkpoint.json("metrics.json") == {"best_epoch": 6}
    checkpoint.check_current()


def test_weights_of_another_checkpoint_are_not_loaded_silently(written, model_of):
    folder, model, entries = written
    checkpoint = read_checkpoint(folder)
    publish(folder, model, entries, 5)
    with pytest.raises(CheckpointError, match="a run has replaced this checkpoint"):
        load_weights(model, checkpoint)


def test_a_checkpoint_that_is_read_between_two_renames_is_found_after_them(written):
    folder, _, _ = written
    shutil.copytree(folder, folder / ".complete")
    checkpoint = read_checkpoint(folder)
    assert checkpoint.path("config.json").parent.name == ".complete"
    shutil.rmtree(folder / ".complete")
    checkpoint.check_current()
    assert checkpoint.path("config.json") == folder / "config.json"


def test_an_error_that_stays_is_told_at_once(written):
    folder, _, _ = written
    (folder / "config.json").write_text("{}")
    with pytest.raises(CheckpointError, match="truncated or altered"):
        read_checkpoint(folder)
    (folder / "manifest.json").unlink()
    assert manifest_digest(folder) is None
    with pytest.raises(CheckpointError, match=r"manifest\.json is missing"):
        read_checkpoint(folder)


def test_a_reader_reads_again_until_nothing_is_published(written, model_of, monkeypatch):
    folder, writer, entries = written
    reader, _ = model_of(seed=1)
    numbers = iter([5, 6])

    def read():
        checkpoint = read_checkpoint(folder)
        if number := next(numbers, None):
            publish(folder, writer, entries, number)
        load_weights(reader, checkpoint)
        return checkpoint.json("metrics.json")["best_epoch"]

    assert read_published(folder, read) == 6
    assert {float(weight.flat[0]) for weight in reader.get_weights()} == {6}
    # Faster than anybody can read.
    monkeypatch.setattr(publication, "_ATTEMPTS", 3)
    numbers = iter(range(10, 20))
    with pytest.raises(CheckpointError, match="a run has replaced this checkpoint"):
        read_published(folder, read)
