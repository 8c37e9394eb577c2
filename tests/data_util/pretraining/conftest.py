"""A small text, and its corpus."""

import pytest

from data_util.pretraining.build_corpus import prepare_pretraining_data
from data_util.tokens.tokenizers import make_tokenizer

DOCUMENTS = [
    "one two three 。 four one 。",
    "two two four",
    "five one 。 one two three 。 six",
]


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("\n".join(DOCUMENTS) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def prepare(tmp_path):
    def prepare(*paths, **changes):
        options = {"min_count": 1, "processes": 1, **changes}
        style, lower_case = options.pop("tokenize_style", "space"), options.pop("lower_case", None)
        tokenizer = make_tokenizer(
            style, lower_case=lower_case, vocabulary=options.get("vocabulary")
        )
        folder = tmp_path / "cache"
        return prepare_pretraining_data(list(paths), tokenizer, cache_folder=folder, **options)

    return prepare
