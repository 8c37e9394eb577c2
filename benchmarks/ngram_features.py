"""Measures how fast the n-grams of a text are counted, as the TF-IDF classifier reads them.

    python -m benchmarks.ngram_features --data=DATA [--before=CHECKOUT] [--train=6000]
        [--documents=1000] [--rounds=5]

A table of n-grams is made from documents of CAIL2018, read up to 254 words, and those of further
documents are looked up in it: 64 documents at once, as training, `predict.py` and the exports do,
and one after another. With `--before`, a folder with an earlier version of this project, its code
for the same runs in the same process, and has to give the same numbers, bit for bit.

Prints a Markdown table with one row per side: documents per second of processor time ("per cpu
second") and of wall time, medians over the rounds; and how many times as fast the first side is,
the median of the rounds' ratios. Tokenization is not part of it.
"""

import importlib.util
import sys
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.lib.arguments import speed_parser
from benchmarks.lib.measuring import in_turn, report, summary
from common.blocks import blocks
from data_util.reading.documents import read_documents
from data_util.tokens.ngram_table import NgramTable
from data_util.tokens.tokenizers import make_tokenizer

TOKENS, BLOCK, MAX_NGRAMS = 254, 64, 8_000_000 // 91
TOGETHER = f"{BLOCK} documents at once"

Rows = Iterable[tuple[np.ndarray, np.ndarray]]


def main() -> None:
    """Measures all sides and prints the table."""
    options = speed_parser(__doc__)
    options.add_argument("--before", type=Path, help="the checkout to compare with")
    options.add_argument("--train", type=int, default=6000, help="documents that make the table")
    options.add_argument("--documents", type=int, default=1000, help="documents to look up")
    arguments = options.parse_args()
    if arguments.test_mode:
        arguments.train, arguments.documents, arguments.rounds = 50, 70, 1
    train, texts = (
        tokenized(arguments.data / "cail2018" / f"{split}.json", count)
        for split, count in (("train", arguments.train), ("test", arguments.documents))
    )
    table = NgramTable.build(train, MAX_NGRAMS)
    found: dict[str, Callable[[], Rows]] = {
        TOGETHER: lambda: (
            row
            for block in blocks(((tokens,) for tokens in texts), BLOCK)
            for row in table.feature_rows(block)
        ),
        "one after another": lambda: map(table.features, texts),
    }
    if arguments.before:
        earlier = earlier_table(arguments.before).from_text(table.to_text(), "ngrams.txt")
        found["before, one after another"] = lambda: map(earlier.features, texts)
        check_equal(found["before, one after another"](), found[TOGETHER]())
    sides = {name: lambda rows=rows: float(len(list(rows()))) for name, rows in found.items()}
    title = f"{len(texts):,} documents of CAIL2018, {len(table):,} n-grams"
    tables = {title: summary(in_turn(sides, arguments.rounds), TOGETHER)}
    report("ngram_features", arguments, tables)


def tokenized(path: Path, count: int) -> list[list[str]]:
    """The first tokens of the first documents of a file."""
    tokenizer = make_tokenizer("word")
    documents = islice(read_documents([str(path)], labelled=True), count)
    return [tokenizer.tokenize(document.text)[:TOKENS] for document in documents]


def earlier_table(checkout: Path) -> Any:
    """The class `NgramTable` of an earlier version."""
    for name in ("ngram_table", "ngrams"):
        path = checkout / "data_util" / "tokens" / f"{name}.py"
        if path.is_file():
            spec: Any = importlib.util.spec_from_file_location("earlier_ngrams", path)
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            return module.NgramTable
    sys.exit(f"error: {checkout} is no checkout of this project")


def check_equal(expected: Rows, found: Rows) -> None:
    """Ends the program if the features of a text differ by a bit."""
    for number, (theirs, ours) in enumerate(zip(expected, found, strict=True)):
        if any(a.tobytes() != b.tobytes() for a, b in zip(theirs, ours, strict=True)):
            sys.exit(f"error: the features of document {number} are not those of before")


if __name__ == "__main__":
    main()
