"""The labelled files of a classification: checked, and held out in part."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from data_util.reading.settings import Reading
from tasks.base import Task

if TYPE_CHECKING:
    from data_util.labelled.checked_examples import Checked
    from data_util.labelled.split_examples import SplitExample
    from data_util.labelled.troubles import TroubleFinder


class LabelledDocuments(Task):
    """Reads labelled documents for more than training."""

    unit: str = "documents"

    @classmethod
    def split_examples(
        cls, files: Sequence[Path], reading: Reading, max_examples: int | None
    ) -> "Iterator[SplitExample]":
        """See `Task.split_examples`."""
        from data_util.labelled.split_examples import labelled_documents

        return labelled_documents(files, reading, max_examples)

    @classmethod
    def check_examples(cls, path: Path, reading: Reading) -> "Iterator[Checked]":
        """See `Task.check_examples`."""
        from data_util.labelled.checked_examples import check_documents

        return check_documents(path, reading)

    @classmethod
    def check_advice(
        cls, labels_per_example: Counter[int], finder: "TroubleFinder"
    ) -> Sequence[str]:
        """Which of the tasks of classification fits, and what becomes of unlabelled documents."""
        unlabelled, documents = labels_per_example[0], labels_per_example.total()
        if finder.one_label_each:
            return ["Each document has exactly one label: --task=multi_class learns to choose one."]
        if unlabelled == documents:
            return [
                "No document has a label: as files for pre-training, check them with --free_text; "
                "files of another task with --task=NAME."
            ]
        if unlabelled:
            return [
                f"{unlabelled:,} documents have no labels: with --task=multi_label they are "
                "examples of none; --task=multi_class cannot use them."
            ]
        if max(labels_per_example) > 1:
            return ["Some documents have several labels: use --task=multi_label."]
        return []
