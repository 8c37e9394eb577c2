"""Bounds on the size of a model and its files, computed from the configuration alone.

Layers are imported where they are asked: a checkpoint's configuration is read without Keras, too.
"""

from collections.abc import Mapping
from typing import Any

from common.errors import ConfigError
from models.config import BackboneConfig
from models.registry import HEADS, OBJECTIVES

WEIGHT_BYTES = 4
# Allowance for any file. The report of a checkpoint with 10^6 labels has 100 MB; a small weights
# file needs it for biases and for the overhead of HDF5.
_ROOM = 256 << 20
# Safety factors: a backbone may have parameters that its configuration does not count, and an
# optimizer stores two or three values per parameter.
_TIMES = {"model.weights.h5": 16, "tuned.weights.h5": 16, "optimizer.h5": 48}


def max_file_bytes(name: str, config: Mapping[str, Any]) -> int:
    """The largest plausible size of a checkpoint's file; a larger one is rejected unread.

    Args:
        name: the file's name.
        config: as in `config.json`; an invalid one counts as a model without parameters.
    """
    try:
        parameters = min_parameters(config)
    except ConfigError:
        parameters = 0
    return _ROOM + _TIMES.get(name, 0) * WEIGHT_BYTES * parameters


def min_parameters(config: Mapping[str, Any], *, backbone: bool = True) -> int:
    """A lower bound on the parameters of the model that a checkpoint's `config.json` describes.

    Only large arrays are counted, not biases and normalization, nor parameters that the backbone's
    configuration does not count.

    Args:
        config: as in `config.json`; missing or invalid entries other than the backbone count as 0.
        backbone: whether to count those of the backbone.

    Raises:
        ConfigError: the backbone's configuration is invalid.
    """
    sizes = BackboneConfig.from_dict(config.get("backbone", {}))
    return (sizes.min_parameters() if backbone else 0) + _parts(config, sizes)


def _parts(config: Mapping[str, Any], backbone: BackboneConfig) -> int:
    """The parameters of the objectives or the head, as far as known entries describe them."""
    objectives = config.get("objectives")
    named = objectives if isinstance(objectives, list) else []
    settings = config.get("objective_settings")
    settings = settings if isinstance(settings, dict) else {}
    size = sum(
        OBJECTIVES[name].min_parameters(backbone, settings)
        for name in {name for name in named if isinstance(name, str)} & set(OBJECTIVES)
    )
    head, labels = config.get("head"), config.get("num_labels")
    if type(labels) is int:
        if isinstance(head, str) and head in HEADS:
            size += HEADS[head].min_parameters(backbone, labels)
        if config.get("bag_of_words") is True:
            from models.heads.bag_of_words import BagOfWords

            size += BagOfWords.min_parameters(backbone.vocab_size, labels)
        ngrams = config.get("num_ngrams")
        if type(ngrams) is int:
            from models.heads.ngram_classifier import NgramClassifier

            size += NgramClassifier.min_parameters(ngrams, labels)
    return size
