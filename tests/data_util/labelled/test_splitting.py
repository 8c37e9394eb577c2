import codecs
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import InputError
from data_util.labelled.splitting import (
    assign,
    assign_folds,
    fold_files,
    split_files,
    text_key,
)
from data_util.reading.documents import read_documents
from data_util.reading.settings import Reading

RATIOS = {"valid": 0.1, "test": 0.2}
TEXTS = st.lists(
    st.tuples(st.integers(0, 30).map(str), st.lists(st.sampled_from("ABC"), unique=True)),
    min_size=1,
)


def documents(count, seed=0):
    """Texts with labels of very different frequencies; some texts are there several times."""
    random = np.random.default_rng(seed)
    labels = random.choice(list("ABCD"), size=count, p=[0.7, 0.2, 0.08, 0.02])
    return [(f"text {random.integers(count)}", (label,)) for label in labels]


@given(TEXTS, st.integers(0, 5))
def test_the_same_text_is_never_on_two_sides(found, seed):
    sides = assign(found, RATIOS, seed)
    assert len(sides) == len(found)
    by_text = {}
    for (text, _), side in zip(found, sides, strict=True):
        assert by_text.setdefault(text, side) == side
    assert assign(found, RATIOS, seed) == sides


def test_each_label_gets_its_share():
    found = [
        (str(number), (label,)) for number, label in enumerate("A" * 700 + "B" * 200 + "C" * 50)
    ]
    sides = assign(found, RATIOS, seed=3)
    for label, count in Counter(label for _, (label,) in found).items():
        chosen = Counter(
            side for (_, labels), side in zip(found, sides, strict=True) if labels == (label,)
        )
        for split, ratio in RATIOS.items():
            assert abs(chosen[split] - ratio * count) <= 1, (label, split)
    assert assign(found, RATIOS, seed=4) != sides


def test_a_document_of_several_labels_counts_for_the_rarest():
    found = [(str(n), ("often",)) for n in range(100)] + [
        (f"r{n}", ("often", "rare")) for n in range(10)
    ]
    sides = assign(found, {"valid": 0.2}, seed=1)
    assert sides[100:].count("valid") == 2


def test_a_text_that_alone_has_its_label_is_trained_on():
    found = [(str(n), ("A",)) for n in range(20)] + [("alone", ("B",))]
    for seed in range(20):
        assert assign(found, {"valid": 0.5}, seed)[-1] == "train"


@given(TEXTS, st.integers(2, 6), st.integers(0, 5))
def test_folds_share_no_text_and_differ_by_one(found, count, seed):
    folds = assign_folds(found, count, seed)
    assert len(folds) == len(found)
    by_text = {}
    for (text, _), fold in zip(found, folds, strict=True):
        assert by_text.setdefault(text, fold) == fold
    sizes = np.bincount(list(by_text.values()), minlength=count)
    assert len(sizes) == count and sizes.max() - sizes.min() <= 1
    assert assign_folds(found, count, seed) == folds


def test_each_label_has_its_share_of_each_fold():
    found = [
        (str(number), (label,)) for number, label in enumerate("A" * 701 + "B" * 200 + "C" * 53)
    ]
    folds = assign_folds(found, 5, seed=3)
    for label in "ABC":
        of_label = [fold for (_, labels), fold in zip(found, folds, strict=True) if label in labels]
        sizes = np.bincount(of_label, minlength=5)
        assert sizes.max() - sizes.min() <= 1
    assert assign_folds(found, 5, seed=4) != folds


def test_text_key():
    assert text_key("a  b\n") == text_key(" a b")
    assert text_key("a b") != text_key(("a", "b")) != text_key(("b", "a"))


@pytest.fixture
def write(tmp_path):
    def write(lines, name="train.txt", encoding="utf-8"):
        path = tmp_path / name
        path.write_bytes("".join(f"{line}\n" for line in lines).encode(encoding))
        return path

    return write


def split(path, tmp_path, reading=Reading(), ratios=RATIOS, seed=1, **options):  # noqa: B008
    made = split_files([path], ratios, seed=seed, folder=tmp_path / "c", reading=reading, **options)
    labelled = reading.replace(keep_unlabelled=True)
    return {
        name: list(read_documents([file], labelled=True, reading=labelled))
        for name, file in made.items()
    }


def test_files_hold_every_document_once(write, tmp_path, caplog):
    found = documents(300)
    path = write([f"{text} __label__{label}" for text, (label,) in found])
    with caplog.at_level("INFO"):
        splits = split(path, tmp_path)
    assert list(splits) == ["train", "valid", "test"]
    together = [(document.text, document.labels) for split in splits.values() for document in split]
    assert sorted(together) == sorted(found)
    texts = [{document.text for document in split} for split in splits.values()]
    assert not texts[0] & texts[1] and not texts[0] & texts[2] and not texts[1] & texts[2]
    assert f"valid: {len(splits['valid'])} of 300 documents are held out, by seed 1" in caplog.text
    # The same again, and others by another seed.
    assert split(path, tmp_path) == splits
    assert split(path, tmp_path, seed=2)["valid"] != splits["valid"]


def test_the_files_of_the_folds_hold_every_document_once(write, tmp_path):
    found = documents(100)
    path = write([f"{text} __label__{label}" for text, (label,) in found])
    files = fold_files([path], 4, seed=1, folder=tmp_path / "c")
    folds = [list(read_documents([file], labelled=True)) for file in files]
    assert len(folds) == 4
    together = [(document.text, document.labels) for fold in folds for document in fold]
    assert sorted(together) == sorted(found)
    expected = [found[index][0] for index, n in enumerate(assign_folds(found, 4, 1)) if n == 2]
    assert [document.text for document in folds[2]] == expected


@pytest.mark.parametrize(
    "reading",
    [
        Reading(text_field=("body",), label_field="topic", label_separator="|"),
        Reading(text_field=("q", "a"), label_field="same"),
        Reading(label_field="relevant_articles"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16"])
def test_the_files_are_read_with_the_settings_of_the_training_file(
    write, tmp_path, reading, encoding
):
    reading = reading.replace(encoding=encoding)
    texts = reading.text_field or ("text",)
    header = ",".join(["id", *texts, reading.label_field])
    rows = [",".join([str(n), *(f"文{n}{name}" for name in texts), "甲 乙"]) for n in range(40)]
    path = write([header, *rows], "train.csv", encoding)
    together = [each for split in split(path, tmp_path, reading).values() for each in split]
    direct = read_documents([path], labelled=True, reading=reading)
    assert sorted((d.text, d.text_b, d.labels, d.id) for d in together) == sorted(
        (d.text, d.text_b, d.labels, d.id) for d in direct
    )


def test_documents_without_labels_are_kept_for_the_task_to_decide(write, tmp_path):
    splits = split(write([*(f"a{n} __label__x" for n in range(50)), "none"]), tmp_path)
    assert sum(not document.labels for split in splits.values() for document in split) == 1


def test_the_source_of_each_document_is_written(write, tmp_path):
    path = write([f"a{n} __label__x" for n in range(50)])
    made = split_files([path], RATIOS, seed=1, folder=tmp_path)
    with codecs.open(made["train"], encoding="utf-8") as file:
        assert f'"text": "a0", "labels": ["x"], "source": "{path}:1"' in file.readline()


def test_too_few_documents(write, tmp_path):
    path = write(["a __label__x"] * 100)
    with pytest.raises(InputError, match=r"train\.txt: too few different texts .*--valid_data"):
        split(path, tmp_path)
    assert not (tmp_path / "c").exists()
