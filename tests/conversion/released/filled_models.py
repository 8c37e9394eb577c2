"""A released BERT as a model of ours, and its outputs beside the original's."""

import numpy as np

from conversion.released.config import config_from_release
from conversion.released.formats import open_release
from conversion.released.weights import fill_model
from models.backbones.base import make_backbone
from models.build import build
from models.pretraining_model import PretrainingModel
from tests.objective_logits import logits_of


def model_of(folder, objectives=("masked_lm", "next_sentence"), **options):
    released = open_release(folder)
    config = config_from_release(released.family, released.config)
    model = build(PretrainingModel(make_backbone(config), objectives=objectives))
    return model, fill_model(model, released, **options)


def ours_of(model, batch):
    logits = logits_of(model, batch)
    body = model.backbone(batch, training=False)
    return {
        "hidden": np.asarray(body["sequence_output"]),
        "pooled": np.asarray(body["pooled_output"]),
        "masked_lm": logits["masked_lm"],
        # BERT's first class is "follows", ours the second.
        "next_sentence": logits["next_sentence"][:, ::-1],
    }


def assert_same(ours, theirs, mask):
    for name, expected in theirs.items():
        rows = mask if expected.ndim == 3 else slice(None)
        scale = max(1.0, np.abs(expected[rows]).max())
        np.testing.assert_allclose(
            ours[name][rows] / scale, expected[rows] / scale, atol=1e-5, err_msg=name
        )
        np.testing.assert_allclose(ours[name][rows], expected[rows], atol=1e-4, err_msg=name)
