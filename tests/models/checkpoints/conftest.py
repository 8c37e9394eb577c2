"""A small checkpoint, and models to write."""

import functools
import shutil

import numpy as np
import pytest

from models.backbones.base import make_backbone
from models.build import build
from models.checkpoints.writing import write_checkpoint
from models.pretraining_model import PretrainingModel
from tests.classifiers import classification_model
from tests.models.checkpoints.small import METRICS, TEXTS


@pytest.fixture(scope="module")
def model_of(config_of):
    """A model with random weights everywhere, and what `config.json` says of it."""

    @functools.cache
    def make(backbone="text_cnn", stage="fine_tuning", seed=0):
        config = config_of(backbone)
        entries = {"stage": stage, "backbone": config.to_dict()}
        if stage == "pretraining":
            model = PretrainingModel(make_backbone(config))
            entries["objectives"] = ["masked_lm", "next_sentence"]
        else:
            model = classification_model(make_backbone(config), 2, head="max_pooled")
            entries |= {"num_labels": 2, "task": "multi_label", "head": "max_pooled"}
            entries |= {"head_dropout": 0.1}
        build(model)
        rng = np.random.default_rng(seed)
        for variable in model.trainable_variables:
            variable.assign(rng.normal(scale=0.4, size=variable.shape))
        return model, entries

    return lambda backbone="text_cnn", stage="fine_tuning", seed=0: make(backbone, stage, seed)


@pytest.fixture(scope="module")
def stored(model_of, tmp_path_factory):
    """A checkpoint, which no test may change."""
    folder = tmp_path_factory.mktemp("stored")
    model, entries = model_of()
    write_checkpoint(folder, config=entries, model=model, texts=TEXTS, metrics=METRICS)
    return folder


@pytest.fixture
def written(stored, model_of, tmp_path):
    """A checkpoint to be changed, its model and its configuration."""
    folder = tmp_path / "checkpoint"
    shutil.copytree(stored, folder)
    return folder, *model_of()
