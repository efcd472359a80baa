"""`hotline why` of a call that went past a busy, a paused and an unskilled seat, as the command tells it."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio

from sandbox.instance import Ports
from sandbox.root import Asterisk
from service.cli.stage import Stage
from tests.e2e.cast import Cast, number_of
from tests.e2e.evidence import act, in_state, record, until_waiting
from tests.e2e.staging import timing

LINE = "12333"
BUSY, PAUSED = "1001", "1006"  # both with the skill of the line
CHOSEN = "1005"  # with little of it: of ring 2
UNSKILLED = "1011"  # of ring 3


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage(folder: Path, asterisk: Asterisk, ports: Ports) -> AsyncIterator[Stage]:
    async with Stage(folder, asterisk, ports, edit=timing(wrap_up_s=0, answer_notice_after_s=0)).serving() as stage:
        yield stage


async def hotline_why(stage: Stage, *arguments: str) -> str:
    command = [sys.executable, "-m", "service", "why", *arguments, "--config", str(stage.settings.file)]
    running = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    out, _ = await asyncio.wait_for(running.communicate(), 30)
    assert running.returncode == 0
    return out.decode()


def reasons(part: dict[str, Any]) -> dict[str, str]:
    """Seat -> the one reason, of those that have somebody."""
    return {
        seat: group["reason"] for group in part["candidates"] for seat in group["seats"] if group["reason"] != "out"
    }


async def test_each_seat_that_a_call_went_past_has_its_reason(stage: Stage, people: Cast) -> None:
    for seat in (PAUSED, CHOSEN, UNSKILLED):
        await people.seat(seat)
    assert (await act(stage, PAUSED, "pause", reason="用餐")).status_code == 200
    await in_state(stage, PAUSED, "paused")
    _, talking = await people.busy_seat(BUSY, LINE)
    caller = await people.caller(LINE, talk_s=0.2)
    await until_waiting(stage, LINE, 1)
    await caller.until_ended()
    found = await record(stage, caller)
    assert (found.seat_id, found.outcome) == (CHOSEN, "answered")

    told = json.loads(await hotline_why(stage, found.call_id, "--json"))
    assert (told["source"], told["call"]["call_id"]) == ("service", found.call_id)
    parts = {part["kind"]: part for part in told["story"]}
    assert reasons(parts["nobody"]) == {BUSY: "talking", PAUSED: "paused", CHOSEN: "not_open", UNSKILLED: "not_open"}
    assert reasons(parts["presented"]) == {BUSY: "talking", PAUSED: "paused", UNSKILLED: "not_open"}
    kinds = [part["kind"] for part in told["story"]]
    wanted = ["offered", "held", "nobody", "presented", "dialing", "ringing", "answered", "judged", "ended"]
    assert [kind for kind in kinds if kind in wanted] == wanted
    assert [part["at"] for part in told["story"]] == sorted(part["at"] for part in told["story"])

    page = await hotline_why(stage, "last")
    for words in (
        "nobody can take the call: ring 1 is open, place 1 in the queue",
        f"free, but ring 2 was not open yet: {CHOSEN}",
        f"sent to Asterisk: ring seat {CHOSEN}",
        "of ring 2; rings 1 to 2 are open",
        f"free, but ring 3 was not open yet: {UNSKILLED}",
        f"talking: {BUSY}",
        f"paused: {PAUSED}",
        f"seat {CHOSEN} rings",
        "ended by the caller",
    ):
        assert words in page, page
    assert number_of(caller) not in page
    await talking.hang_up()
