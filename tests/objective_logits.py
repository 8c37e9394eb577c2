"""The logits of a model for pre-training, which only its objectives see."""

from typing import Any

import numpy as np

from models.objectives.replaced_token import ReplacedTokenHead
from models.pretraining_model import PretrainingModel


def logits_of(model: PretrainingModel, batch: dict[str, Any]) -> dict[str, np.ndarray]:
    """By the name of the objective, without dropout and over the whole vocabulary."""
    table, found = model.backbone.token_embedding, {}
    outputs = model.backbone(batch, positions=batch["masked_positions"])
    for head in model.heads:
        if head.reads_pooled_output:
            logits = head(outputs["pooled_output"])
        elif isinstance(head, ReplacedTokenHead):
            logits = head.discriminate(outputs["sequence_output"])
        else:
            logits = head(outputs["sequence_output"], token_embedding=table)
        found[head.name] = np.asarray(logits)
    return found
