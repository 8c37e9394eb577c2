"""A released BERT as a backbone with what a tuning adds."""

import numpy as np

from conversion.import_released import import_released
from models.backbone_model import BackboneModel
from models.backbones.base import make_backbone
from models.checkpoints.folder import read_checkpoint
from models.checkpoints.transfer import transfer_backbone
from models.checkpoints.weights import load_model
from tests.bert_release import libraries
from training.options.conversion import ImportOptions


def imported_backbone(release, tuning):
    """The backbone with the release's weights, and with fresh additions."""
    folder = release / "imported"
    import_released(ImportOptions(source=str(release), ckpt_dir=str(folder)))
    checkpoint = read_checkpoint(folder)
    model = tuning.build(BackboneModel(make_backbone(checkpoint.backbone)))
    transfer_backbone(model.backbone, load_model(checkpoint), folder, allow_partial=True)
    return model.backbone


def batch_of(config):
    """Two rows of random tokens, the second one padded."""
    rng = np.random.default_rng(0)
    mask = np.arange(8) < np.array([[8], [5]])
    ids = np.where(mask, rng.integers(7, config.vocab_size, (2, 8)), 0)
    return {
        "token_ids": ids.astype("int32"),
        "segment_ids": (mask & (np.arange(8) > 3)).astype("int32"),
        "padding_mask": mask,
    }


def set_randomly(weight, seed):
    array = np.random.default_rng(seed).normal(scale=0.2, size=weight.shape).astype("float32")
    weight.assign(array)
    return array


def outputs_of(bert, batch):
    torch, _ = libraries()
    ids, segments, mask = (torch.tensor(batch[name].astype("int64")) for name in batch)
    with torch.no_grad():
        found = bert(input_ids=ids, token_type_ids=segments, attention_mask=mask)
    return found.last_hidden_state.numpy()
