"""Writes a checkpoint's token vectors in word2vec's text format, which gensim and others read.

python -m conversion.word_vectors CKPT_DIR vectors.txt

The first line has the number of tokens and of values; each further line has a token and its values,
separated by single spaces (https://code.google.com/archive/p/word2vec/, `-binary 0`).
"""

import logging
from pathlib import Path

import numpy as np

from common.whole_files import whole_file
from training.command_line import run
from training.options.vectors import WordVectorsOptions

logger = logging.getLogger(__name__)


def write_word_vectors(options: WordVectorsOptions) -> int:
    """Writes one line per token of the vocabulary, in its order; the file is whole or absent.

    The values are those of the token embedding, with as many digits as float32 needs.

    Returns:
        The number of tokens.

    Raises:
        CheckpointError: the checkpoint cannot be used.
        OptionError: the output cannot be a file.
    """
    # Imported here, so that `--help` is fast.
    from training.runs.output_checks import check_output_file
    from training.vectors import TextVectors

    output = options.output
    check_output_file("output", output)
    vectors = TextVectors.load(Path(options.ckpt_dir))
    tokens = vectors.text.vocabulary.tokens
    # The table may have rows that the vocabulary does not use.
    table = np.asarray(vectors.backbone.token_embedding.embeddings, np.float32)[: len(tokens)]
    with whole_file(output) as file:
        file.write(f"{len(tokens)} {table.shape[1]}\n".encode())
        for token, row in zip(tokens, table, strict=True):
            file.write(f"{token} {' '.join(map(str, row))}\n".encode())
    logger.info("wrote %s: %s vectors of %d values", output, f"{len(tokens):,}", table.shape[1])
    return len(tokens)


def main() -> None:
    """Runs the command."""
    run(write_word_vectors, WordVectorsOptions, "Write token vectors in word2vec's text format.")


if __name__ == "__main__":
    main()
