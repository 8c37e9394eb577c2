"""The contract of an output format of predict.py that belongs to a task."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tasks.base import Task


class ResultFormat:
    """Turns results into text, one by one; `Task.formats` lists those of a task by name.

    What is written is `line` for each line of the input, and `end` after the last one.

    Args:
        task: the task.
    """

    def __init__(self, task: "Task") -> None:
        self.task: Any = task

    def line(self, record: Any, result: Mapping[str, Any]) -> str:
        """The text for a line of the input.

        Args:
            record: the record; None where a line has none, or is wrong.
            result: its result, with the "id" that the input gives, if any, and with an "error"
                where the line is wrong.
        """
        raise NotImplementedError

    def end(self) -> str:
        """The text after the last line."""
        return ""
