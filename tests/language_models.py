"""Pre-trained checkpoints with random weights, which predict tokens."""

import keras

from data_util.tokens.tokenizers import make_tokenizer
from data_util.tokens.vocabulary import RESERVED, Vocabulary
from models.backbones.base import make_backbone
from models.build import build
from models.checkpoints.writing import write_checkpoint
from models.presets import backbone_config
from models.pretraining_model import PretrainingModel
from training.preparation.tokenizer import text_files

VOCABULARY = Vocabulary([*RESERVED, *"甲乙丙天地人"])


def write_language_model(folder, objective, backbone="text_cnn", max_position=24, **metrics):
    """Writes the checkpoint of an objective, which reads sequences of 12 tokens.

    Args:
        folder: of the checkpoint.
        objective: its name.
        backbone: its name.
        max_position: the longest sequence.
        **metrics: entries of metrics.json.

    Returns:
        The folder.
    """
    keras.utils.set_random_seed(1)
    own = {"num_layers": 1} if backbone == "transformer" else {"num_filters": 8}
    sizes = {"d_model": 16, "num_heads": 2, "max_position": max_position, **own}
    config = backbone_config(backbone, "tiny", len(VOCABULARY), initializer_range=0.5, **sizes)
    model = build(PretrainingModel(make_backbone(config), [objective]))
    entries = {
        "stage": "pretraining",
        "backbone": config.to_dict(),
        "objectives": [objective],
        "sequence_length": 12,
        "test_mode": False,
    }
    texts = text_files(make_tokenizer("char"), VOCABULARY)
    write_checkpoint(folder, config=entries, model=model, texts=texts, metrics=metrics)
    return folder
