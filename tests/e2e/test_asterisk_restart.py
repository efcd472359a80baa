"""Asterisk dies with calls in it and is started again: its calls are over, seats and service are back by themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from sandbox.instance import Ports
from sandbox.people import Callers, Plan, Seats
from sandbox.root import Asterisk
from service.cli.stage import Stage
from tests.e2e import faults
from tests.e2e.evidence import until_waiting
from tests.e2e.staging import nothing_left_over, seats, timing

SEATS = [f"10{n:02d}" for n in range(1, 5)]
NUMBER = "12345"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage(folder: Path, asterisk: Asterisk, ports: Ports) -> AsyncIterator[Stage]:
    async with Stage(
        folder, asterisk, ports, seats=len(SEATS), edit=timing(wrap_up_s=0, ring_several_after_s=0)
    ).serving() as stage:
        yield stage


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def phones(stage: Stage) -> AsyncIterator[Seats]:
    async with Seats(stage.pbx, SEATS, stage.folder / "seats") as phones:
        yield phones


def plans(count: int, talk_s: float | None = None) -> list[Plan]:
    return [Plan(NUMBER, f"1380000{n:04d}", talk_s=talk_s) for n in range(count)]


async def states(stage: Stage, **wanted: int) -> None:
    """Waits until the API shows exactly so many seats in each state."""

    async def so() -> bool:
        return Counter((await seats(stage)).values()) == Counter(wanted)

    await stage.until(so, 30, f"seats {wanted}")


async def test_asterisk_killed_with_calls_and_started_again_serves_again_without_any_act(
    stage: Stage, phones: Seats
) -> None:
    await states(stage, ready=4)
    figures = await stage.metrics()
    lost = Callers(stage.pbx, plans(7), stage.folder / "lost", per_s=10)
    await lost.start()
    await lost.until(lambda legs: len(legs) == 7 and len(lost.talking()) == 4, 10, "4 talking, 3 waiting")
    await states(stage, talking=4)
    await until_waiting(stage, NUMBER, 3)
    await stage.sandbox.kill()
    lost.kill()
    await stage.until(lambda: stage.sandbox.pid is None, 5)
    await stage.sandbox.restart()
    await stage.until(stage.is_ready, 20, "AMI up again")
    await states(stage, ready=4)

    told = await faults.stories(stage, lost)
    faults.told_once(told)
    faults.answer_times_agree(told[:4])
    assert [(s.record.judged, s.record.outcome, s.record.ended_by) for s in told] == [
        *[("in_time", "answered", "unknown")] * 4,
        *[("failed", "failed", "unknown")] * 3,
    ]
    assert {story.record.flags for story in told} == {"unseen"}
    assert {story.record.talking_seat_id for story in told} == {None}

    async with Callers(stage.pbx, plans(8, talk_s=0.5), stage.folder / "new", per_s=10) as new:
        await new.until_all_ended(20)
        assert all(leg.code == 200 for leg in new.legs)
        again = await faults.stories(stage, new)
    faults.told_once(again)
    faults.answer_times_agree(again)
    counted = faults.together(await stage.metrics())
    counted.subtract(faults.together(figures))
    faults.figures_agree(counted, [*told, *again], NUMBER)
    await nothing_left_over(stage)
