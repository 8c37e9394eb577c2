"""Reads labelled examples of any kind, given a function that parses one record.

Lines, tables and JSON, compressed or not, are told apart by `data_util.reading.records`; what a
record means is the business of the task.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, BinaryIO, Generic, TypeVar

from common.errors import InputError
from data_util.reading.documents import log_once
from data_util.reading.fields import json_value
from data_util.reading.records import DEFAULT_FORM, Form, Records
from data_util.reading.settings import Reading
from data_util.reading.sources import AnyPath, sources

Example = TypeVar("Example")
# A line of text, or a record: a JSON object, a row of a table, an array if the form allows it.
Given = str | dict[str, Any] | list[Any]


class ExampleReader(Generic[Example]):
    """Reads the examples of files and streams.

    Args:
        parse: gives the examples of a record, of which there may be several; it raises an
            `InputError` without a path for one that is wrong.
        reading: how to read.
        form: what the records look like.

    Attributes:
        kind: what the last stream was taken for; "" before its first example.
    """

    kind = ""

    def __init__(
        self,
        parse: Callable[[Given], Sequence[Example]],
        reading: Reading,
        form: Form = DEFAULT_FORM,
    ) -> None:
        self._parse, self._reading, self._form = parse, reading, form

    def stream(
        self, stream: BinaryIO, name: str
    ) -> Iterator[tuple[int, Example | InputError | None]]:
        """The examples of a stream, which is never read further than they are consumed.

        Yields:
            The line where the record begins, and the example, or what is wrong; None for a blank
            line.

        Raises:
            InputError: the rest of the stream cannot be read.
        """
        records = Records(stream, name, self._reading, self._form)
        is_json: bool | None = None
        self.kind = ""
        for number, item in records:
            if isinstance(item, InputError):
                yield number, item
                continue
            if isinstance(item, str):
                if not item or item.isspace():
                    yield number, None
                    continue
                if is_json is None:
                    is_json = item.lstrip().startswith("{")
            try:
                given = _json(item) if isinstance(item, str) and is_json else item
                examples = self._parse(given)
            except InputError as error:
                yield number, InputError(error.message, name, number)
                continue
            if not self.kind:
                kind = records.kind or ("JSON lines" if is_json else "plain text")
                self.kind = f"{records.compression}, {kind}" if records.compression else kind
                log_once(f"{name}: {self.kind}")
            yield from ((number, example) for example in examples)

    def files(
        self, paths: Iterable[AnyPath], max_examples: int | None = None
    ) -> Iterator[tuple[str, int, Example]]:
        """The examples of files, one by one: the path, the line and the example.

        Args:
            paths: files, folders and patterns, see `data_util.reading.sources`.
            max_examples: the most examples to read, of all files together.

        Raises:
            InputError: a file cannot be read, a line is wrong, or there is no example in a file;
                the message names the file and the line.
        """
        return islice(self._files(paths), max_examples)

    def _files(self, paths: Iterable[AnyPath]) -> Iterator[tuple[str, int, Example]]:
        for source in sources(paths):
            name, empty = str(source.path), True
            with source.path.open("rb") as file:
                for number, example in self.stream(file, name):
                    if isinstance(example, InputError):
                        raise example
                    if example is not None:
                        empty = False
                        yield name, number, example
            if empty:
                raise InputError("there is no example in this file, only blank lines", name)


def _json(line: str) -> Any:
    record = json_value(line, "not JSON")
    if not isinstance(record, dict):
        raise InputError("a JSON object is expected here")
    return record
