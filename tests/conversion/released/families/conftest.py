"""A release of any family goes in and out again, and is compared with the library transformers."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from conversion.released.exporting import export_release
from conversion.released.importing import import_release
from conversion.released.weights import ImportReport
from models.checkpoints.folder import Checkpoint, read_checkpoint
from models.checkpoints.weights import load_model
from tests.bert_release import TOKENS, libraries, save_release
from tests.objective_logits import logits_of
from training.options.conversion import ImportOptions


@dataclass
class Journey:
    """What became of a release.

    Attributes:
        report: of the import.
        checkpoint, model: ours.
        batch: token ids, segments and a mask, rows of several lengths.
        out: the folder of the export.
    """

    report: ImportReport
    checkpoint: Checkpoint
    model: keras.Model
    batch: dict[str, np.ndarray]
    out: Path

    def logits(self) -> dict[str, np.ndarray]:
        """Those of our objectives on the batch, by name."""
        return logits_of(self.model, self.batch)

    def hidden(self) -> Any:
        """The output of our encoder."""
        return self.model.backbone(self.batch, training=False)["sequence_output"]

    def theirs(self, model: Any, **arguments: Any) -> Any:
        """What a model of transformers computes of the batch."""
        torch, _ = libraries()
        inputs = {"input_ids": "token_ids", "attention_mask": "padding_mask", **arguments}
        with torch.no_grad():
            return model(
                **{
                    name: torch.tensor(self.batch[ours].astype("int64"))
                    for name, ours in inputs.items()
                }
            )

    def assert_same(self, ours: Any, theirs: Any) -> None:
        """Compares what is there at each position, apart from padding."""
        at = self.batch["padding_mask"]
        np.testing.assert_allclose(np.asarray(ours)[at], theirs.numpy()[at], atol=1e-4)


@pytest.fixture
def journey(tmp_path):
    """Imports a model of transformers and exports it again; checks outputs and bytes."""
    safetensors = pytest.importorskip("safetensors.numpy")

    def travel(theirs, *, segments=True):
        _, transformers = libraries()
        release = save_release(theirs, tmp_path / "release")
        report = import_release(ImportOptions(str(release), str(tmp_path / "ours")))
        export_release(tmp_path / "ours", tmp_path / "out")
        checkpoint = read_checkpoint(tmp_path / "ours")
        model, batch = load_model(checkpoint), batch_for(theirs.config)
        found = Journey(report, checkpoint, model, batch, tmp_path / "out")
        hidden = found.hidden()
        arguments = {"token_type_ids": "segment_ids"} if segments else {}
        again = transformers.AutoModel.from_pretrained(tmp_path / "out").eval()
        for each in (theirs.base_model, again):
            assert type(each) is type(theirs.base_model)
            found.assert_same(hidden, found.theirs(each, **arguments).last_hidden_state)
        before = safetensors.load_file(release / "model.safetensors")
        after = safetensors.load_file(tmp_path / "out" / "model.safetensors")
        prefix = f"{theirs.base_model_prefix}."
        for name in before.keys() - set(report.unused):
            tensor = after[name] if name in after else after[prefix + name]
            assert before[name].shape == tensor.shape, name
            assert before[name].tobytes() == tensor.tobytes(), name
        tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "out")
        assert tokenizer.tokenize("被告人 ab") == ["被", "告", "人", "a", "##b"]
        return found

    return travel


def batch_for(config):
    rng = np.random.default_rng(0)
    lengths = np.array([12, 5, 9, 1])
    mask = np.arange(12) < lengths[:, None]
    # No reserved tokens: RoBERTa counts positions by the id of padding.
    ids = rng.integers(len(TOKENS), config.vocab_size, mask.shape)
    segments = rng.integers(0, getattr(config, "type_vocab_size", 2), mask.shape)
    return {
        "token_ids": np.where(mask, ids, 0).astype("int32"),
        "segment_ids": np.where(mask, segments, 0).astype("int32"),
        "padding_mask": mask,
        "masked_positions": np.tile(np.arange(12), (len(lengths), 1)).astype("int32"),
    }
