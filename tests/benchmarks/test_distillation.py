"""The documents of the comparison of students, and its rows."""

import argparse

from benchmarks.distillation import CHARACTERS, VARIANTS, WORDS, divided, with_teachers


def test_the_raw_text_has_no_labels_and_none_of_the_labelled_documents(tmp_path):
    train = tmp_path / "given.txt"
    train.write_text("".join(f"text {number} __label__A\n" for number in range(9)))
    options = argparse.Namespace(
        folder=tmp_path, data=tmp_path, data_set="zhihu", documents=3, unlabelled=4
    )
    labelled, raw = divided(train, options)
    assert labelled.read_text().splitlines() == [f"text {n} __label__A" for n in range(3)]
    assert raw.read_text().splitlines() == [f"text {number}" for number in range(3, 7)]


def test_a_teacher_is_trained_before_its_students():
    before = set()
    for name, variant in VARIANTS.items():
        assert set(variant.teachers) <= before
        assert not (variant.teachers and not variant.student)
        assert variant.large or variant.student
        before.add(name)


def test_where_all_documents_are_labelled_the_raw_text_is_that_of_the_data_set(tmp_path):
    train, free = tmp_path / "given.json", tmp_path / "legal_corpus" / "train.txt"
    train.write_text("".join(f'{{"fact": "f{number}"}}\n' for number in range(3)))
    free.parent.mkdir()
    free.write_text("first\nsecond\nthird\n")
    options = argparse.Namespace(
        folder=tmp_path, data=tmp_path, data_set="cail2018", documents=3, unlabelled=2
    )
    _, raw = divided(train, options)
    assert raw.read_text().splitlines() == ["first", "second"]


def test_a_row_brings_its_teachers():
    name = "student: words + characters, raw text"
    assert list(with_teachers([name])) == [WORDS, CHARACTERS, name]
    assert with_teachers(["student: labels alone"]).keys() == {"student: labels alone"}
