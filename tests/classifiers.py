"""Models of the classification tasks, without labelled data."""

from data_util.reading.labels import LabelSet
from models.checkpoints.weights import load_model, load_weights
from tasks.loading import build_task_model
from tasks.registry import TASKS


def label_set(count):
    return LabelSet([f"label{number}" for number in range(count)])


def classification_model(
    backbone, num_labels, task="multi_label", dropout=0.1, head="pooled", bag_of_words=False
):
    """A model that is not built yet."""
    labels = label_set(num_labels)
    made = TASKS[task](labels, head=head, tfidf_classifier=bag_of_words)
    return made.build_model(backbone, dropout)


def load_any_model(checkpoint):
    """The model of a checkpoint of either stage, whatever else the checkpoint lacks."""
    if "task" not in checkpoint.config:
        return load_model(checkpoint)
    settings = checkpoint.config
    task = TASKS[settings["task"]](
        label_set(settings["num_labels"]),
        head=settings["head"],
        tfidf_classifier=settings.get("bag_of_words", False),
    )
    model = build_task_model(task, checkpoint)
    load_weights(model, checkpoint)
    return model
