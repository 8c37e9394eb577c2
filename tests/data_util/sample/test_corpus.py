"""The bundled sample: the files in data/ are what the generator writes, and what they promise."""

import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from data_util.sample import corpus as sample_corpus
from data_util.sample.charges import CHARGES, SLOTS
from data_util.sample.documents import ENTITY_LABELS
from data_util.sample.grammar import DISTRACTORS, FOLLOWS, LEADS

ROOT = Path(__file__).parents[3]
DATA = ROOT / "data"
SPLITS = ("train", "valid", "test")


def read_lines(name: str, ending: str = "txt") -> list[str]:
    return (DATA / f"sample_{name}.{ending}").read_text(encoding="utf-8").splitlines()


def read_labelled(split: str) -> list[tuple[str, list[str]]]:
    documents = []
    for line in read_lines(split):
        text, *labels = line.split(" __label__")
        documents.append((text, labels))
    return documents


def test_command_writes_the_files_in_data(tmp_path):
    subprocess.run(
        [sys.executable, "-m", "data_util.sample.corpus", f"--output_dir={tmp_path / 'new'}"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    written = {path.name: path.read_bytes() for path in (tmp_path / "new").iterdir()}
    bundled = {path.name: path.read_bytes() for path in DATA.glob("sample_*")}
    ofs = {"": "txt", "choices_": "jsonl", "entities_": "jsonl", "pairs_": "txt"}
    ofs |= {"questions_": "jsonl", "titles_": "txt"}
    files = {f"sample_{of}{split}.{end}" for of, end in ofs.items() for split in SPLITS}
    assert written.keys() == {*files, "sample_free_text.txt"}
    different = [name for name in written if written[name] != bundled.get(name)]
    assert not different, f"run `python -m data_util.sample.corpus`: {different} differ"
    assert sorted(bundled) == sorted(written)


def test_seed_changes_every_file():
    first, second = sample_corpus.make_sample(seed=1), sample_corpus.make_sample(seed=2)
    assert first.keys() == second.keys()
    assert all(first[name] != second[name] for name in first)


def test_sizes():
    assert sum(path.stat().st_size for path in DATA.glob("sample_*")) <= 1_800_000
    assert {split: len(read_lines(split)) for split in SPLITS} == {
        "train": 400,
        "valid": 200,
        "test": 300,
    }
    assert len(read_lines("free_text")) >= 2500


def test_labels_are_the_twenty_charges_in_every_split():
    names = {charge.name for charge in CHARGES}
    assert len(names) == len(CHARGES) == 20
    for split in SPLITS:
        assert {label for _, labels in read_labelled(split) for label in labels} == names


def test_label_frequencies_are_skewed_and_some_documents_have_two():
    documents = [document for split in SPLITS for document in read_labelled(split)]
    first = Counter(labels[0] for _, labels in documents)
    shares = [count / len(documents) for _, count in first.most_common()]
    assert 0.12 <= shares[0] <= 0.18
    assert 0.01 <= shares[-1] <= 0.02
    assert all(1 <= len(labels) == len(set(labels)) <= 2 for _, labels in documents)
    assert 0.12 <= sum(len(labels) > 1 for _, labels in documents) / len(documents) <= 0.18


def test_no_document_comes_twice():
    texts = [text for split in SPLITS for text, _ in read_labelled(split)]
    texts += read_lines("free_text")
    assert len(texts) == len(set(texts))


@pytest.mark.parametrize("part", [*SPLITS, "free_text"])
def test_facts_are_plain_text_of_the_promised_length_without_charge_names(part):
    labelled = part in SPLITS
    texts = [text for text, _ in read_labelled(part)] if labelled else read_lines(part)
    for text in texts:
        assert 60 <= len(text) <= 200
        assert text.endswith("。")
        assert not set(text) & set(" \t_{}"), text
        assert not [charge.name for charge in CHARGES if charge.name in text], text


@pytest.mark.parametrize("split", SPLITS)
def test_entities_are_those_of_the_labelled_documents(split):
    lines = read_lines(f"entities_{split}", "jsonl")
    assert len(lines) == sample_corpus.ENTITY_SIZES[split]
    objects = {word for charge in CHARGES for word in charge.objects}
    found = Counter()
    for line, (text, _) in zip(lines, read_labelled(split), strict=False):
        record = json.loads(line)
        assert record["text"] == text
        end_before = 0
        for label, start, end in record["entities"]:
            assert end_before <= start < end <= len(text)
            word, end_before = text[start:end], end
            found[label] += 1
            if label == "MONEY":
                assert word.isdigit() and len(word) >= 3
            elif label == "PERSON":
                assert word.endswith("某")
            elif label == "ITEM":
                assert word in objects
        # Every amount of the grammar is one.
        amounts = [text[start:end] for name, start, end in record["entities"] if name == "MONEY"]
        assert re.findall(r"(?<!\d)\d+00(?=元)", text) == amounts
    assert set(found) == set(ENTITY_LABELS.values())


def test_documents_use_words_of_their_charges():
    words = {
        charge.name: {word for slot in SLOTS for word in getattr(charge, slot)}
        for charge in CHARGES
    }
    for split in SPLITS:
        for text, labels in read_labelled(split):
            for label in labels:
                assert sum(word in text for word in words[label]) >= 2, (label, text)


def test_labelled_training_documents_leave_words_to_the_free_text():
    train = "".join(read_lines("train"))
    free_text = "".join(read_lines("free_text"))
    words = {word for charge in CHARGES for slot in SLOTS for word in getattr(charge, slot)}
    unseen = {word for word in words if word not in train}
    assert len(unseen) >= 0.1 * len(words)
    assert len({word for word in unseen if word in free_text}) >= 0.9 * len(unseen)


def test_grammar_lists():
    for charge in CHARGES:
        assert 25 <= sum(len(getattr(charge, slot)) for slot in SLOTS) <= 60
        for slot in SLOTS:
            words = getattr(charge, slot)
            assert len(words) == len(set(words)), (charge.name, slot)
    for templates in (LEADS, FOLLOWS, DISTRACTORS):
        assert len(templates) == len(set(templates))
