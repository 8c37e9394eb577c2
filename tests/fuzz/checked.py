"""The check of the files of every task: any bytes are examples, or errors with their lines."""

from common.errors import InputError
from data_util.labelled.checked_examples import CheckedExample
from data_util.reading.settings import Reading
from tasks.registry import TASKS
from tests.fuzz import examples, files
from tests.fuzz.scratch import folder

ENDINGS = ("txt", "csv", "tsv", "json")
_FOLDER = folder()
_MOST = 1000


def seeds() -> list[bytes]:
    """A file of pairs, which each task reads in its own way, and the other targets' files."""
    pairs = b"a b\tc d\n\ne\tf\n"
    table = b"source,target\na,b\n"
    others = [seed[1:] for module in (examples, files) for seed in module.seeds()[:5]]
    return [
        bytes([4 * task + ending]) + data
        for task in range(len(TASKS))
        for ending, data in ((0, pairs), (1, table), (0, others[task % len(others)]))
    ]


def one_input(data: bytes) -> None:
    """Checks the rest of the bytes as a file; the first one says of which task and ending."""
    if not data:
        return
    names = list(TASKS)
    task = TASKS[names[data[0] // 4 % len(names)]]
    path = _FOLDER / f"file.{ENDINGS[data[0] % 4]}"
    path.write_bytes(data[1:])
    try:
        for count, (line, found) in enumerate(task.check_examples(path, Reading())):
            assert line >= 1
            if isinstance(found, CheckedExample):
                _check(found)
            elif found is not None:
                assert len(found.message) < 3000
            if count > _MOST:
                return
    except InputError as error:
        assert error.path == str(path) and error.line and len(str(error)) < 3000


def _check(found: CheckedExample) -> None:
    """What holds for every example."""
    hash(found.truth)
    assert 1 <= len(found.texts) <= 2 and found.truth is not None and found.line >= 1
    for text in (*found.texts, *found.key, found.group, found.shown, *found.labels):
        text.encode()
        assert "\0" not in text
    assert all(number == number for number in found.numbers.values())
