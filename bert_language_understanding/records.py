"""From what a Python program has, texts and tuples and dicts, to the records of a task."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from common.errors import InputError
from data_util.reading.text_pairs import Text

# A text; several texts, in the order of the task's fields; or texts by field.
One = str | tuple[Any, ...] | Mapping[str, Any]


def listed(given: One | Iterable[One]) -> tuple[list[One], bool]:
    """The inputs as a list, and whether it is only one input that was given.

    Args:
        given: one input, or several: any iterable, such as a list, a generator or a column of a
            table.

    Raises:
        InputError: it is neither.
    """
    if isinstance(given, str | tuple | Mapping):
        return [given], True
    if hasattr(given, "columns"):
        raise InputError("this is a whole table: give one of its columns, table['name']")
    if isinstance(given, bytes | bytearray) or not isinstance(given, Iterable):
        raise InputError(f"a text (str) or a list of texts is needed, not {type(given).__name__}")
    return list(given), False


def record_of(
    one: One,
    fields: Mapping[str, Any],
    make: Callable[[Mapping[str, Any]], Any],
    place: str,
    defaults: Mapping[str, Any] | None = None,
) -> Any:
    """The record of one input.

    Args:
        one: the input.
        fields: those of the task's records, each a `str` or a `list[str]`; see `tasks.base.Task`.
        make: makes a record from values by field; see `tasks.base.Task.record`.
        place: of the input, for errors.
        defaults: the values of fields that a dict may lack.

    Raises:
        InputError: the task's records are of another kind, or the checkpoint can make nothing of
            this one.
    """
    if isinstance(one, Mapping):
        one = {**(defaults or {}), **one}
        if set(one) != set(fields):
            raise InputError(
                f"{place} has the keys {', '.join(map(str, one))}; this checkpoint needs "
                f"{', '.join(fields)}"
            )
        named = {name: _checked(one[name], fields[name], place) for name in fields}
        return _made(make, named, place)
    values = one if isinstance(one, tuple) else (one,)
    if len(values) != len(fields):
        raise InputError(_wrong_count(one, fields, place))
    checked = (
        _checked(value, kind, place) for value, kind in zip(values, fields.values(), strict=True)
    )
    return _made(make, dict(zip(fields, checked, strict=True)), place)


def _made(make: Callable[[Mapping[str, Any]], Any], values: Mapping[str, Any], place: str) -> Any:
    try:
        return make(values)
    except InputError as error:
        raise InputError(f"{place}: {error.message}") from None


def text_of(one: One, place: str) -> Text:
    """A text or a pair of texts.

    Args:
        one: the input.
        place: of the input, for errors.

    Raises:
        InputError: it is neither.
    """
    if not isinstance(one, tuple):
        return _checked(one, str, place)
    if len(one) != 2:
        raise InputError(f"{place} is a tuple of {len(one)}: a pair has two texts")
    first, second = (_checked(text, str, place) for text in one)
    return first, second


def _checked(value: Any, kind: Any, place: str) -> Any:
    if kind is not str:
        if isinstance(value, str) or not isinstance(value, Iterable):
            raise InputError(f"{place}: a list of texts is needed, not {type(value).__name__}")
        return [_checked(each, str, place) for each in value]
    if not isinstance(value, str):
        raise InputError(f"{place}: a text (str) is needed, not {type(value).__name__}")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"{place}: character {error.start} is half of a surrogate pair and no Unicode text: "
            "was the text decoded with the right encoding?"
        ) from None
    return value


def _wrong_count(one: One, fields: Mapping[str, Any], place: str) -> str:
    needed = f"({', '.join(fields)})"
    if isinstance(one, str):
        return f"{place} is a single text; this checkpoint needs tuples {needed}"
    if len(fields) == 1 and isinstance(one, tuple):
        return (
            f"{place} is a tuple of {len(one)}, but this checkpoint reads single texts; put "
            "several texts into a list"
        )
    what = f"a tuple of {len(one)}" if isinstance(one, tuple) else type(one).__name__
    return f"{place} is {what}; this checkpoint needs {len(fields)}: {needed}"
