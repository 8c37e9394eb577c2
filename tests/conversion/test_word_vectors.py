from pathlib import Path

import numpy as np
import pytest

from common.errors import OptionError
from conversion.word_vectors import write_word_vectors
from data_util.tokens.vocabulary import Vocabulary
from data_util.tokens.word_vectors import read_word_vectors
from models.checkpoints.folder import read_checkpoint
from models.checkpoints.weights import load_model
from training.options.vectors import WordVectorsOptions

PRETRAINED = Path(__file__).parents[1] / "old_checkpoints/pretrained_text_cnn"


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    path = tmp_path_factory.mktemp("vectors") / "vectors.txt"
    write_word_vectors(WordVectorsOptions(ckpt_dir=str(PRETRAINED), output=str(path)))
    return path


@pytest.fixture(scope="module")
def table():
    model = load_model(read_checkpoint(PRETRAINED))
    return np.asarray(model.backbone.token_embedding.embeddings)


def test_the_format_as_it_is_defined(written, table):
    header, *lines = written.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    vocabulary = Vocabulary.load(PRETRAINED / "vocab.txt")
    assert header == f"{len(vocabulary)} {table.shape[1]}"
    assert [line.split(" ")[0] for line in lines] == list(vocabulary.tokens)
    values = np.array([line.split(" ")[1:] for line in lines], np.float32)
    np.testing.assert_array_equal(values, table)


def test_the_reader_of_this_project_gives_the_same_values(written, table):
    vocabulary = Vocabulary.load(PRETRAINED / "vocab.txt")
    found = read_word_vectors(str(written), vocabulary, seed=0)
    ordinary = vocabulary.ordinary_ids
    np.testing.assert_array_equal(found.values[ordinary], table[ordinary])


def test_an_output_that_cannot_be_a_file(tmp_path):
    for output, message in ((tmp_path, "is a folder"), (tmp_path / "no/file", "no folder")):
        with pytest.raises(OptionError, match=message):
            write_word_vectors(WordVectorsOptions(ckpt_dir="none", output=str(output)))
