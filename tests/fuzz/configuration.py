"""The readers of config.json and tokenizer.json."""

import json
from typing import Any

from common.errors import CheckpointError, ConfigError, InputError
from common.files import read_json
from data_util.tokens.tokenizer_files import load_tokenizer
from data_util.tokens.vocabulary import RESERVED, Vocabulary
from models.backbones.text_cnn_config import TextCNNConfig
from models.checkpoints.versions import upgraded
from models.config import BackboneConfig
from tests.fuzz.scratch import folder

_PATH = folder() / "config.json"
_VOCABULARY = Vocabulary([*RESERVED, "a"])
_VALUES: dict[str, Any] = {
    "vocab_size": 40,
    "d_model": 16,
    "num_heads": 2,
    "d_k": 8,
    "d_v": 8,
    "num_filters": 8,
    "position": "learned",
    "pooling": "max",
}


def one_input(data: bytes) -> None:
    """Reads the bytes as each; what a backbone lacks is filled in, so that one can come out."""
    _PATH.write_bytes(data)
    try:
        load_tokenizer(_PATH, _VOCABULARY)
    except InputError as error:
        assert len(str(error)) < 2000
    try:
        content = read_json(_PATH, "a configuration", CheckpointError)
    except CheckpointError as error:
        assert len(str(error)) < 2000
        return
    _backbone(content)
    _backbone(upgraded({"format_version": 1, "backbone": content})["backbone"])
    _backbone({**seed_values(), **content})


def _backbone(values: dict) -> None:
    try:
        config = BackboneConfig.from_dict(values)
    except ConfigError as error:
        assert len(str(error)) < 2000
        return
    assert BackboneConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def seed_values() -> dict:
    """Every field of a backbone."""
    return TextCNNConfig(**_VALUES).to_dict()


def seeds() -> list[bytes]:
    """A whole configuration of each reader."""
    return [
        json.dumps(seed_values()).encode(),
        b'{"format_version": 1, "style": "word", "lower_case": false}',
    ]
