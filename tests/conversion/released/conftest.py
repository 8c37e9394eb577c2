"""A small released BERT, and the checkpoint made from it."""

import pytest

from conversion.released.importing import import_release
from tests.bert_release import save_release_for
from training.options.conversion import ImportOptions


@pytest.fixture(scope="module")
def release(tiny, tmp_path_factory):
    """A release whose vocabulary has the characters of the tiny files: (folder, its model)."""
    folder = tmp_path_factory.mktemp("release")
    text = "".join(tiny.file(name).read_text(encoding="utf-8") for name in ("free", "train"))
    return folder, save_release_for(text, folder)


@pytest.fixture(scope="module")
def imported(release, tmp_path_factory):
    folder = tmp_path_factory.mktemp("imported")
    import_release(ImportOptions(str(release[0]), str(folder)))
    return folder
