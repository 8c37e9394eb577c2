"""A small released BERT, and the checkpoint made from it."""

import pytest

from conversion.released.importing import import_release
from data_util.tokens.vocabulary import Vocabulary
from tests.bert_release import TOKENS, random_bert, save_release
from training.options.conversion import ImportOptions


@pytest.fixture(scope="module")
def release(tiny, tmp_path_factory):
    """A release whose vocabulary has the characters of the tiny files: (folder, its model)."""
    folder = tmp_path_factory.mktemp("release")
    text = "".join(tiny.file(name).read_text(encoding="utf-8") for name in ("free", "train"))
    tokens = [*TOKENS, *sorted({character for character in text if not character.isspace()})]
    # As some releases do, this one has more rows than tokens.
    sizes = {"max_position_embeddings": 64, "num_hidden_layers": 1}
    model = random_bert(vocab_size=len(tokens) + 3, **sizes)
    save_release(model, folder)
    Vocabulary(tokens).save(folder / "vocab.txt")
    return folder, model


@pytest.fixture(scope="module")
def imported(release, tmp_path_factory):
    folder = tmp_path_factory.mktemp("imported")
    import_release(ImportOptions(str(release[0]), str(folder)))
    return folder
