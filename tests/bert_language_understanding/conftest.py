"""Checkpoints with random weights."""

import pytest

from data_util.tokens.tokenizers import make_tokenizer
from data_util.tokens.vocabulary import RESERVED, Vocabulary
from models.backbones.base import make_backbone
from models.build import build
from models.checkpoints.writing import write_checkpoint
from models.presets import backbone_config
from training.preparation.tokenizer import text_files


@pytest.fixture
def checkpoint_of(tmp_path):
    """Writes the checkpoint of a task, whose tokens are the letters; returns the folder."""

    def make(task):
        vocabulary = Vocabulary([*RESERVED, *"abcdefghijklmnopqrstuvwxyz"])
        config = backbone_config("text_cnn", "tiny", len(vocabulary), d_model=16, num_filters=4)
        model = build(task.build_model(make_backbone(config), 0.0))
        entries = {
            "stage": "fine_tuning",
            "backbone": config.to_dict(),
            "task": task.name,
            "head_dropout": 0.0,
            "sequence_length": 32,
            "test_mode": False,
            **task.config(),
        }
        texts = {**task.texts(), **text_files(make_tokenizer("char"), vocabulary)}
        thresholds = {each["label"]: each["threshold"] for each in task.known_labels()}
        folder = tmp_path / f"checkpoint_{task.name}"
        metrics = {"thresholds": thresholds}
        write_checkpoint(folder, config=entries, model=model, texts=texts, metrics=metrics)
        return folder

    return make
