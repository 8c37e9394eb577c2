"""The table of named entities: this project beside a CRF on character features."""

import itertools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.lib.measuring import needed
from benchmarks.lib.runs import read_metrics, run, split_flags
from tasks.token_classification.metrics import counts_by_label, entity_metrics
from tasks.token_classification.records import TaggedText, read_splits
from tasks.token_classification.tags import Entity, entities_of, tags_of

PEER_PACKAGE = 'pip install "sklearn-crfsuite>=0.5"'
_NUMBER = re.compile(r"\d")


@dataclass(frozen=True)
class Entities:
    """A data set with entities.

    Attributes:
        files: by split, relative to the folder of the data sets; without "valid", that is every
            tenth text of "train".
        options: of fine-tuning, and of reading.
    """

    files: Mapping[str, str]
    options: tuple[str, ...] = ()


DATA_SETS = {
    "cail2021_legal_ner": Entities(
        {
            split: f"cail2021_legal_ner/{name}.jsonl"
            for split, name in (("train", "train"), ("valid", "dev"), ("test", "test"))
        },
        ("--nested_entities=outermost", "--sequence_length=256"),
    ),
    "msra_ner": Entities(
        {"train": "msra_ner/train.bio", "test": "msra_ner/test.bio"}, ("--sequence_length=128",)
    ),
}


def prepared(name: str, data: Path, folder: Path, limit: int | None) -> dict[str, Path]:
    """Writes the texts of each split, cut to `limit` training texts, as JSON lines.

    Both systems read the same files. Valid and test have a quarter of the limit at most.
    """
    given = DATA_SETS[name].files
    files = {split: [str(data / path)] for split, path in given.items()}
    splits, _ = read_splits(files, nested="outermost")
    if "valid" not in splits:
        train = splits["train"]
        splits["valid"], splits["train"] = (
            train[::10],
            [text for number, text in enumerate(train) if number % 10],
        )
    paths = {}
    folder.mkdir(parents=True, exist_ok=True)
    for split, texts in splits.items():
        most = limit if limit is None or split == "train" else max(limit // 4, 1)
        paths[split] = folder / f"{split}.jsonl"
        lines = (
            json.dumps(
                {"text": text.passage.text, "entities": list(map(list, text.entities))},
                ensure_ascii=False,
            )
            for text in texts[:most]
        )
        paths[split].write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return paths


def ours(
    name: str,
    files: Mapping[str, Path],
    folder: Path,
    options: Sequence[str],
    checkpoint: str = "",
) -> dict[str, Any]:
    """Fine-tunes; the metrics of the test texts and the seconds of training."""
    run(
        "train_bert_fine_tuning.py",
        "--task=token_classification",
        *split_flags(files),
        f"--ckpt_dir={checkpoint}",
        f"--ckpt_dir_save={folder}",
        f"--data_path={folder.parent / 'data'}",
        *DATA_SETS[name].options,
        *options,
    )
    metrics = read_metrics(folder)
    return {**metrics["test"], "best_epoch": metrics["best_epoch"]}


def crf_on_characters(files: Mapping[str, Path]) -> dict[str, float]:
    """sklearn-crfsuite with the characters around each, their n-grams and their kinds.

    The penalties are the package's example's (c1 = c2 = 0.1, L-BFGS), 100 iterations.
    """
    needed("sklearn_crfsuite", PEER_PACKAGE)
    import sklearn_crfsuite

    splits, _ = read_splits({split: [str(path)] for split, path in files.items()})
    crf = sklearn_crfsuite.CRF(
        algorithm="lbfgs", c1=0.1, c2=0.1, max_iterations=100, all_possible_transitions=True
    )
    train, test = splits["train"], splits["test"]
    crf.fit([features(text.passage.text) for text in train], list(map(_tags, train)))
    found = crf.predict([features(text.passage.text) for text in test])
    predicted = [_entities(list(tags)) for tags in found]
    return entity_metrics(counts_by_label([text.entities for text in test], predicted))


def features(text: str) -> list[list[str]]:
    """What the peer reads at each character: up to two neighbours, pairs of them, and digits."""
    padded = ["<"] * 2 + list(text) + [">"] * 2
    found = []
    for place in range(2, len(text) + 2):
        window = padded[place - 2 : place + 3]
        found.append(
            [
                "bias",
                *(f"{offset}:{character}" for offset, character in enumerate(window)),
                *(f"{offset}+{one}{other}" for offset, (one, other) in _pairs(window)),
                f"digit:{bool(_NUMBER.match(padded[place]))}",
            ]
        )
    return found


def _pairs(window: Sequence[str]) -> Iterator[tuple[int, tuple[str, str]]]:
    return enumerate(itertools.pairwise(window))


def _tags(text: TaggedText) -> list[str]:
    return tags_of(text.entities, len(text.passage.text), "bio")


def _entities(tags: list[str]) -> list[Entity]:
    """The entities of tags, where an I- that continues nothing begins one (as seqeval reads)."""
    before = "O"
    for place, tag in enumerate(tags):
        if tag[0] == "I" and before[1:] != tag[1:]:
            tags[place] = f"B{tag[1:]}"
        before = tag
    return entities_of(tags, "bio")
