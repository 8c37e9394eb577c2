"""`run.json`: which run a folder belongs to, and whether that run has finished."""

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
    """What `run.json` says of a run.

    Attributes:
        identity: see `run_identity`.
        logs: the name of its folder of curves.
        finished: whether it has reached its end.
    """

    identity: Mapping[str, Any]
    logs: str
    finished: bool = False

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """The record in a folder; None where there is none that can be understood."""
        try:
            content = json.loads((folder / RUN).read_text(encoding="utf-8"))
            known = content.pop("format_version") == FORMAT_VERSION
            record = cls(**content)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        whole = isinstance(record.identity, dict) and isinstance(record.logs, str)
        return record if known and whole and record.finished in (True, False) else None

    def write(self, folder: Path) -> None:
        """Writes `run.json`, whole or not at all."""
        content = {"format_version": FORMAT_VERSION, **asdict(self)}
        text = json.dumps(content, ensure_ascii=False, indent=2) + "\n"
        write_whole(folder / RUN, text.encode())

    def as_finished(self) -> Self:
        """The record of the same run at its end."""
        return replace(self, finished=True)
