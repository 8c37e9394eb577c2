import asyncio
import threading
import time

import pytest

from serving.batching import MicroBatcher, QueueFullError


def run(make, use):
    """Runs the coroutine function `use` on a started batcher."""

    async def main():
        batcher = make()
        batcher.start()
        try:
            return await asyncio.wait_for(use(batcher), 30)
        finally:
            await batcher.stop()

    return asyncio.run(main())


def squares(batches, hold=None):
    def score(items):
        batches.append(list(items))
        if hold is not None:
            hold.wait(20)
        return [item * item for item in items]

    return score


def test_requests_that_wait_go_together_and_each_gets_its_own():
    batches = []

    async def use(batcher):
        return await asyncio.gather(*(batcher.submit([n, n + 100]) for n in range(5)))

    results = run(
        lambda: MicroBatcher(squares(batches), max_batch_size=4, max_wait=0.2, max_queue=99), use
    )
    assert results == [[n * n, (n + 100) ** 2] for n in range(5)]
    assert [len(batch) for batch in batches] == [4, 4, 2]
    assert sorted(item for batch in batches for item in batch) == sorted(
        [*range(5), *range(100, 105)]
    )


def test_one_alone_waits_no_longer_than_asked():
    batches = []
    run(
        lambda: MicroBatcher(squares(batches), max_batch_size=4, max_wait=0.01, max_queue=9),
        lambda batcher: batcher.submit([3]),
    )
    assert batches == [[3]]


def test_a_batch_size_of_one_switches_it_off():
    batches = []

    async def use(batcher):
        return await asyncio.gather(*(batcher.submit([n]) for n in range(5)))

    # It would wait for an hour.
    run(lambda: MicroBatcher(squares(batches), max_batch_size=1, max_wait=3600, max_queue=9), use)
    assert batches == [[n] for n in range(5)]


def test_a_full_queue_takes_nothing_more():
    batches, hold = [], threading.Event()

    async def use(batcher):
        first = asyncio.create_task(batcher.submit([1]))
        while not batches:
            await asyncio.sleep(0.001)
        second = asyncio.create_task(batcher.submit([2, 3]))
        await asyncio.sleep(0.01)
        assert batcher.waiting == 2
        with pytest.raises(QueueFullError):
            await batcher.submit([4, 5])
        third = asyncio.create_task(batcher.submit([6]))
        await asyncio.sleep(0.01)
        hold.set()
        return await asyncio.gather(first, second, third)

    results = run(
        lambda: MicroBatcher(squares(batches, hold), max_batch_size=1, max_wait=0, max_queue=3), use
    )
    assert results == [[1], [4, 9], [36]]


def test_a_failure_is_that_of_its_batch_alone():
    def score(items):
        if 0 in items:
            raise ValueError("zero")
        return items

    async def use(batcher):
        failed = await asyncio.gather(batcher.submit([0]), return_exceptions=True)
        return failed, await batcher.submit([7])

    failed, later = run(lambda: MicroBatcher(score, max_batch_size=4, max_wait=0, max_queue=9), use)
    assert isinstance(failed[0], ValueError)
    assert later == [7]


def test_too_few_results_are_a_failure():
    with pytest.raises(ValueError, match="zip"):
        run(
            lambda: MicroBatcher(lambda items: [], max_batch_size=4, max_wait=0, max_queue=9),
            lambda batcher: batcher.submit([1]),
        )


def test_what_nobody_waits_for_is_not_scored():
    batches, hold = [], threading.Event()

    async def use(batcher):
        first = asyncio.create_task(batcher.submit([1]))
        while not batches:
            await asyncio.sleep(0.001)
        gone = asyncio.create_task(batcher.submit([2]))
        await asyncio.sleep(0.01)
        gone.cancel()
        last = asyncio.create_task(batcher.submit([3]))
        await asyncio.sleep(0.01)
        hold.set()
        await asyncio.gather(first, last)

    run(
        lambda: MicroBatcher(squares(batches, hold), max_batch_size=1, max_wait=0, max_queue=9), use
    )
    assert batches == [[1], [3]]


def test_scoring_does_not_hold_up_the_event_loop():
    def score(items):
        time.sleep(0.2)
        return items

    async def use(batcher):
        task, turns = asyncio.create_task(batcher.submit([1])), 0
        while not task.done():
            await asyncio.sleep(0.001)
            turns += 1
        return turns

    assert run(lambda: MicroBatcher(score, max_batch_size=1, max_wait=0, max_queue=9), use) > 5
