"""A tiny model, a stage whose scores are given, and the loop over it."""

import json

import keras
import numpy as np

from training.loop.interruption import Interruption
from training.loop.loop import train
from training.loop.optimizer import AdamW
from training.loop.run_history import RunHistory
from training.loop.stage import Stage
from training.options.scripts import PretrainingOptions
from training.runs.run_folder import RunFolder

SCORES = (0.1, 0.5, 0.4, 0.5, 0.3, 0.9)


class Folder(RunFolder):
    """Remembers what was saved."""

    def __init__(self, options):
        super().__init__(options, "ckpt_dir")
        config = {"stage": "fine_tuning", "options": options.to_dict()}
        self.set_metadata(config, {"vocab.txt": "[PAD]\n"})
        self.saved = []

    def save(self, model, metrics, training_state, *, best):
        super().save(model, metrics, training_state, best=best)
        metrics = json.loads(json.dumps(metrics))
        self.saved.append((metrics, dict(training_state), best, model.get_weights()[0].copy()))


def model_of(rate=0.1):
    layer = keras.layers.Dense(1, kernel_initializer="zeros")
    model = keras.Sequential([keras.layers.Input((2,)), layer])
    model.compile(optimizer=AdamW(rate), loss="mse", run_eagerly=True)
    return model


def stage_of(scores=SCORES, steps=2, seen=None, batches=None):
    scores = iter(scores)

    def made(epoch, first_step):
        for step in range(first_step, steps):
            if seen is not None:
                seen.append((epoch, step))
            yield np.ones((3, 2), "float32"), np.full((3, 1), 2.0, "float32")

    return Stage(
        name="fine_tuning",
        batches=batches or made,
        steps=lambda epoch: steps,
        examples=6,
        evaluate=lambda: {"loss": 1.0, "f1": next(scores)},
        score="f1",
        train_metrics=("loss",),
    )


def run(tmp_path, stage, *, patience=None, model=None, **options):
    options = PretrainingOptions(mask_lm_source_file=[], ckpt_dir=str(tmp_path / "out"), **options)
    record, model = RunHistory(score="f1", extra={"restored": None}), model or model_of()
    with Folder(options) as folder:
        train(model, stage, folder, options, record, Interruption(), patience=patience)
    return folder, record, model
