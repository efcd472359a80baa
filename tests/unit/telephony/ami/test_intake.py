from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from telephony.ami.intake import EASED, FULL, Intake


class Source:
    def __init__(self) -> None:
        self.calls: list[str] = []
        self.intake = Intake(lambda: self.calls.append("full"), lambda: self.calls.append("eased"))


@pytest.fixture
def source() -> Source:
    return Source()


@pytest_asyncio.fixture
async def running(source: Source) -> AsyncIterator[Source]:
    task = asyncio.create_task(source.intake.run())
    yield source
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def drained(source: Source) -> None:
    done = asyncio.Event()
    source.intake.put(done.set)
    await done.wait()


async def test_steps_are_taken_in_the_order_in_which_they_came(running: Source) -> None:
    taken: list[int] = []
    for number in range(100):
        running.intake.put(lambda number=number: taken.append(number))  # type: ignore[misc]
    await drained(running)
    assert taken == list(range(100))


async def test_step_that_fails_is_counted_and_the_next_is_taken(running: Source) -> None:
    running.intake.put(lambda: 1 / 0)
    await drained(running)
    assert running.intake.failures == 1


async def test_step_may_put_further_steps(running: Source) -> None:
    taken: list[str] = []
    running.intake.put(lambda: (taken.append("first"), running.intake.put(lambda: taken.append("second"))))
    await drained(running)
    await drained(running)
    assert taken == ["first", "second"]


async def test_full_queue_stops_the_source_once_and_an_eased_one_resumes_it(running: Source) -> None:
    for _ in range(FULL + 10):
        running.intake.put(int)
    assert (running.calls, running.intake.depth) == (["full"], FULL + 10)
    await drained(running)
    assert running.calls == ["full", "eased"]
    assert running.intake.longest == FULL + 11
    assert EASED < FULL


async def test_others_run_between_two_slices_of_a_long_queue(running: Source) -> None:
    turns = 0

    async def other() -> None:
        nonlocal turns
        while running.intake.depth:
            turns += 1
            await asyncio.sleep(0)

    for _ in range(FULL - 10):
        running.intake.put(lambda: sum(range(200)))
    await other()
    assert turns > 1
