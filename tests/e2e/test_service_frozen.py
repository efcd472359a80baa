"""The service is frozen (SIGSTOP): the dialplan alone takes callers to a person, and afterwards the picture is right.

All seats are in wrap-up, which only the service knows of: so callers wait in its sessions while phones are free.
"""

from __future__ import annotations

import contextlib
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest_asyncio

from sandbox.instance import Ports
from sandbox.people import Callers, Plan, Seats
from sandbox.root import Asterisk
from sandbox.scenario import Habit
from sandbox.trace import Leg
from service.cli.stage import Stage
from telephony import names
from telephony.agi.snapshot import read_snapshot
from tests.e2e import faults
from tests.e2e.machine import tolerance_s
from tests.e2e.staging import nothing_left_over, seats, timing

SEATS = [f"10{n:02d}" for n in range(1, 9)]
NUMBER = "12345"
LEASE_S = 3.0
RING_S = 0.2


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage(folder: Path, asterisk: Asterisk, ports: Ports) -> AsyncIterator[Stage]:
    edit = timing(lease_s=LEASE_S, wrap_up_s=600, ring_several_after_s=0)
    async with Stage(folder, asterisk, ports, seats=len(SEATS), edit=edit).serving() as stage:
        yield stage


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def phones(stage: Stage) -> AsyncIterator[Seats]:
    async with Seats(stage.pbx, SEATS, stage.folder / "seats", habit=Habit(ring_s=RING_S)) as phones:
        await states(stage, ready=len(SEATS))
        await stage.until(lambda: snapshot(stage) == set(SEATS), 10, "all seats in the snapshot")
        yield phones


def snapshot(stage: Stage) -> set[str]:
    """The seats that the dialplan's own script would find for our number."""
    return set(read_snapshot(str(stage.settings.data_dir / "snapshot.json"), time.time()).lines[NUMBER])


@contextlib.contextmanager
def frozen(stage: Stage) -> Iterator[float]:
    """The service stands still; gives the moment since when."""
    at = time.time()
    stage.send(signal.SIGSTOP)
    try:
        yield at
    finally:
        stage.send(signal.SIGCONT)


async def states(stage: Stage, **wanted: int) -> None:
    """Waits until the API shows exactly so many seats in each state."""

    async def so() -> bool:
        return Counter((await seats(stage)).values()) == Counter(wanted)

    await stage.until(so, 15, f"seats {wanted}")


def plans(count: int, talk_s: float | None = None, patience_s: float | None = None) -> list[Plan]:
    return [Plan(NUMBER, f"1380000{n:04d}", talk_s=talk_s, patience_s=patience_s) for n in range(count)]


async def all_talking(callers: Callers) -> list[Leg]:
    count = len(callers.plans)
    return await callers.until(lambda legs: len(legs) == count == len(callers.talking()), 20, f"{count} talking")


async def finish(callers: Callers) -> None:
    for leg in callers.talking():
        await callers.hang_up(leg)
    await callers.until_all_ended(10)


async def fallback_counted(stage: Stage, before: float, calls: int) -> None:
    async def counted() -> bool:
        return await stage.total("hotline_fallback_calls_total", stage="seats") == before + calls

    await stage.until(counted, 10, f"{calls} calls counted in the fallback")


async def test_seat_that_rang_when_the_service_froze_answers_and_is_known_afterwards(
    stage: Stage, phones: Seats
) -> None:
    await phones.become(Habit(ring_s=LEASE_S + 0.5))  # past the lease, which is lifted while a seat rings
    await states(stage, ready=len(SEATS))
    async with Callers(stage.pbx, plans(len(SEATS)), stage.folder / "rang", per_s=20) as callers:
        await phones.until(lambda _: len(phones.ringing()) == len(SEATS), 10, "all phones ring")
        with frozen(stage):
            await all_talking(callers)
        await states(stage, talking=len(SEATS))
        await finish(callers)
        told = await faults.stories(stage, callers)
    faults.told_once(told)
    faults.answer_times_agree(told)
    assert {(story.record.answered_by, story.record.fallback_stage) for story in told} == {("engine", None)}
    await states(stage, wrap_up=len(SEATS))
    await phones.become(Habit(ring_s=RING_S))


async def test_waiting_and_new_callers_reach_a_seat_within_the_lease_and_a_second(stage: Stage, phones: Seats) -> None:
    before = await stage.total("hotline_fallback_calls_total", stage="seats")
    new = Callers(stage.pbx, plans(4), stage.folder / "new", per_s=1)
    async with Callers(stage.pbx, plans(4), stage.folder / "waiting", per_s=10) as waiting:
        await waiting.until(lambda legs: len(waiting.ringing()) == 4, 10, "4 waiting")
        with frozen(stage) as since:
            await new.start()
            legs = [*await all_talking(waiting), *await all_talking(new)]
        for leg in legs:
            assert leg.answered_at is not None
            assert leg.answered_at - max(since, leg.invited_at) < LEASE_S + 1 + RING_S + tolerance_s(since), leg
        faults.never_rung_while_talking([phones])
        await states(stage, talking=len(SEATS))
        await fallback_counted(stage, before, 8)
        await finish(waiting)
        await finish(new)
        told = await faults.stories(stage, waiting, new)
    faults.told_once(told)
    faults.answer_times_agree(told)
    assert {(story.record.answered_by, story.record.fallback_stage) for story in told} == {("fallback", "seats")}
    await states(stage, wrap_up=len(SEATS))
    await nothing_left_over(stage)


async def test_calls_that_begin_and_end_while_the_service_is_frozen_are_recorded_whole(
    stage: Stage, phones: Seats
) -> None:
    before = await stage.total("hotline_fallback_calls_total", stage="seats")
    figures = await stage.metrics()
    await stage.sandbox.cli(f"dialplan set global {names.FROZEN_UNTIL} 0")  # they ask the frozen service, too
    calls = [*plans(6, talk_s=0.3), *plans(2, patience_s=1.0)]
    async with Callers(stage.pbx, calls, stage.folder / "whole") as callers:
        with frozen(stage):
            await callers.until_all_ended(20)
        told = await faults.stories(stage, callers)
    faults.told_once(told)
    faults.answer_times_agree(told[:6])
    assert [story.record.outcome for story in told] == ["answered"] * 6 + ["abandoned"] * 2
    await fallback_counted(stage, before, sum(story.record.fallback_stage == "seats" for story in told))
    counted = faults.together(await stage.metrics())
    counted.subtract(faults.together(figures))
    faults.figures_agree(counted, told, NUMBER)
    await states(stage, wrap_up=len(SEATS))
    await nothing_left_over(stage)
