import io
import sys
from pathlib import Path

import numpy as np
import pytest

from common.errors import CheckpointError, InputError, OptionError
from training.options.scripts import PredictionOptions
from training.prediction_files import Source
from training.vector_files import write_vector_file, write_vectors
from training.vectors import TextVectors

OLD = Path(__file__).parents[1] / "old_checkpoints"
PRETRAINED = str(OLD / "pretrained_text_cnn")
TEXTS = (OLD / "texts.txt").read_text(encoding="utf-8").splitlines()


@pytest.fixture(scope="module")
def vectors():
    return TextVectors.load(Path(PRETRAINED))


def test_one_row_per_line(vectors, tmp_path, monkeypatch):
    monkeypatch.setattr(TextVectors, "load", lambda folder: vectors)
    # 16 batches of 1 line are a block: three blocks.
    lines = [TEXTS[index % 10] if index % 7 else "" for index in range(40)]
    (tmp_path / "in.txt").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    output = str(tmp_path / "out.npy")
    options = PredictionOptions(
        ckpt_dir=PRETRAINED, input=str(tmp_path / "in.txt"), vectors=output, batch_size=1
    )
    assert write_vectors(options) == 40
    found = np.load(output)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, vectors(lines), atol=1e-5)
    assert not found[::7].any() and found[1:7].any(axis=1).all()
    assert np.load(output, mmap_mode="r").shape == (40, 16)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.txt", "out.npy"]


def test_json_lines_and_standard_input(vectors, tmp_path, monkeypatch):
    monkeypatch.setattr(TextVectors, "load", lambda folder: vectors)
    source = '{"fact": "被告人", "meta": {"accusation": ["盗窃"]}}\n'.encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(source)))
    output = str(tmp_path / "out.npy")
    assert write_vectors(PredictionOptions(ckpt_dir=PRETRAINED, vectors=output)) == 1
    np.testing.assert_allclose(np.load(output), vectors(["被告人"]), atol=1e-5)


def test_a_wrong_line_leaves_nothing(vectors, tmp_path):
    output = tmp_path / "out.npy"

    def source(data):
        return Source(io.BytesIO(data), "in.txt", len(data))

    with pytest.raises(InputError, match=r"in\.txt:21: not UTF-8"):
        write_vector_file(str(output), vectors, source("被告人\n".encode() * 20 + b"\xff\n"), 1)
    with pytest.raises(InputError, match="no line"):
        write_vector_file(str(output), vectors, source(b""), 1)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"vectors": "in.txt"}, "this is the input file"),
        ({"vectors": "."}, "is a folder"),
        ({"vectors": "no/out.npy"}, "there is no folder"),
        ({"vectors": "out.npy", "top_k": 3}, "--top_k=3 is for labels"),
        ({"vectors": "out.npy", "with_text": True}, "--with_text=true is for labels"),
        ({"vectors": "out.npy", "output_format": "csv"}, "--output_format=csv is for labels"),
        ({"vectors": "out.npy", "threshold_file": "t"}, "--threshold_file=t is for labels"),
        ({"vectors": "out.npy", "at_least_one": False}, "--at_least_one=false is for labels"),
        ({"vectors": "out.npy", "on_error": "skip"}, "--on_error=skip is for labels"),
        ({"vectors": "out.npy", "threshold": 0.0}, "--threshold=0.0 is for labels"),
        ({"vectors": "out.npy", "output": "out.jsonl"}, "--output=out.jsonl is for labels"),
    ],
)
def test_mistakes_before_the_checkpoint_is_read(tmp_path, monkeypatch, changes, message):
    monkeypatch.chdir(tmp_path)
    Path("in.txt").write_text("a\n")
    with pytest.raises(OptionError, match=message):
        write_vectors(PredictionOptions(ckpt_dir="none", input="in.txt", **changes))
    with pytest.raises(CheckpointError, match="none"):
        write_vectors(PredictionOptions(ckpt_dir="none", input="in.txt", vectors="out.npy"))
