"""The file `run.json`: the run to which a folder belongs, and whether it has finished."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Self

from common.files import write_whole

RUN = "run.json"
FORMAT_VERSION = 1


@dataclass(frozen=True)
class RunRecord:
    """The content of `run.json`.

        >>> RunRecord({"options": {}}, logs="pretraining-1").as_finished().finished
        True

    Attributes:
        identity: see `run_identity`.
        logs: the name of the folder of its curves.
        finished: whether the run has finished.
    """

    identity: Mapping[str, Any]
    logs: str
    finished: bool = False

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """Reads the record of a folder; returns None if there is no valid one."""
        try:
            content = json.loads((folder / RUN).read_text(encoding="utf-8"))
            known = content.pop("format_version") == FORMAT_VERSION
            record = cls(**content)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        whole = isinstance(record.identity, dict) and isinstance(record.logs, str)
        return record if known and whole and record.finished in (True, False) else None

    def write(self, folder: Path) -> None:
        """Writes `run.json` atomically."""
        content = {"format_version": FORMAT_VERSION, **asdict(self)}
        text = json.dumps(content, ensure_ascii=False, indent=2) + "\n"
        write_whole(folder / RUN, text.encode())

    def as_finished(self) -> Self:
        """Returns the record of the same run, marked as finished."""
        return replace(self, finished=True)
