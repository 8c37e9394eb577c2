"""How large a model and its files are, told from the configuration before anything is made."""

from collections.abc import Mapping
from typing import Any

from common.errors import ConfigError
from models.config import BackboneConfig
from models.heads.bag_of_words import BagOfWords
from models.registry import HEADS, OBJECTIVES

WEIGHT_BYTES = 4
# A checkpoint of 10^6 labels has a report of 100 MB. For weights it is room for small models, in
# which biases count, and for what HDF5 writes beside the numbers.
_ROOM = 256 << 20
# A backbone may have parameters that its configuration does not tell of. An optimizer has two or
# three numbers for each.
_TIMES = {"model.weights.h5": 16, "optimizer.h5": 48}


def max_file_bytes(name: str, config: Mapping[str, Any]) -> int:
    """What a file of a checkpoint may have at most: what is larger need not be read to be refused.

    Args:
        name: of the file.
        config: as in `config.json`; one that is none counts as a model without parameters.
    """
    try:
        parameters = min_parameters(config)
    except ConfigError:
        parameters = 0
    return _ROOM + _TIMES.get(name, 0) * WEIGHT_BYTES * parameters


def min_parameters(config: Mapping[str, Any]) -> int:
    """The parameters of the large arrays of the model that a checkpoint's `config.json` describes.

    Biases and normalization are left out, and so is what a backbone has that its configuration
    does not count. So the model has more, and a file of its weights holds more.

    Args:
        config: as in `config.json`; an entry that is missing or wrong counts for nothing.

    Raises:
        ConfigError: the backbone's configuration is none.
    """
    backbone = BackboneConfig.from_dict(config.get("backbone", {}))
    return backbone.min_parameters() + _parts(config, backbone)


def _parts(config: Mapping[str, Any], backbone: BackboneConfig) -> int:
    """The parameters of what stands on the backbone, by the entries that tell of it."""
    objectives = config.get("objectives")
    named = objectives if isinstance(objectives, list) else []
    size = sum(
        OBJECTIVES[name].min_parameters(backbone)
        for name in {name for name in named if isinstance(name, str)} & set(OBJECTIVES)
    )
    head, labels = config.get("head"), config.get("num_labels")
    if type(labels) is int:
        if isinstance(head, str) and head in HEADS:
            size += HEADS[head].min_parameters(backbone, labels)
        if config.get("bag_of_words") is True:
            size += BagOfWords.min_parameters(backbone.vocab_size, labels)
    return size
