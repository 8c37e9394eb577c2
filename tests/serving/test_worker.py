import asyncio
import threading

import pytest

from serving.worker import Worker


def test_results_errors_and_order():
    async def use():
        worker = Worker("test")
        results = await asyncio.gather(*(worker.run(pow, number, 2) for number in range(5)))
        with pytest.raises(ZeroDivisionError):
            await worker.run(divmod, 1, 0)
        return results, await worker.stop(5)

    assert asyncio.run(use()) == ([0, 1, 4, 9, 16], True)


def test_work_that_does_not_end_is_left_behind_and_what_nobody_waits_for_is_skipped():
    hold, done = threading.Event(), []

    async def use():
        worker = Worker("test")
        first = asyncio.create_task(worker.run(hold.wait, 60))
        second = asyncio.create_task(worker.run(done.append, 2))
        await asyncio.sleep(0.01)
        second.cancel()
        assert not await worker.stop(0.05)
        hold.set()
        assert await first
        assert await worker.stop(5)

    asyncio.run(use())
    assert done == []


def test_a_worker_that_never_worked():
    assert asyncio.run(Worker("test").stop(0))
