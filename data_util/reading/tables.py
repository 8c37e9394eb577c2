"""Tables with a header: CSV, TSV, and Parquet."""

import csv
import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, BinaryIO

from common.errors import InputError
from data_util.reading.fields import (
    ID_FIELD,
    LABEL_FIELDS,
    PAIR_FIELDS,
    TEXT_FIELDS,
    text_fields,
)
from data_util.reading.labelled_lines import MARK
from data_util.reading.raw_lines import MAX_LINE_BYTES
from data_util.reading.settings import Reading

# A line by its number; an error is a line that cannot be decoded.
Line = tuple[int, str | InputError]
Row = tuple[int, dict[str, Any] | InputError]

PARQUET = b"PAR1"
_DELIMITERS = {".csv": (",", ";", "\t"), ".tsv": ("\t",), ".tab": ("\t",)}
ENDINGS = tuple(_DELIMITERS)
_ANY_DELIMITER = ("\t", ",", ";")
# Columns that tables have beside text and labels; "" is pandas' index.
_OTHERS = ("", ID_FIELD, "idx", "index", "split")
_ROWS_TOGETHER = 1000
csv.field_size_limit(MAX_LINE_BYTES)


def delimiter_of(
    line: str, ending: str, reading: Reading, kinds: Sequence[Sequence[str]] = ()
) -> str | None:
    """What separates the columns, if this first line of a file is the header of a table.

    Without an ending that says so, a line is a header only if every column is one that tables of
    texts have, or if it has all columns that `reading` names. With the ending of tab-separated
    values and `reading.pairs`, a line of two texts is no header either.

        >>> delimiter_of("id,text,label", "", Reading())
        ','

    Args:
        line: the first one that is not blank.
        ending: of the file's name, such as ".csv", or "".
        reading: may name the columns.
        kinds: for each kind of table all its columns; without any, a table is one of texts.

    Raises:
        InputError: the ending is that of a table, but no column is that of a text.
    """
    if MARK in line:
        return None
    delimiters = _DELIMITERS.get(ending, _ANY_DELIMITER)
    if kinds:
        return _delimiter_of_kind(line, ending, delimiters, kinds)
    for delimiter in delimiters:
        columns = columns_of(line, delimiter)
        names = _known(columns, reading)
        try:
            wanted = text_fields(names, reading)
        except InputError:
            continue
        found = [field for field in wanted if field in names]
        if ending in _DELIMITERS:
            if found and (len(found) == len(wanted) or not reading.text_field):
                return delimiter
        elif len(columns) > 1 and len(found) == len(wanted):
            others = {*_OTHERS, *TEXT_FIELDS, *LABEL_FIELDS, reading.label_field, *wanted}
            if reading.text_field or set(names) <= others:
                return delimiter
    if ending not in _DELIMITERS:
        return None
    if reading.pairs and delimiters == ("\t",) and line.count("\t") == 1:
        return None  # Two texts with a tab between them, as people write them without a header.
    columns = max((columns_of(line, delimiter) for delimiter in delimiters), key=len)
    wanted = reading.text_field or (*TEXT_FIELDS, " and ".join(PAIR_FIELDS[0]))
    raise InputError(
        f"a {ending} file is a table with a header, but none of the columns "
        f"({', '.join(repr(name)[1:-1][:40] for name in columns[:10])}) is named "
        f"{' or '.join(wanted)}: name the right ones with --text_field=NAME and "
        "--label_field=NAME. If this line is data, put the names of the columns above it; if this "
        "is no table, give the file another ending, such as .txt"
    )


def _delimiter_of_kind(
    line: str, ending: str, delimiters: Sequence[str], kinds: Sequence[Sequence[str]]
) -> str | None:
    for delimiter in delimiters:
        names = {name.casefold() for name in columns_of(line, delimiter)}
        if any(names.issuperset(map(str.casefold, kind)) for kind in kinds):
            return delimiter
    if ending not in _DELIMITERS:
        return None
    wanted = " or ".join(" and ".join(kind) for kind in kinds)
    raise InputError(f"the first line of a {ending} file must name its columns: {wanted}")


def columns_of(line: str, delimiter: str) -> list[str]:
    """The cells of one line."""
    try:
        return [cell.strip() for cell in _split(line, delimiter)]
    except csv.Error:
        return []


def _split(line: str, delimiter: str) -> list[str]:
    if delimiter == "\t":
        return [_unquoted(cell) for cell in line.split("\t")]
    return next(csv.reader([line], delimiter=delimiter, strict=True))


def read_table(
    lines: Iterator[Line],
    header: str,
    delimiter: str,
    reading: Reading,
    names: Sequence[str] = (),
) -> Iterator[Row]:
    """Reads the rows below a header, each as a dict by the names of the columns.

    CSV is as in RFC 4180: quoted cells may have line breaks. In TSV a line is a row, and quotes
    around a cell are dropped.

    Args:
        lines: those below the header.
        header: the first line.
        delimiter: what separates the columns.
        reading: may name the columns.
        names: of the columns that are looked for; without any, those of texts and labels.

    Yields:
        The line where each row begins, and the row, or what is wrong with it. A blank line is `{}`.

    Raises:
        InputError: the rest of the table cannot be read; with the line, without the path.
    """
    columns = _known(columns_of(header, delimiter), reading, names)
    first, second = PAIR_FIELDS[0]
    if not names:
        if first in columns and second not in columns and not reading.text_field:
            # As BERT's own tables have it: only pairs have a second text.
            columns[columns.index(first)] = TEXT_FIELDS[1]
        names = (*text_fields(columns, reading), reading.label_field, *LABEL_FIELDS)
    for name in names:
        if columns.count(name) > 1:
            raise InputError(f"the column {name} is there twice: rename one")
    for number, cells in _rows(lines, delimiter):
        if isinstance(cells, InputError):
            yield number, cells
        elif not cells:
            yield number, {}
        elif len(cells) != len(columns):
            yield (
                number,
                InputError(
                    f"{len(cells)} columns, but the header has {len(columns)}: {_advice(delimiter)}"
                ),
            )
        else:
            yield number, dict(zip(columns, cells, strict=True))


def _advice(delimiter: str) -> str:
    if delimiter == "\t":
        return "a text cannot contain a tab or a line break here; write CSV, with quotes, instead"
    return f"a text that contains {delimiter!r} must be in double quotes"


def _rows(lines: Iterator[Line], delimiter: str) -> Iterator[tuple[int, list[str] | InputError]]:
    if delimiter == "\t":
        for number, line in lines:
            if isinstance(line, InputError):
                yield number, line
            else:
                yield number, _split(line, delimiter) if line.strip() else []
        return
    source = _CsvLines(lines)
    reader = csv.reader(source, delimiter=delimiter, strict=True)
    while True:
        source.begin = None
        try:
            cells = next(reader)
        except StopIteration:
            return
        except InputError as error:
            yield source.row, error
        except csv.Error as error:
            begin = source.row
            # With an open quote, the rest of the file would be one cell.
            raise InputError(
                f"not CSV: {error}: is a quote not closed, or not doubled within a text?",
                None,
                begin,
            ) from None
        else:
            yield source.row, cells


class _CsvLines:
    """Lines for `csv.reader`, which remembers where a row begins."""

    def __init__(self, lines: Iterator[Line]) -> None:
        self._lines = lines
        self.begin: int | None = None
        self._last = 1

    @property
    def row(self) -> int:
        """The line where the current row begins, even if it cannot be read."""
        return self.begin or self._last + 1

    def __iter__(self) -> "_CsvLines":
        return self

    def __next__(self) -> str:
        number, line = next(self._lines)
        self.begin, self._last = self.begin or number, number
        if isinstance(line, InputError):
            raise line
        return line + "\n"


def read_parquet(stream: BinaryIO) -> Iterator[dict[str, Any]]:
    """Reads the rows of a Parquet file, some at a time.

    Where Hugging Face's metadata say what the numbers of a column stand for, they become names;
    -1, which stands for no label there, becomes None.

    Args:
        stream: a file that can be rewound.

    Raises:
        InputError: pyarrow is missing, or the file is damaged.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise InputError(
            "this is a Parquet file, which needs a package: pip install pyarrow, or save it as CSV"
        ) from None
    try:
        file = pyarrow.parquet.ParquetFile(stream)
        names = _class_names(file.schema_arrow.metadata or {})
        for batch in file.iter_batches(batch_size=_ROWS_TOGETHER):
            for row in batch.to_pylist():
                for column, classes in names.items():
                    row[column] = _named(row.get(column), classes)
                yield row
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"this Parquet file is damaged: {reason:.200}") from None


def _class_names(metadata: dict[bytes, bytes]) -> dict[str, Sequence[str]]:
    try:
        features = json.loads(metadata[b"huggingface"])["info"]["features"]
        return {
            column: feature["names"]
            for column, feature in features.items()
            if isinstance(feature, dict) and feature.get("_type") == "ClassLabel"
        }
    except (KeyError, TypeError, ValueError, AttributeError):
        return {}


def _named(value: Any, classes: Sequence[str]) -> Any:
    if type(value) is not int:
        return value
    return classes[value] if 0 <= value < len(classes) else None if value == -1 else value


def _known(columns: Iterable[str], reading: Reading, names: Sequence[str] = ()) -> list[str]:
    """The names of the columns, those that are looked for as they are spelled here."""
    wanted: Collection[str] = (
        *names,
        *reading.text_field,
        reading.label_field,
        *TEXT_FIELDS,
        *(name for pair in PAIR_FIELDS for name in pair),
        *LABEL_FIELDS,
        ID_FIELD,
    )
    spelled = {name.casefold(): name for name in reversed(tuple(wanted))}
    return [name if name in wanted else spelled.get(name.casefold(), name) for name in columns]


def _unquoted(cell: str) -> str:
    inner = cell[1:-1]
    if len(cell) > 1 and cell[0] == cell[-1] == '"' and '"' not in inner.replace('""', ""):
        return inner.replace('""', '"')
    return cell
