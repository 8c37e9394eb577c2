"""A file with the results of many runs, so that completed runs are not repeated."""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any


class Results:
    """A file of `{"setting": {...}, "result": {...}}` lines, one for each completed run.

    Args:
        path: the file; created with the first result. An incomplete last line, such as after a
            kill, is removed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._results: dict[str, dict[str, Any]] = {}
        if not path.exists():
            return
        whole = path.read_bytes().rpartition(b"\n")[0]
        os.truncate(path, len(whole) + bool(whole))
        for line in whole.decode("utf-8").splitlines():
            entry = json.loads(line)
            self._results[_key(entry["setting"])] = entry

    def once(
        self, setting: Mapping[str, Any], run: Callable[[], Mapping[str, Any]]
    ) -> dict[str, Any]:
        """Returns the result of `setting` from the file, or calls `run` and stores its result."""
        key = _key(setting)
        if key not in self._results:
            entry = {"setting": dict(setting), "result": dict(run())}
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(entry, ensure_ascii=False) + "\n")
                file.flush()
                os.fsync(file.fileno())
            self._results[key] = entry
        return self._results[key]["result"]

    def get(self, setting: Mapping[str, Any]) -> dict[str, Any] | None:
        """Returns the result of `setting`, or None if it has not been run."""
        entry = self._results.get(_key(setting))
        return None if entry is None else entry["result"]


def _key(setting: Mapping[str, Any]) -> str:
    return json.dumps(setting, sort_keys=True, ensure_ascii=False)
