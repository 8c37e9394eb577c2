"""The tables: each backbone, pooling, objective and head by the name that options give it.

A new one is a file of its own and a line here. The tables hold where to find a thing rather than
the thing, so that its name can be listed and checked without loading Keras, which takes seconds.
"""

import importlib
from collections.abc import Iterator, Mapping
from typing import Any


class Table(Mapping[str, Any]):
    """Names to classes or functions, imported when they are asked for.

    Args:
        renamed: the present names by those of earlier versions, which are still found.
        places: "module:attribute" by name.
    """

    def __init__(self, renamed: Mapping[str, str] | None = None, /, **places: str) -> None:
        self._renamed = dict(renamed or {})
        self._places = places

    def current_name(self, name: Any) -> Any:
        """The present name of what a checkpoint of an earlier version calls `name`."""
        return self._renamed.get(name, name) if isinstance(name, str) else name

    def __getitem__(self, name: str) -> Any:
        module, _, attribute = self._places[self.current_name(name)].partition(":")
        return getattr(importlib.import_module(module), attribute)

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


# Subclasses of models.backbone.Backbone.
BACKBONES = Table(
    text_cnn="models.text_cnn:TextCNN",
    transformer="models.transformer:TransformerEncoder",
)

# Functions from a BackboneConfig to a layer.
POOLINGS = Table(
    cls="models.pooling:cls_pooling",
    max="models.pooling:max_pooling",
    mean="models.pooling:mean_pooling",
    attention="models.pooling:attention_pooling",
)

# Subclasses of models.objective.Objective.
OBJECTIVES = Table(
    masked_lm="models.masked_lm:MaskedLMHead",
    next_sentence="models.next_sentence:NextSentenceHead",
)

# Subclasses of models.classification_heads.ClassificationHead.
HEADS = Table(
    {"detectors": "max_pooled"},
    alignment="models.pair_heads:AlignmentHead",
    max_pooled="models.classification_heads:MaxPooledHead",
    next_sentence="models.pair_heads:NextSentenceStart",
    pooled="models.classification_heads:PooledHead",
)
