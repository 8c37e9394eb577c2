"""Models of the classification tasks, without labelled data."""

import numpy as np

from data_util.reading.labels import LabelSet
from data_util.tokens.ngram_table import NgramTable
from data_util.tokens.ngrams import KINDS
from models.checkpoints.weights import load_model, load_weights
from tasks.loading import build_task_model
from tasks.registry import TASKS


def label_set(count):
    return LabelSet([f"label{number}" for number in range(count)])


def ngram_table(count):
    """Made-up words, each in one document; None for none."""
    if not count:
        return None
    words = [f"word{number}" for number in range(count)]
    return NgramTable([words, *([] for _ in KINDS[1:])], np.ones(count), count)


def classification_model(
    backbone, num_labels, task="multi_label", dropout=0.1, head="pooled", num_ngrams=0
):
    """A model that is not built yet."""
    made = TASKS[task](label_set(num_labels), head=head, ngrams=ngram_table(num_ngrams))
    return made.build_model(backbone, dropout)


def load_any_model(checkpoint):
    """The model of a checkpoint of either stage, whatever else the checkpoint lacks."""
    if "task" not in checkpoint.config:
        return load_model(checkpoint)
    settings = checkpoint.config
    task = TASKS[settings["task"]](
        label_set(settings["num_labels"]),
        head=settings["head"],
        ngrams=ngram_table(settings.get("num_ngrams", 0)),
    )
    task.bag_of_words = settings.get("bag_of_words", False)
    task.calibrated = settings.get("calibrated", False)
    model = build_task_model(task, checkpoint)
    load_weights(model, checkpoint)
    return model
