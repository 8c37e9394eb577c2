"""Records and results as the rows of a table."""

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar


class Tabular:
    """The part of a task that names the columns of its records and results.

    Attributes:
        fields: those of a record, see `tasks.base.Task`.
        defaults: the values of those fields that a record may lack.
        result_type: a dataclass that describes a result.
    """

    fields: Mapping[str, Any] = {"text": str}
    defaults: ClassVar[Mapping[str, Any]] = {}
    result_type: ClassVar[type]

    def values(self, record: Any) -> dict[str, Any]:
        """The `fields` of a record: the inverse of `Task.record`."""
        if len(self.fields) == 1:
            return dict.fromkeys(self.fields, record)
        return dict(zip(self.fields, record, strict=True))

    def columns(self, top_k: int = 0) -> list[str]:
        """The names of a result's columns in a table."""
        return [field.name for field in dataclasses.fields(self.result_type)]

    def cells(self, result: Mapping[str, Any], top_k: int = 0) -> list[Any]:
        """The values of `columns` for a result; None where there is none."""
        return [result.get(name) for name in self.columns(top_k)]
