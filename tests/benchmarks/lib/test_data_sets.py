"""The files of the data sets, and the documents in them."""

import numpy as np

from benchmarks.lib.data_sets import first_documents, labelled_files, read_splits


def test_splits_share_the_label_list(tmp_path):
    lines = {
        "train": "a b __label__x __label__y\nc __label__y\n",
        "valid": "a __label__z __label__x\n",
        "test": "b __label__y\n",
    }
    files = {split: tmp_path / f"{split}.txt" for split in lines}
    for split, path in files.items():
        path.write_text(lines[split], encoding="utf-8")
    splits = read_splits(files)
    # y twice in train, x once, then what only valid has.
    assert splits["train"].targets.tolist() == [[1, 1, 0], [1, 0, 0]]
    assert splits["valid"].targets.tolist() == [[0, 1, 1]]
    assert splits["test"].targets.tolist() == [[1, 0, 0]]
    assert splits["valid"].texts == ["a"]
    assert splits["train"].targets.dtype == np.int64


def test_lines_without_a_label_are_left_out(tmp_path, caplog):
    data = tmp_path / "zhihu"
    data.mkdir()
    for split in ("train", "valid", "test"):
        (data / f"bert_{split}.txt").write_text("a __label__x\nb\n", encoding="utf-8")
    (data / "bert_test.txt").write_text("a __label__x\n", encoding="utf-8")
    files = labelled_files(tmp_path, "zhihu", tmp_path)
    assert files["test"] == data / "bert_test.txt"
    assert files["train"].read_text(encoding="utf-8") == "a __label__x\n"
    assert (data / "bert_train.txt").read_text(encoding="utf-8") == "a __label__x\nb\n"
    assert "1 lines without a label left out" in caplog.text


def test_the_first_documents_of_several_files(tmp_path):
    first, second, target = (tmp_path / f"{name}.txt" for name in ("a", "b", "target"))
    first.write_text("one __label__x\ntwo __label__y\n", encoding="utf-8")
    second.write_text("three\nfour\n", encoding="utf-8")
    assert first_documents([first, second], target, 3) == 3
    assert target.read_text(encoding="utf-8") == "one\ntwo\nthree\n"
    assert first_documents([first], target, 3) == 2
