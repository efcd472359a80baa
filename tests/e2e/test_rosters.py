"""A change of shift a few seconds ahead: who waits is served by the next shift in that second, who talks finishes."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import pytest_asyncio

from sandbox.instance import Ports
from sandbox.people import Callers, Plan
from sandbox.root import Asterisk
from service.cli.stage import Stage
from storage.queries import CallRecord
from tests.e2e import faults
from tests.e2e.cast import Cast
from tests.e2e.evidence import in_state, record, several, until_waiting, waiting, with_key
from tests.e2e.staging import timing

DAY, NIGHT = "1011", "1012"  # two agents with the general skill alone
AHEAD_S = 12  # a reload and two callers come before the change
AT_ONCE_S = 2.0  # gross: the bench has the figure


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage(folder: Path, asterisk: Asterisk, ports: Ports) -> AsyncIterator[Stage]:
    edit = several(
        timing(wrap_up_s=0, ring_s=4, answer_notice_after_s=0),
        with_key("seat", DAY, 'groups = ["day"]'),
        with_key("seat", NIGHT, 'groups = ["night"]'),
    )
    async with Stage(folder, asterisk, ports, edit=edit).serving() as stage:
        yield stage


def clock(stage: Stage, moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, stage.settings.zone_info):%H:%M:%S}"


async def reload(stage: Stage, rosters: str) -> int:
    """The configuration with these rosters instead of those it had."""
    plain = stage.config.read_text().partition("# rosters\n")[0]
    stage.config.write_text(f"{plain}# rosters\n{rosters}")
    headers = {"Authorization": f"Bearer {stage.settings.cli_token()}"}
    return (await stage.http.post("/api/v1/reload", headers=headers)).status_code


def shift(group: str, begins: str, ends: str) -> str:
    return f'[[roster]]\nlines = ["12345"]\ngroup = "{group}"\nfrom = "{begins}"\nto = "{ends}"\n'


async def test_the_waiting_caller_is_served_by_the_next_shift_in_that_second_and_the_talk_goes_on(
    stage: Stage, people: Cast
) -> None:
    day, night = await people.seat(DAY), await people.seat(NIGHT)
    change = int(time.time()) + AHEAD_S
    at, before = clock(stage, change), clock(stage, change - 3600)
    assert await reload(stage, shift("day", before, at) + shift("night", at, before)) == 200
    talking = await people.caller()
    await talking.until_talking()
    assert len(day.legs) == 1
    waits = await people.caller()
    await until_waiting(stage, "12345", 1)
    assert time.time() < change, "the machine was too slow for a boundary so near"
    await waits.until_talking()
    assert 0 <= night.leg.invited_at - change < AT_ONCE_S
    assert (day.leg.state, talking.leg.state) == ("talking", "talking")
    await talking.hang_up()
    await in_state(stage, DAY, "ready")
    third = await people.caller()
    await until_waiting(stage, "12345", 1, wait_s=1.0)  # the day's seat is free, and off duty
    await waits.hang_up()
    await third.until_talking()
    await third.hang_up()
    served = [await record(stage, caller) for caller in (talking, waits, third)]
    assert [found.seat_id for found in served] == [DAY, NIGHT, NIGHT]
    told = await stage.api(f"/api/v1/calls/{served[2].call_id}/why")
    (presented,) = [part for part in told["story"] if part["kind"] == "presented"]
    assert {"off_duty": [DAY]}.items() <= {group["reason"]: group["seats"] for group in presented["candidates"]}.items()


async def test_reload_with_two_hundred_callers_waiting_loses_no_place(stage: Stage, people: Cast) -> None:
    """Other rings, other times, other people in the groups: everybody is served in the order of arrival all the same."""
    assert await reload(stage, "") == 200
    _, talking = await people.busy_seat(DAY)
    plans = [Plan("12345", str(13800700000 + nth), talk_s=0.05) for nth in range(200)]
    good = stage.config.read_text()
    async with Callers(stage.pbx, plans, people.folder / "crowd", per_s=50, sound=False) as crowd:
        await until_waiting(stage, "12345", len(plans), limit_s=60)
        other = with_key("line", "12345", 'rings = [ {after_s = 0, need = "general"}, {after_s = 4, need = "any"} ]')
        stage.config.write_text(several(other, timing(wrap_up_s=0, ring_s=5, answer_notice_after_s=0))(good))
        assert await reload(stage, "") == 200
        assert (await waiting(stage, "12345"))[0] == len(plans)
        await people.seat(NIGHT, signed_in=False)  # it is never free for long enough to be seen so
        await talking.hang_up()
        legs = await crowd.until_all_ended(120)
    stage.config.write_text(good)
    assert await reload(stage, "") == 200
    assert [leg.code for leg in legs] == [200] * len(plans)
    came_ms = min(leg.invited_at for leg in legs) * 1000

    async def recorded() -> list[CallRecord] | None:
        found = [one for one in await stage.calls() if one.arrived_ms >= came_ms and one.outcome is not None]
        return found if len(found) >= len(plans) else None

    told = await stage.until(recorded, 20, "every caller recorded")
    assert isinstance(told, list)
    assert len(told) == len(plans)
    await faults.presented_in_order(stage, told)


async def test_in_a_gap_the_duty_seats_ring_and_hotline_says_so(stage: Stage, people: Cast) -> None:
    """A reload takes no gap; a service that finds one at its start serves all the same."""
    now = time.time()
    gap = shift("day", clock(stage, now - 7200), clock(stage, now - 3600))
    assert await reload(stage, gap) == 409
    await stage.end_service()
    await stage.start_service()
    duty = await people.seat("1001")  # of [fallback] duty_seats
    day = await people.seat(DAY)
    caller = await people.caller(talk_s=0.2)
    await caller.until_ended()
    assert (len(duty.legs), len(day.legs)) == (1, 0)
    assert await stage.total("hotline_roster_gap", line="12345") == 1
    (line,) = [line for line in await stage.api("/api/v1/lines") if line["number"] == "12345"]
    assert (line["duty"]["gap"], line["duty"]["people"]) == (True, "group:duty")
    assert '"event": "roster gap"' in (stage.folder / "service.log").read_text()
    assert (await record(stage, caller)).answered_by == "engine"


async def test_an_edit_of_the_calendar_counts_for_callers_who_wait(stage: Stage, people: Cast) -> None:
    working = '[[roster]]\nlines = ["12345"]\ngroup = "{}"\ndays = "{}"\n'
    assert await reload(stage, working.format("day", "workday") + working.format("night", "rest")) == 200
    today = datetime.fromtimestamp(time.time(), stage.settings.zone_info).date()
    weekend = today.weekday() >= 5
    headers = {"Authorization": f"Bearer {stage.settings.cli_token()}"}

    async def set_today(kind: str) -> None:
        body = {"days": [{"date": str(today), "kind": kind}]}
        assert (await stage.http.post("/api/v1/workdays", headers=headers, json=body)).status_code == 200

    await set_today("moved" if weekend else "workday")
    day, talking = await people.busy_seat(DAY)
    night = await people.seat(NIGHT)
    waits = await people.caller()
    await until_waiting(stage, "12345", 1, wait_s=0.5)
    assert night.legs == []
    await set_today("weekend" if weekend else "holiday")
    await waits.until_talking()
    assert (len(day.legs), len(night.legs)) == (1, 1)
    for caller in (talking, waits):
        await caller.hang_up()
