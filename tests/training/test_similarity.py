import json
from pathlib import Path

import numpy as np
import pytest

from common.errors import InputError, OptionError
from training.options.vectors import SimilarOptions
from training.similarity import find_similar
from training.vectors import TextVectors

OLD = Path(__file__).parents[1] / "old_checkpoints"
PRETRAINED = str(OLD / "pretrained_text_cnn")
LINES = ["", *(OLD / "texts.txt").read_text(encoding="utf-8").splitlines(), " "]


@pytest.fixture(scope="module")
def vectors():
    return TextVectors.load(Path(PRETRAINED))


@pytest.fixture
def search(tmp_path, vectors, monkeypatch):
    monkeypatch.setattr(TextVectors, "load", lambda folder: vectors)
    corpus, output = tmp_path / "corpus.txt", tmp_path / "out.jsonl"
    corpus.write_text("".join(f"{line}\n" for line in LINES), encoding="utf-8")

    def run(**changes):
        values = {"ckpt_dir": PRETRAINED, "input": str(corpus), "output": str(output), **changes}
        count = find_similar(SimilarOptions(**values))
        return count, [json.loads(line) for line in output.open(encoding="utf-8")]

    return run


def test_the_nearest_by_cosine(search, vectors):
    query = LINES[3][5:40]
    count, found = search(query=query, top_k=3)
    assert count == 1 and [hit["rank"] for hit in found] == [1, 2, 3]
    documents, (one,) = vectors(LINES).astype("float64"), vectors([query]).astype("float64")
    with_tokens = documents.any(axis=1)
    mean = documents[with_tokens].mean(axis=0)
    documents, one = documents - mean, one - mean
    cosines = documents @ one / np.linalg.norm(documents, axis=1) / np.linalg.norm(one)
    cosines[~with_tokens] = -2
    best = np.argsort(-cosines)[:3]
    assert [hit["line"] for hit in found] == (best + 1).tolist()
    assert [hit["similarity"] for hit in found] == pytest.approx(cosines[best], abs=1e-5)
    assert [hit["text"] for hit in found] == [LINES[line] for line in best]


def test_a_file_of_queries(search, tmp_path, caplog):
    (tmp_path / "queries.txt").write_text(f"{LINES[4]}\n\n{LINES[2]}\n", encoding="utf-8")
    count, found = search(queries=str(tmp_path / "queries.txt"), top_k=100)
    assert count == 3
    # Each line with text is found for each query that has text.
    assert [(hit["query"], hit["rank"]) for hit in found] == [
        (query, rank) for query in (1, 3) for rank in range(1, 11)
    ]
    assert [hit["line"] for hit in found[::10]] == [5, 3]
    assert found[0]["similarity"] == pytest.approx(1, abs=1e-5)
    assert "query 2 has no tokens" in caplog.text


def test_vectors_are_kept_and_used_again(search, tmp_path, monkeypatch):
    path = tmp_path / "vectors.npy"
    _, first = search(query=LINES[3], vectors=str(path))
    assert np.load(path).shape == (12, 16)
    before = path.stat()
    computed = []
    original = TextVectors.__call__

    def counting(self, texts, *arguments):
        computed.append(len(texts))
        return original(self, texts, *arguments)

    monkeypatch.setattr(TextVectors, "__call__", counting)
    monkeypatch.setattr("training.similarity._LINES_COMPARED", 3)
    assert search(query=LINES[3], vectors=str(path))[1] == first
    # The query, and three documents to compare with.
    assert computed == [1, 3]
    assert path.stat().st_mtime_ns == before.st_mtime_ns


def test_one_document(search, tmp_path):
    (tmp_path / "one.txt").write_text(f"{LINES[2]}\n", encoding="utf-8")
    _, found = search(input=str(tmp_path / "one.txt"), query=LINES[3])
    assert [hit["line"] for hit in found] == [1] and 0 < found[0]["similarity"] <= 1


@pytest.mark.parametrize(
    "content",
    [
        lambda vectors: vectors[:-1],
        lambda vectors: vectors[:, 1:],
        lambda vectors: vectors[::-1],
        lambda vectors: vectors.astype("float64"),
        lambda vectors: vectors[0],
    ],
    ids=["fewer lines", "another width", "other texts", "another type", "one vector"],
)
def test_vectors_of_something_else_are_refused(search, vectors, tmp_path, content):
    np.save(tmp_path / "vectors.npy", content(vectors(LINES)))
    with pytest.raises(InputError, match=r"vectors\.npy: .*vectors"):
        search(query="被告人", vectors=str(tmp_path / "vectors.npy"))


def test_a_file_that_is_no_array_is_refused(search, tmp_path):
    (tmp_path / "vectors.npy").write_text("not an array")
    with pytest.raises(InputError, match="no file of vectors"):
        search(query="被告人", vectors=str(tmp_path / "vectors.npy"))


def test_one_of_two_options(search, tmp_path):
    for changes in ({}, {"query": "a", "queries": "b"}):
        with pytest.raises(OptionError, match="--query, or a file with --queries"):
            search(**changes)
    with pytest.raises(OptionError, match="only white space"):
        search(query=" ")


def test_an_output_that_cannot_be_a_file_before_the_work(search, tmp_path, monkeypatch):
    monkeypatch.setattr(TextVectors, "load", None)
    queries = tmp_path / "queries.txt"
    queries.write_text("a\n")
    with pytest.raises(OptionError, match="there is no folder"):
        search(query="a", output=str(tmp_path / "no" / "out.jsonl"))
    with pytest.raises(OptionError, match=r"--output=.*queries\.txt: this is the input file"):
        search(queries=str(queries), output=str(queries))
