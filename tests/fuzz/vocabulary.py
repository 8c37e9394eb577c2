"""The readers of vocab.txt and labels.txt: what is read can be written and read again."""

from pathlib import Path

from common.errors import InputError
from data_util.reading.labels import LabelSet
from data_util.tokens.vocabulary import RESERVED, Vocabulary
from tests.fuzz.scratch import folder

_FOLDER = folder()
_RESERVED = "".join(f"{token}\n" for token in RESERVED).encode()


def one_input(data: bytes) -> None:
    """Reads the bytes as both; with an even first byte as a vocabulary that has what it must."""
    path, again = _FOLDER / "read.txt", _FOLDER / "written.txt"
    path.write_bytes(data)
    _labels(path, again)
    path.write_bytes(data[1:] + b"\n" + _RESERVED if data and data[0] % 2 == 0 else data)
    _vocabulary(path, again)


def _vocabulary(path: Path, again: Path) -> None:
    try:
        vocabulary = Vocabulary.load(path)
    except InputError as error:
        assert error.path == str(path)
        return
    vocabulary.save(again)
    # A file may begin with a byte order mark; a token may too, and is then read without it.
    if not vocabulary.tokens[0].startswith("\ufeff"):
        assert Vocabulary.load(again).tokens == vocabulary.tokens
    ids = vocabulary.encode(vocabulary.tokens)
    assert all(id in (place, vocabulary.unk_id) for place, id in enumerate(ids))


def _labels(path: Path, again: Path) -> None:
    try:
        labels = LabelSet.load(path)
    except InputError as error:
        assert error.path == str(path)
        return
    labels.save(again)
    assert LabelSet.load(again).labels == labels.labels
    assert labels.ids(labels.labels) == list(range(len(labels)))
