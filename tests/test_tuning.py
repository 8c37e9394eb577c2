"""Runs with each tuning, from the options to the checkpoint."""

import json

import numpy as np
import pytest

from common.errors import CheckpointError, OptionError
from models.checkpoints.folder import PART, WEIGHTS, read_checkpoint
from models.checkpoints.part import part_variables
from models.checkpoints.transfer import named_variables
from models.checkpoints.weights import load_model
from models.registry import TUNINGS
from tasks.loading import load_task_model
from tests import toys
from tests.stored_arrays import arrays_of
from train_bert_fine_tuning import fine_tune
from train_bert_lm import pretrain
from training import fine_tuning
from training.devices.forward import Forward
from training.loop.callbacks import StepCallback
from training.options.scripts import FineTuningOptions, PretrainingOptions
from training.vectors import TextVectors

pytestmark = pytest.mark.usefixtures("eagerly")
# Of a run that trains it ever: everything in it that is not among these stays as it was.
TRAINED = {
    "full": ("",),
    "frozen": (),
    "gradual": ("",),
    "adapter": ("adapter/", "layer_norm/"),
    "lora": ("lora_",),
}


@pytest.fixture(scope="module", autouse=True)
def with_toys():
    with toys.registered():
        yield


@pytest.fixture(scope="module")
def base(tiny, with_toys):
    """A pre-trained checkpoint with the toy backbone."""
    folder = tiny.folder / "lm_to_tune"
    pretrain(PretrainingOptions(**tiny.pretraining("toy", ckpt_dir=str(folder), num_epochs=1)))
    return folder


@pytest.fixture
def options_of(tiny, base):
    def make(folder, tuning, **changes):
        values = {"tuning": tuning, "tfidf_classifier": False, "num_epochs": 3, "patience": 9}
        values |= {"ckpt_dir": str(base), "ckpt_dir_save": str(folder), "weight_decay": 0.5}
        return FineTuningOptions(**tiny.fine_tuning(**(values | changes)))

    return make


# "full" resumes in test_resume.py.
@pytest.mark.parametrize("tuning", [name for name in TUNINGS if name != "full"])
def test_resumes_bit_for_bit_and_leaves_alone_what_is_frozen(
    options_of, base, tuning, tmp_path, monkeypatch
):
    changes = {"weighted_layers": tuning in ("frozen", "lora"), "layer_decay": 0.5}
    changes["save_every_steps"] = 3
    metrics = fine_tune(options_of(tmp_path / "whole", tuning, **changes))
    original = StepCallback.on_train_batch_end

    def killed(self, batch, logs=None):
        if self._state.step + 1 == 9:  # In the third epoch.
            raise KeyboardInterrupt
        original(self, batch, logs)

    with monkeypatch.context() as patch:
        patch.setattr(StepCallback, "on_train_batch_end", killed)
        with pytest.raises(KeyboardInterrupt):
            fine_tune(options_of(tmp_path / "killed", tuning, **changes))
    fine_tune(options_of(tmp_path / "killed", tuning, **changes))
    weights = PART if TUNINGS[tuning].holds_part else WEIGHTS
    for name in (weights, f"last/{weights}", "last/optimizer.h5"):
        ours, theirs = (arrays_of(tmp_path / run / name) for run in ("killed", "whole"))
        assert ours.keys() == theirs.keys()
        for key in ours:
            np.testing.assert_array_equal(ours[key], theirs[key], err_msg=f"{name}: {key}")

    # The backbone of the base, unchanged but for what is trained; the head is there and has moved.
    before = named_variables(load_model(read_checkpoint(base)).backbone)
    checkpoint = read_checkpoint(tmp_path / "whole" / "last")
    config = checkpoint.config
    _, model = load_task_model(checkpoint)
    same = {
        name: np.array_equal(before[name], variable)
        for name, variable in named_variables(model.backbone).items()
        if name in before
    }
    assert same.keys() == before.keys()
    assert any(same.values()) == (tuning not in ("full", "gradual"))
    moving = [name for name, equal in same.items() if not equal]
    if tuning == "lora":
        assert moving == ["dense/kernel"]  # Merged.
    elif tuning not in ("full", "gradual"):
        assert all(any(part in name for part in TRAINED[tuning]) for name in moving)
    assert bool(moving) == (tuning != "frozen")
    assert np.asarray(model.head.detectors.kernel).std() > 0
    assert ("tuning" in config) == (tuning in ("adapter", "lora"))
    assert metrics["trained_parameters"] < model.count_params() or tuning in ("full", "gradual")

    # Every later command reads it.
    published = read_checkpoint(tmp_path / "whole")
    _, model = load_task_model(published)
    data = fine_tuning.prepare_data(
        options_of(tmp_path / "none", tuning), fine_tuning.open_checkpoint(options_of("x", "full"))
    )
    logits = [outputs for _, _, outputs in Forward(model)(data.batches["test"])]
    assert np.isfinite(np.concatenate(logits)).all()
    assert TextVectors.load(tmp_path / "whole")(["被告人盗窃手机。"]).shape == (1, 16)


def test_a_part_is_small_and_needs_its_base(options_of, base, tmp_path, script):
    fine_tune(options_of(tmp_path / "runs" / "save", "lora", num_epochs=1))
    folder = tmp_path / "runs" / "save"
    shapes = {name: array.shape for name, array in arrays_of(folder / PART).items()}
    assert {name for name in shapes if name.startswith("backbone/")} == {
        "backbone/dense/lora_kernel_a",
        "backbone/dense/lora_kernel_b",
    }
    config = json.loads((folder / "config.json").read_text())
    assert config["tuning"] == {"name": "lora", "lora_rank": 8, "lora_alpha": 16.0}
    manifest = json.loads((base / "manifest.json").read_text())
    assert config["base"] == {
        "folder": str(base.resolve()),
        "sha256": manifest["files"][WEIGHTS]["sha256"],
    }
    assert "head/detectors/kernel" in shapes
    # The base has moved: it is found beside the checkpoint, and nowhere else.
    moved = tmp_path / "runs" / base.name
    base.rename(moved)
    try:
        _, model = load_task_model(read_checkpoint(folder))
        assert "backbone/dense/kernel" in part_variables(model)
        elsewhere = tmp_path / "elsewhere"
        moved.rename(elsewhere)
        moved = elsewhere
        with pytest.raises(CheckpointError, match=r"lm_to_tune \(SHA-256 .* is not there. Put it"):
            load_task_model(read_checkpoint(folder))
        # A whole checkpoint of both, which needs no other one.
        arguments = (folder, tmp_path / "m", f"--base_dir={moved}")
        assert script("conversion.merge", *arguments)[0] == 0
    finally:
        moved.rename(base)
    whole = read_checkpoint(tmp_path / "m")
    assert WEIGHTS in whole.files and PART not in whole.files
    assert not {"tuning", "base"} & whole.config.keys()
    assert whole.text("labels.txt") == read_checkpoint(folder).text("labels.txt")
    _, merged = load_task_model(whole)
    for weight, other in zip(model.weights, merged.weights, strict=True):
        np.testing.assert_array_equal(weight, other)


def test_what_cannot_be_tuned(options_of, tmp_path):
    with pytest.raises(OptionError, match=r"--tuning=frozen: .* name a checkpoint with --ckpt_dir"):
        fine_tuning.open_checkpoint(options_of(tmp_path, "frozen", ckpt_dir=""))
    for tuning in ("adapter", "lora"):
        fine_tune(options_of(tmp_path / tuning, tuning, num_epochs=1))
    start = {"ckpt_dir": str(tmp_path / "adapter")}
    with pytest.raises(OptionError, match="tuned with --tuning=adapter, and what was added"):
        fine_tuning.open_checkpoint(options_of(tmp_path / "x", "full", **start))
    start = {"ckpt_dir": str(tmp_path / "lora")}
    with pytest.raises(CheckpointError, match="Merge the two first"):
        fine_tuning.open_checkpoint(options_of(tmp_path / "x", "lora", **start))
    # The updates are part of what a further fine-tuning starts from.
    metrics = fine_tune(options_of(tmp_path / "again", "full", num_epochs=1, **start))
    assert metrics["restored"]["variables"] == metrics["restored"]["of"]
