"""`run.json`: which run a folder belongs to, and whether that run has finished."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Self

from common.errors import InputError
from common.files import read_json, to_json, write_whole

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
            content = read_json(folder / RUN, "the record of a run")
            known = content.pop("format_version") == FORMAT_VERSION
            record = cls(**content)
        except (InputError, KeyError, TypeError):
            return None
        whole = isinstance(record.identity, dict) and isinstance(record.logs, str)
        return record if known and whole and record.finished in (True, False) else None

    def write(self, folder: Path) -> None:
        """Writes `run.json`, whole or not at all."""
        content = {"format_version": FORMAT_VERSION, **asdict(self)}
        write_whole(folder / RUN, to_json(content))

    def as_finished(self) -> Self:
        """The record of the same run at its end."""
        return replace(self, finished=True)
