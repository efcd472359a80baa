"""AMI is cut, silent or slow: calls go on through FastAGI and the guard, and afterwards the picture is right."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from sandbox.instance import Ports
from sandbox.people import Callers, Plan, Seats
from sandbox.root import Asterisk
from sandbox.scenario import Habit
from sandbox.trace import Leg
from service.cli.stage import Stage
from tests.e2e import faults
from tests.e2e.machine import tolerance_s
from tests.e2e.staging import nothing_left_over, seats, timing

SEATS = [f"10{n:02d}" for n in range(1, 6)]
NUMBER = "12345"
MORE = 3  # calls of each seat while AMI is cut


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def relay(ports: Ports) -> AsyncIterator[faults.Relay]:
    async with faults.Relay(ports.ami) as relay:
        yield relay


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage(folder: Path, asterisk: Asterisk, ports: Ports, relay: faults.Relay) -> AsyncIterator[Stage]:
    edit = timing(wrap_up_s=0, busy_pause_s=1, ring_s=2, ring_several_after_s=0)
    stage = Stage(folder, asterisk, ports, seats=len(SEATS), edit=edit)
    try:
        await stage.start_asterisk()
        stage.config.write_text(stage.config.read_text().replace(f":{ports.ami}", f":{relay.port}"))
        await stage.start_service()
        yield stage
    finally:
        await stage.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def phones(stage: Stage) -> AsyncIterator[Seats]:
    async with Seats(stage.pbx, SEATS, stage.folder / "seats", habit=Habit(ring_s=0.1)) as phones:
        await states(stage, ready=len(SEATS))
        yield phones


async def states(stage: Stage, **wanted: int) -> None:
    """Waits until the API shows exactly so many seats in each state."""

    async def so() -> bool:
        return Counter((await seats(stage)).values()) == Counter(wanted)

    await stage.until(so, 15, f"seats {wanted}")


async def degraded(stage: Stage) -> list[str]:
    """What `/readyz` names, while it says that callers are served."""
    answer = await stage.http.get("/readyz")
    assert answer.status_code == 200
    return list(answer.json()["degraded"])


async def ami(stage: Stage, up: bool, limit_s: float = 15) -> None:
    async def so() -> bool:
        return await degraded(stage) == ([] if up else ["ami"])

    await stage.until(so, limit_s, "AMI up" if up else "AMI lost")


def plans(count: int, talk_s: float | None = None, patience_s: float | None = None, first: int = 0) -> list[Plan]:
    """Each caller by a number of his own, counted from `first`: so his record is known by it."""
    numbers = range(first, first + count)
    return [Plan(NUMBER, f"1380000{n:04d}", talk_s=talk_s, patience_s=patience_s) for n in numbers]


async def hung_up(callers: Callers, leg: Leg) -> None:
    await callers.hang_up(leg)
    await callers.until(lambda legs: next(one for one in legs if one.call_id == leg.call_id).state == "ended", 5)


def answered(phones: Seats) -> Counter[str]:
    """Calls that each seat has taken."""
    return Counter(leg.number for leg in phones.legs if leg.answered_at is not None)


async def test_calls_go_on_without_ami_until_every_seat_had_three_more(
    stage: Stage, phones: Seats, relay: faults.Relay
) -> None:
    figures = await stage.metrics()
    during = Callers(stage.pbx, plans(24, talk_s=0.5, first=3), stage.folder / "during", per_s=2)
    async with Callers(stage.pbx, plans(3), stage.folder / "before") as before:
        await before.until(lambda _: len(before.talking()) == 3, 10, "3 talking")
        ends_at_once, ends_later, stays = before.talking()
        await relay.cut()
        await ami(stage, up=False)
        earlier = answered(phones)
        await hung_up(before, ends_at_once)
        await during.start()
        await during.until(lambda legs: sum(leg.state == "ended" for leg in legs) >= 8, 30, "8 served")
        await hung_up(before, ends_later)
        await during.until_all_ended(60)
        more = answered(phones)
        more.subtract(earlier)

        await relay.mend()
        await ami(stage, up=True)
        await states(stage, talking=1, ready=len(SEATS) - 1)
        await hung_up(before, stays)
        told = await faults.stories(stage, before, during)
    faults.never_rung_while_talking([phones])
    busy = {story.record.seat_id for story in told if story.leg.call_id == stays.call_id}
    assert all(more[seat] >= MORE for seat in set(SEATS) - busy), more
    assert all(leg.code == 200 for leg in during.legs)
    faults.told_once(told)
    faults.answer_times_agree(told)
    assert {(s.record.outcome, s.record.answered_by, s.record.ended_by) for s in told} == {
        ("answered", "engine", "caller")
    }
    counted = faults.together(await stage.metrics())
    counted.subtract(faults.together(figures))
    faults.figures_agree(counted, told, NUMBER)
    await nothing_left_over(stage)


async def test_agents_who_say_goodbye_and_callers_who_give_up_without_ami_are_recorded_as_they_were(
    stage: Stage, phones: Seats, relay: faults.Relay
) -> None:
    await phones.become(Habit(ring_s=1.5, talk_s=0.3))
    await states(stage, ready=len(SEATS))
    await relay.cut()
    await ami(stage, up=False)
    calls = [*plans(3), *plans(3, patience_s=0.5, first=3)]
    async with Callers(stage.pbx, calls, stage.folder / "goodbyes", per_s=10) as callers:
        await callers.until_all_ended(30)
        await relay.mend()
        await ami(stage, up=True)
        told = await faults.stories(stage, callers)
    faults.told_once(told)
    assert [(story.record.outcome, story.record.ended_by) for story in told] == [
        *[("answered", "agent")] * 3,
        *[("abandoned", "caller")] * 3,
    ]
    faults.answer_times_agree(told[:3])
    await phones.become(Habit(ring_s=0.1))
    await nothing_left_over(stage)


async def test_ami_that_falls_silent_is_found_by_the_ping_and_callers_are_served_all_the_time(
    stage: Stage, phones: Seats, relay: faults.Relay
) -> None:
    await states(stage, ready=len(SEATS))
    await relay.silence()
    async with Callers(stage.pbx, plans(6, talk_s=0.5), stage.folder / "silent", per_s=1) as callers:
        await ami(stage, up=False, limit_s=3 + 5 + 3)
        await callers.until_all_ended(30)
        await relay.mend()
        await ami(stage, up=True, limit_s=20)
        await states(stage, ready=len(SEATS))
        told = await faults.stories(stage, callers)
    faults.told_once(told)
    faults.answer_times_agree(told)
    assert {story.record.outcome for story in told} == {"answered"}
    await nothing_left_over(stage)


async def test_slow_ami_delays_no_caller_and_changes_no_time(stage: Stage, phones: Seats, relay: faults.Relay) -> None:
    await states(stage, ready=len(SEATS))
    slow_s = relay.delay_s = 0.4
    async with Callers(stage.pbx, plans(5, talk_s=0.5), stage.folder / "slow", per_s=2) as callers:
        await callers.until_all_ended(30)
        relay.delay_s = 0.0
        told = await faults.stories(stage, callers)
    faults.told_once(told)
    faults.answer_times_agree(told)
    # The phones ring for 0.1 s; who waited for a single word over AMI was answered later than this.
    assert all((story.leg.answer_s or 9) < slow_s + tolerance_s(story.leg.invited_at) for story in told)
    assert {(story.record.outcome, story.record.answered_by, story.record.presented) for story in told} == {
        ("answered", "engine", 1)
    }
    await states(stage, ready=len(SEATS))
    await nothing_left_over(stage)
