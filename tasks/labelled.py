"""The part of a task that reads labelled files."""

from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from common.errors import OptionError
from data_util.reading.settings import Reading
from tasks.data import DataSettings, Files, TaskData

if TYPE_CHECKING:
    from data_util.labelled.split_examples import SplitExample


class Labelled:
    """What makes batches of labelled files: see `tasks.base.Task`.

    Attributes:
        name: of the task.
        data_module: a module with the functions `prepare_data`, `evaluation_data` and
            `split_examples`, which the methods call; it may import what prediction does without,
            and is imported when it is needed. A task without one has the methods itself.
    """

    name: ClassVar[str]
    data_module: ClassVar[str] = ""

    @classmethod
    def prepare(cls, files: Files, settings: DataSettings, options: Any) -> TaskData:
        """Reads the labelled files.

        Args:
            files: those of "train", "valid" and, if there is one, "test".
            settings: how to read them.
            options: include the task's own options.

        Raises:
            InputError, OptionError: the files or the options cannot be used.
        """
        if not cls.data_module:
            raise NotImplementedError
        return import_module(cls.data_module).prepare_data(cls, files, settings, options)

    @classmethod
    def split_examples(
        cls, files: Sequence[Path], reading: Reading, max_examples: int | None
    ) -> "Iterator[SplitExample]":
        """Reads labelled examples, of which a part is held out for validation or for a test.

        Args:
            files: the labelled files.
            reading: how to read them.
            max_examples: the most examples to read; None: all.

        Raises:
            InputError: the files cannot be used.
            OptionError: this task cannot do it.
        """
        if not cls.data_module:
            raise OptionError(
                f"the task {cls.name} holds no examples out of its training files: name files of "
                "their own with --valid_data_file and --test_data_file."
            )
        return import_module(cls.data_module).split_examples(files, reading, max_examples)

    def labelled(self, files: Sequence[str], settings: DataSettings) -> TaskData:
        """Reads labelled files to measure a fine-tuned checkpoint on them.

        The truth is never truncated: what the checkpoint cannot predict counts as missed.

        Args:
            files: their examples become the split "test".
            settings: those of the checkpoint, and how to read the files.

        Raises:
            InputError: the files cannot be used.
            OptionError: this task cannot do it.
        """
        if not self.data_module:
            raise OptionError(f"the task {self.name} cannot be evaluated on further files.")
        return import_module(self.data_module).evaluation_data(self, files, settings)
