"""The documents of the comparison of students, and its rows."""

import argparse

from benchmarks.distillation import VARIANTS, divided


def test_the_raw_text_has_no_labels_and_none_of_the_labelled_documents(tmp_path):
    train = tmp_path / "given.txt"
    train.write_text("".join(f"text {number} __label__A\n" for number in range(9)))
    options = argparse.Namespace(folder=tmp_path, documents=3, unlabelled=4)
    labelled, raw = divided(train, options)
    assert labelled.read_text().splitlines() == [f"text {n} __label__A" for n in range(3)]
    assert raw.read_text().splitlines() == [f"text {number}" for number in range(3, 7)]


def test_a_teacher_is_trained_before_its_students():
    before = set()
    for name, variant in VARIANTS.items():
        assert set(variant.teachers) <= before
        assert not (variant.teachers and not variant.student)
        before.add(name)
