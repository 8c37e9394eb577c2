"""Finds the documents of a file that are most similar to a text."""

from training.command_line import run
from training.options.vectors import SimilarOptions


def similar(options: SimilarOptions) -> int:
    """Writes the most similar documents; returns the number of texts that were searched for."""
    # Imported here, so that `--help` is fast.
    from training.similarity import find_similar

    return find_similar(options)


def main() -> None:
    """Runs the command."""
    run(similar, SimilarOptions, "Find the documents that are most similar to a text.")


if __name__ == "__main__":
    main()
