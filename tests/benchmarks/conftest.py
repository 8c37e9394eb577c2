"""The data sets of the benchmarks, tiny, and their smoke runs."""

import json
import sys

import pytest


@pytest.fixture
def data_sets(tiny, tmp_path):
    """A folder with CAIL2018 and the legal corpus, of a few documents each."""
    cail, legal = tmp_path / "data/cail2018", tmp_path / "data/legal_corpus"
    cail.mkdir(parents=True)
    legal.mkdir()
    for split in ("train", "valid", "test"):
        with (cail / f"{split}.json").open("w", encoding="utf-8") as file:
            for text in tiny.file(split).read_text(encoding="utf-8").splitlines():
                fact, *labels = text.split(" __label__")
                meta = {"accusation": labels, "relevant_articles": []}
                file.write(json.dumps({"fact": fact, "meta": meta}, ensure_ascii=False) + "\n")
    (legal / "train.txt").write_bytes(tiny.file("free").read_bytes())
    return tmp_path / "data"


@pytest.fixture
def smoke_run(data_sets, tmp_path, monkeypatch):
    """Runs a benchmark of speed with `--test_mode`; returns its tables."""

    def run(benchmark, *options):
        name = benchmark.__name__.rpartition(".")[2]
        places = [f"--data={data_sets}", f"--out={tmp_path / 'out'}"]
        monkeypatch.setattr(sys, "argv", [name, "--test_mode", *places, *options])
        benchmark.main()
        return json.loads((tmp_path / "out" / f"{name}.json").read_text())["tables"]

    return run
