"""Measures the speed of preprocessing, from text to ids, compared with the original project's.

    python -m benchmarks.preprocessing --data=DATA [--documents=2000] [--rounds=5]

Both sides read the same documents of CAIL2018 and of the legal corpus from files, segment them into
words, count a vocabulary and map each word to its id, in one process. Ours is the preprocessing of
pre-training, including its cache on disk. The other follows the original project: `jieba.lcut`,
lists of words in memory, a dictionary, ids padded to length 200. jieba is needed only here:
`pip install ".[benchmarks]"` installs it.

Prints one Markdown table per corpus with one row per side: documents per second of processor time
("per cpu second") and of wall time, medians over the rounds; and how many times as fast this
project is, the median of the rounds' ratios.
"""

import logging
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from benchmarks.lib.arguments import speed_parser
from benchmarks.lib.data_sets import first_documents
from benchmarks.lib.measuring import in_turn, needed, report, summary
from data_util.pretraining.build_corpus import prepare_pretraining_data
from data_util.tokens.tokenizers import make_tokenizer

SOURCES = {"cail2018": "cail2018/train.json", "legal_corpus": "legal_corpus/train.txt"}
VOCAB_SIZE = 30_000
SEQUENCE_LENGTH = 200


def main() -> None:
    """Measures both sides on each source and prints the table."""
    parser = speed_parser(__doc__)
    parser.add_argument("--documents", type=int, default=2000, help="of each source")
    arguments = parser.parse_args()
    if arguments.test_mode:
        arguments.documents, arguments.rounds = 20, 1
    jieba = needed("jieba", 'pip install ".[benchmarks]"')
    jieba.setLogLevel(logging.WARNING)
    jieba.initialize()
    tables = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, source in SOURCES.items():
            path = Path(folder) / f"{name}.txt"
            written = first_documents([arguments.data / source], path, arguments.documents)
            samples = in_turn(
                {
                    "ours": lambda path=path, written=written: ours(path, written),  # type: ignore[misc]
                    "the original's path": lambda path=path: originals(path, jieba.lcut),  # type: ignore[misc]
                },
                arguments.rounds,
            )
            tables[f"{name}: {written:,} documents, one process"] = summary(samples, "ours")
    report("preprocessing", arguments, tables)


def ours(path: Path, documents: int) -> float:
    """Preprocesses the documents as pre-training does, into a new cache."""
    with tempfile.TemporaryDirectory() as folder:
        prepare_pretraining_data(
            [path],
            make_tokenizer("word"),
            vocab_size=VOCAB_SIZE,
            cache_folder=folder,
            processes=1,
        )
    return documents


def originals(path: Path, cut: object) -> float:
    """Preprocesses the documents like the original project: everything in lists, step by step."""
    lines = path.read_text(encoding="utf-8").splitlines()
    words = [cut(line) for line in lines]  # type: ignore[operator]
    ids = ids_of(words)
    padded = np.zeros((len(ids), SEQUENCE_LENGTH), np.int64)
    for row, line in zip(padded, ids, strict=True):
        row[: len(line)] = line[:SEQUENCE_LENGTH]
    return len(lines)


def ids_of(texts: Sequence[Iterable[str]]) -> list[list[int]]:
    """Maps words to ids by falling frequency, and unknown words to 1."""
    counts = Counter(word for text in texts for word in text)
    known = {word: number + 5 for number, (word, _) in enumerate(counts.most_common(VOCAB_SIZE))}
    return [[known.get(word, 1) for word in text] for text in texts]


if __name__ == "__main__":
    main()
