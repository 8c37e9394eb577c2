"""The predictions that SQuAD's and CMRC's own evaluation scripts read."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from common.errors import InputError
from tasks.formats import ResultFormat

if TYPE_CHECKING:
    from tasks.base import Task


class SquadFormat(ResultFormat):
    """One JSON object: the answer by the question's id, "" where there is none.

    A question without an id is called by its number among the lines of the input, from 1. Blank
    lines and wrong ones are left out.
    """

    def __init__(self, task: "Task") -> None:
        super().__init__(task)
        self._lines = 0
        self._ids: set[str] = set()

    def line(self, record: Any, result: Mapping[str, Any]) -> str:
        """See `ResultFormat.line`.

        Raises:
            InputError: an id is there twice.
        """
        self._lines += 1
        if record is None and (result.get("id") is None or "error" in result):
            return ""
        key = str(result.get("id", self._lines))
        if key in self._ids:
            raise InputError(
                f"the id {key!r:.80} is there twice, and with --output_format=squad one of the "
                "answers would be lost: use jsonl"
            )
        begin = ",\n " if self._ids else "{\n "
        self._ids.add(key)
        answer = json.dumps(result["answer"] or "", ensure_ascii=False)
        return f"{begin}{json.dumps(key, ensure_ascii=False)}: {answer}"

    def end(self) -> str:
        """See `ResultFormat.end`."""
        return "\n}\n" if self._ids else "{}\n"
