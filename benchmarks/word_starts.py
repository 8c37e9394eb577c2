"""What it costs to find where words begin, beside cutting text into characters or word pieces.

    python -m benchmarks.word_starts --data=DATA

The first sentences of the legal corpus are tokenized in one process, with and without. Columns:
the style, characters, and millions of characters per second of processor time. The vocabulary of
the word pieces consists of single characters.
"""

import time
from pathlib import Path

from benchmarks.lib.arguments import parser
from benchmarks.lib.measuring import markdown
from data_util.tokens.sentences import split_sentences
from data_util.tokens.tokenizers import Tokenizer, make_tokenizer
from data_util.tokens.vocabulary import RESERVED, Vocabulary

CHARACTERS = 1_000_000


def main() -> None:
    """Measures each style and prints the table."""
    sentences = first_sentences(parser(__doc__).parse_args().data / "legal_corpus" / "train.txt")
    characters = sum(map(len, sentences))
    known = sorted({character for text in sentences for character in text if character.strip()})
    vocabulary = Vocabulary([*RESERVED, *known])
    rows = []
    for style in ("word", "char", "wordpiece"):
        tokenizer = make_tokenizer(style, vocabulary=vocabulary)
        row = {"style": style, "characters": f"{characters:,}"}
        for name, word_starts in (("without", False), ("with", True)):
            if style == "word" and word_starts:
                row[name] = ""
                continue
            seconds = processor_seconds(tokenizer, sentences, word_starts=word_starts)
            row[name] = f"{characters / seconds / 1e6:.2f}"
        rows.append(row)
    print(markdown(rows))


def first_sentences(path: Path) -> list[str]:
    """The sentences of the first million characters of a file."""
    with path.open(encoding="utf-8") as file:
        return split_sentences(file.read(CHARACTERS))


def processor_seconds(tokenizer: Tokenizer, texts: list[str], *, word_starts: bool) -> float:
    """The time of this process for tokenizing the texts, after a few of them."""
    tokenizer.index(texts[:100], word_starts=word_starts)
    begin = time.process_time()
    tokenizer.index(texts, word_starts=word_starts)
    return time.process_time() - begin


if __name__ == "__main__":
    main()
