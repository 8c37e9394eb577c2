"""The file `run.json`: the run to which a folder belongs, and whether it has finished."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Self

from common.errors import InputError
from common.files import read_json, to_json
from common.whole_files import write_whole

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
            content = read_json(folder / RUN, "the record of a run")
            known = content.pop("format_version") == FORMAT_VERSION
            record = cls(**content)
        except (InputError, KeyError, TypeError):
            return None
        whole = isinstance(record.identity, dict) and isinstance(record.logs, str)
        return record if known and whole and record.finished in (True, False) else None

    def write(self, folder: Path) -> None:
        """Writes `run.json` atomically."""
        content = {"format_version": FORMAT_VERSION, **asdict(self)}
        write_whole(folder / RUN, to_json(content))

    def as_finished(self) -> Self:
        """Returns the record of the same run, marked as finished."""
        return replace(self, finished=True)

    def as_continued(self, identity: Mapping[str, Any]) -> Self:
        """Returns the record of a run that continues with another identity."""
        return replace(self, identity=identity, finished=False)
