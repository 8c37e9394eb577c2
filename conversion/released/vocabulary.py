"""The vocabulary of a released model, and whether it lower-cases text."""

import string
from pathlib import Path
from typing import Any

from common.errors import InputError
from common.files import read_json
from data_util.tokens.vocabulary import Vocabulary

VOCABULARY = "vocab.txt"
TOKENIZER = "tokenizer.json"
TOKENIZER_CONFIG = "tokenizer_config.json"

# Other vocabularies that are found in releases.
_OTHERS = {"vocab.json": "byte-level BPE", "spiece.model": "SentencePiece"}


def released_vocabulary(folder: Path) -> Vocabulary:
    """Reads the vocabulary from `vocab.txt`, or from `tokenizer.json` if there is none.

    Raises:
        InputError: neither exists, or it is not a vocabulary of word pieces.
    """
    if (folder / VOCABULARY).is_file():
        return Vocabulary.load(folder / VOCABULARY)
    path = folder / TOKENIZER
    if not path.is_file():
        for name, kind in _OTHERS.items():
            if (folder / name).is_file():
                raise InputError(
                    f"this is a vocabulary of {kind}, and only word pieces (a {VOCABULARY}) can "
                    "be read",
                    folder / name,
                )
        raise InputError(f"no vocabulary: {VOCABULARY} or {TOKENIZER} is needed", folder)
    content = read_json(path, "a tokenizer")
    model = content.get("model")
    if not isinstance(model, dict) or model.get("type", "WordPiece") != "WordPiece":
        found = model.get("type") if isinstance(model, dict) else None
        named = f", but of type {found}" if found in ("BPE", "Unigram", "WordLevel") else ""
        raise InputError(f"not a tokenizer of word pieces{named}: a vocab.txt is needed", path)
    ids = model.get("vocab")
    if not isinstance(ids, dict) or sorted(map(str, ids.values())) != sorted(
        map(str, range(len(ids)))
    ):
        raise InputError(f"its ids are not 0, 1, 2, ...: a {VOCABULARY} is needed", path)
    return Vocabulary(sorted(ids, key=ids.__getitem__))


def released_lower_case(folder: Path, vocabulary: Vocabulary) -> tuple[bool, str]:
    """Whether the release lower-cases text, and how that is known.

    If no file says so, it is inferred from whether the vocabulary lacks most of the letters A to Z.
    """
    path = folder / TOKENIZER_CONFIG
    stated = _read_config(path).get("do_lower_case") if path.is_file() else None
    if isinstance(stated, bool):
        return stated, TOKENIZER_CONFIG
    capitals = len(set(string.ascii_uppercase) & set(vocabulary.tokens))
    return capitals < len(string.ascii_uppercase) // 2, (
        f"the vocabulary has {capitals} of the letters A to Z"
    )


def unlike_bert(folder: Path) -> list[str]:
    """Messages about settings of `tokenizer_config.json` that our word pieces do not follow."""
    path = folder / TOKENIZER_CONFIG
    if not path.is_file():
        return []
    config = _read_config(path)
    found = []
    if config.get("tokenize_chinese_chars", True) is not True:
        found.append("tokenize_chinese_chars is false, but here Chinese characters are words")
    strip = config.get("strip_accents")
    if strip is not None and strip != config.get("do_lower_case"):
        found.append(f"strip_accents is {str(strip).lower()}, but here it follows do_lower_case")
    if config.get("word_tokenizer_type", "basic") != "basic":
        found.append(f"word_tokenizer_type is {config['word_tokenizer_type']!r}, not 'basic'")
    return found


def _read_config(path: Path) -> dict[str, Any]:
    return read_json(path, "the configuration of a tokenizer")
