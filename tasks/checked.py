"""The part of a task that checks labelled files."""

from collections import Counter
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from common.errors import OptionError
from data_util.reading.settings import Reading

if TYPE_CHECKING:
    from data_util.labelled.checked_examples import Checked
    from data_util.labelled.troubles import TroubleFinder


class CheckedFiles:
    """What finds everything that is wrong with labelled files: see `tasks.base.Task`.

    Attributes:
        name: of the task.
        data_module: see `tasks.labelled.Labelled`; it has a function `check_examples`.
        unit: what an example is called, in the plural.
        truth: what is learned from it, in the plural: "labels", "entities", "answers".
    """

    name: ClassVar[str]
    data_module: ClassVar[str] = ""
    unit: str = "examples"
    truth: ClassVar[str] = "labels"

    @classmethod
    def check_examples(cls, path: Path, reading: Reading) -> "Iterator[Checked]":
        """Reads the examples of a labelled file, and goes past those that are wrong.

        Args:
            path: the file.
            reading: how to read it.

        Raises:
            InputError: of a line, where the file cannot be read further.
            OptionError: this task cannot do it.
        """
        if not cls.data_module:
            raise OptionError(f"files of the task {cls.name} cannot be checked.")
        return import_module(cls.data_module).check_examples(path, reading)

    @classmethod
    def check_advice(
        cls, labels_per_example: Counter[int], finder: "TroubleFinder"
    ) -> Sequence[str]:
        """Sentences about how to learn from the files that were checked.

        Args:
            labels_per_example: number of examples by number of labels.
            finder: has seen all examples.
        """
        return ()
