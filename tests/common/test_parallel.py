import math
import operator
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from common.errors import InputError, UserError
from common.parallel import ordered_map

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("processes", [0, 1, 2])
def test_results_come_in_the_order_of_the_items(processes: int) -> None:
    items = list(range(50))
    assert list(ordered_map(operator.neg, items, processes)) == [-item for item in items]


@pytest.mark.parametrize("count", [0, 1])
def test_few_items_need_no_processes(count: int) -> None:
    assert list(ordered_map(_own_process, range(count), 2)) == [os.getpid()] * count


def _own_process(item: int) -> int:
    return os.getpid()


@pytest.mark.parametrize(("processes", "ahead"), [(1, 4), (2, 1), (2, 4)])
def test_items_are_taken_only_as_results_are_asked_for(processes: int, ahead: int) -> None:
    taken = []

    def items() -> Iterator[int]:
        for item in range(1000):
            taken.append(item)
            yield item

    results = ordered_map(operator.neg, items(), processes, chunks_ahead=ahead)
    for count in range(1, 20):
        next(results)
        assert len(taken) <= count + processes * ahead + 1
    results.close()


@pytest.mark.parametrize("processes", [1, 2])
def test_an_exception_of_a_worker_arrives_as_it_is(processes: int) -> None:
    results = ordered_map(math.sqrt, [4.0, 9.0, -1.0, 16.0], processes)
    assert [next(results), next(results)] == [2.0, 3.0]
    with pytest.raises(ValueError):
        next(results)


@pytest.mark.parametrize("processes", [1, 2])
def test_an_exception_of_the_items_arrives_as_it_is(processes: int) -> None:
    def items() -> Iterator[int]:
        yield from range(5)
        raise InputError("not text", path="file.txt", line=6)

    with pytest.raises(InputError, match=r"file\.txt:6: not text"):
        list(ordered_map(operator.neg, items(), processes))


@pytest.mark.parametrize("processes", [1, 2])
def test_the_initializer_runs_in_each_process(processes, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path.parent)
    names = ordered_map(
        os.path.abspath, ["a", "b", "c"], processes, initializer=os.chdir, initargs=(tmp_path,)
    )
    assert list(names) == [str(tmp_path / name) for name in "abc"]


def test_a_process_that_dies_is_a_clear_error() -> None:
    with pytest.raises(UserError, match="--process_num=1"):
        list(ordered_map(os._exit, [1, 1, 1], 2))


WAITING = """
import os, time
from common.parallel import ordered_map

def wait(seconds):
    print(os.getpid(), flush=True)
    time.sleep(seconds)

if __name__ == "__main__":
    list(ordered_map(wait, [600, 600], 2))
"""


def test_workers_end_with_a_parent_that_is_killed(tmp_path) -> None:
    (tmp_path / "waiting.py").write_text(WAITING)
    parent = subprocess.Popen(
        [sys.executable, str(tmp_path / "waiting.py")],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    workers = [int(parent.stdout.readline()) for _ in range(2)]
    assert parent.pid not in workers
    parent.kill()
    # The end of the pipe: nobody can write to it any more.
    assert parent.communicate(timeout=60) == (b"", None)
