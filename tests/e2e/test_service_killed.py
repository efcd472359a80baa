"""The service is killed and started again: nobody is lost, the order stands, every record is there exactly once."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from sandbox.instance import Ports
from sandbox.people import Callers, Plan, Seats
from sandbox.root import Asterisk
from service.cli.stage import Stage
from tests.e2e import faults
from tests.e2e.evidence import ready
from tests.e2e.machine import tolerance_s
from tests.e2e.staging import nothing_left_over, seats, timing

SEATS = [f"10{n:02d}" for n in range(1, 6)]
NUMBER = "12345"
BACK_WITHIN_S = 120  # it is back in two seconds, and has the picture in one more: many times that on a busy machine


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage(folder: Path, asterisk: Asterisk, ports: Ports) -> AsyncIterator[Stage]:
    edit = timing(wrap_up_s=0, ring_several_after_s=0, restart_window_s=BACK_WITHIN_S, lease_s=10)
    async with Stage(folder, asterisk, ports, seats=len(SEATS), edit=edit).serving() as stage:
        yield stage


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def phones(stage: Stage) -> AsyncIterator[Seats]:
    async with Seats(stage.pbx, SEATS, stage.folder / "seats") as phones:
        await ready(stage, *SEATS)
        yield phones


def plans(count: int) -> list[Plan]:
    return [Plan(NUMBER, caller=f"1380000{n:04d}") for n in range(count)]


async def now(stage: Stage, waiting: int, talking: int) -> None:
    """Waits until the service knows of so many callers."""

    async def so() -> bool:
        picture = (await stage.api("/api/v1/status"))["now"]
        return bool((picture["waiting"], picture["talking"]) == (waiting, talking))

    await stage.until(so, 15, f"{waiting} waiting, {talking} talking")


async def kill(stage: Stage) -> None:
    assert await stage.end_service(signal.SIGKILL) == -signal.SIGKILL


async def finish(callers: Callers) -> None:
    for leg in callers.talking():
        await callers.hang_up(leg)
    await callers.until_all_ended(10)


async def test_service_killed_with_callers_waiting_and_talking_loses_nobody_and_keeps_the_order(
    stage: Stage, phones: Seats
) -> None:
    async with Callers(stage.pbx, plans(25), stage.folder / "killed", per_s=8) as callers:
        await callers.until(lambda legs: len(legs) == 25 and len(callers.talking()) == 5, 20, "5 of 25 talking")
        await now(stage, 20, 5)
        talked = {leg.call_id for leg in callers.talking()}
        first_run = await stage.metrics()
        await kill(stage)
        await stage.start_service()

        await now(stage, 20, 5)
        assert set((await seats(stage)).values()) == {"talking"}
        assert {leg.call_id for leg in callers.talking()} == talked
        assert len(callers.ringing()) == 20
        waiting = [leg for leg in callers.legs if leg.answered_at is None]
        await faults.serve_one_by_one(callers, waiting)
        await finish(callers)

        assert all(leg.code == 200 for leg in callers.legs)
        told = await faults.stories(stage, callers)
    faults.answered_in_order([story.record for story in told[5:]])
    await faults.presented_in_order(stage, [story.record for story in told])
    faults.told_once(told)
    faults.answer_times_agree(told)
    assert all(story.record.presented == 1 and story.record.outcome == "answered" for story in told)
    assert {story.record.answered_by for story in told} == {"engine"}
    faults.figures_agree(faults.together(first_run, await stage.metrics()), told, NUMBER)
    await nothing_left_over(stage)


async def test_callers_who_come_while_the_service_is_down_wait_ringing_and_are_served_in_order(
    stage: Stage, phones: Seats
) -> None:
    await kill(stage)
    async with Callers(stage.pbx, plans(9), stage.folder / "window", per_s=3) as callers:
        await callers.until(lambda legs: len(legs) == 9 and len(callers.ringing()) == 9, 10, "9 ringing")
        await stage.start_service()
        await callers.until(lambda _: len(callers.talking()) == 5, 10, "5 talking")
        assert [leg.state for leg in callers.reports() if leg] == ["talking"] * 5 + ["ringing"] * 4
        waiting = callers.ringing()
        await faults.serve_one_by_one(callers, waiting)
        await finish(callers)
        assert all(leg.code == 200 for leg in callers.legs)
        told = await faults.stories(stage, callers)
    faults.answered_in_order([story.record for story in told[5:]])
    await faults.presented_in_order(stage, [story.record for story in told])
    faults.told_once(told)
    faults.answer_times_agree(told)
    assert {story.record.fallback_stage for story in told} == {None}
    await nothing_left_over(stage)


async def test_calls_that_end_or_come_and_go_while_the_service_is_down_are_recorded_once_and_whole(
    stage: Stage, phones: Seats
) -> None:
    async with Callers(stage.pbx, plans(2), stage.folder / "talkers") as talkers:
        await now(stage, 0, 2)
        await kill(stage)
        await stage.sandbox.cli("dialplan set global HOTLINE_RESTART_WINDOW_MS 2000")  # not back in time
        await talkers.hang_up(talkers.legs[0])
        calls = [*[Plan(NUMBER, talk_s=0.5)] * 3, *[Plan(NUMBER, patience_s=0.5, talk_s=0.5)] * 2]
        # far enough apart that they arrive as they dialled: their records know no caller
        async with Callers(stage.pbx, calls, stage.folder / "passing", per_s=2) as passing:
            await passing.until_all_ended(30)
            await stage.start_service()
            await now(stage, 0, 1)
            await finish(talkers)
            told = await faults.stories(stage, talkers, passing)
    faults.told_once(told)
    faults.answer_times_agree(told[:5])
    assert [(s.record.outcome, s.record.answered_by, s.record.ended_by) for s in told] == [
        *[("answered", "engine", "caller")] * 2,
        *[("answered", "fallback", "caller")] * 3,
        *[("abandoned", None, "caller")] * 2,
    ]
    for story in told[:5]:
        slack = tolerance_s(story.leg.invited_at, story.leg.ended_at)
        assert abs(story.record.talk_ms / 1000 - (story.leg.talk_s or 0)) < slack, story
    await nothing_left_over(stage)
