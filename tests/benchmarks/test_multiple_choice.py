"""What answers questions without a network, by hand."""

import json

from benchmarks.multiple_choice import baselines, limited
from tasks.multiple_choice.records import Question


def test_baselines():
    questions = [
        Question("the cat sat", "who sat?", ("a dog", "the cat"), 1),
        Question("", "rain today", ("rain", "something else"), 0),
    ]
    rows = baselines({"train": questions, "valid": questions, "test": questions[1:]})
    found = {row["who answers"]: row for row in rows}
    assert found["chance"]["valid accuracy"] == "0.500"
    # Of the two the longest is right once; what shares characters is right in both.
    assert found["the longest choice"]["valid accuracy"] == "0.500"
    assert found["the longest choice"]["test accuracy"] == "0.000"
    assert found["TF-IDF similarity"]["valid accuracy"] == "1.000"


def test_a_part_of_the_questions(tmp_path):
    for split, count in (("train", 9), ("dev", 9), ("test", 1)):
        record = {"choices": ["a", "b"], "answer": 0}
        path = tmp_path / f"{split}.jsonl"
        path.write_text("".join(json.dumps({**record, "id": n}) + "\n" for n in range(count)))
    files = limited(tmp_path, tmp_path / "part", 8)
    counts = {split: len(path.read_text().splitlines()) for split, path in files.items()}
    assert counts == {"train": 8, "valid": 2, "test": 1}
    assert limited(tmp_path, tmp_path / "whole", None)["valid"] == tmp_path / "dev.jsonl"
