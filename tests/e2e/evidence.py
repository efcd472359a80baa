"""What the records, the API and Asterisk say about calls and seats, for end-to-end tests that judge by them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx
from sqlalchemy import Select, select

from routing.steps import Step
from sandbox.people import Callers, Listener
from sandbox.trace import Leg
from service.cli.stage import Stage
from service.numbers import Numbers
from storage import queries
from storage.engine import create_engine, reading
from storage.keys import Keyring
from storage.queries import CallRecord, LineFigures
from storage.schema import agent_periods, calls, presentations
from tests.e2e.staging import seats

Row = dict[str, Any]


def several(*edits: Callable[[str], str]) -> Callable[[str], str]:
    """One edit of the first configuration made of several."""

    def edit(text: str) -> str:
        for one in edits:
            text = one(text)
        return text

    return edit


def with_key(table: str, id_: str, row: str) -> Callable[[str], str]:
    """An edit: one more row in the table that begins with this id or number."""
    head = re.compile(rf'(\[\[{table}\]\]\n(?:id|number) = "{id_}"\n)')

    def edit(text: str) -> str:
        found, count = head.subn(rf"\g<1>{row}\n", text)
        assert count == 1, f"no [[{table}]] {id_}"
        return found

    return edit


# -- the database itself ----------------------------------------------------------------------------------------------


async def rows(stage: Stage, query: Select[Any]) -> list[Row]:
    engine = create_engine(stage.settings.database_url())
    try:
        async with reading(engine) as connection:
            return [dict(row) for row in (await connection.execute(query)).mappings()]
    finally:
        await engine.dispose()


async def shown(stage: Stage, call_id: str) -> list[Row]:
    """The presentations of a call, oldest first."""
    table = presentations
    return await rows(stage, select(table).where(table.c.call_id == call_id).order_by(table.c.sent_ms, table.c.seat_id))


async def outcomes(stage: Stage, call_id: str) -> list[tuple[str, str]]:
    """(seat, outcome) of each presentation of a call, oldest first."""
    return [(row["seat_id"], row["outcome"]) for row in await shown(stage, call_id)]


async def story(stage: Stage, call_id: str) -> list[Step]:
    """All steps of a call, in order."""
    engine = create_engine(stage.settings.database_url())
    try:
        return await queries.steps(engine, call_id)
    finally:
        await engine.dispose()


def caller_ref(stage: Stage, number: str) -> str | None:
    """What the records know a caller by."""
    return Numbers(Keyring(stage.settings.number_keys()), stage.settings.service.area_code).sealed(number)[0]


async def records_of(stage: Stage, caller: str, count: int = 1) -> list[CallRecord]:
    """The ended records of a caller's calls, oldest first; exactly `count` of them, and none open."""
    ref = caller_ref(stage, caller)
    assert ref is not None

    async def ended() -> list[CallRecord] | None:
        found = [call for call in await stage.calls() if call.caller_ref == ref]
        over = len(found) >= count and all(call.outcome is not None for call in found)
        return sorted(found, key=lambda call: call.arrived_ms) if over else None

    found = await stage.until(ended, 15, f"{count} ended records of a caller")
    assert isinstance(found, list)
    assert len(found) == count, "a call was recorded more than once"
    return found


async def record(stage: Stage, caller: Callers) -> CallRecord:
    """The one ended record of somebody who dialled once."""
    (plan,) = caller.plans
    return (await records_of(stage, plan.caller))[0]


async def settled(stage: Stage) -> dict[str, LineFigures]:
    """The figures of the database, once every call that there was has come there and is over."""

    async def over() -> bool:
        if await stage.total("hotline_records_spooled"):
            return False
        return not any(line.open for line in (await stage.figures()).values())

    await stage.until(over, 20, "every call over")
    return await stage.figures()


async def known_calls(stage: Stage) -> set[str]:
    """The ids of all calls that there were."""
    await settled(stage)
    return {call.call_id for call in await stage.calls()}


async def new_calls(stage: Stage, known: set[str], count: int = 1) -> list[CallRecord]:
    """Those that have come since these were known, once there are so many and all are over; of any caller or of none."""

    async def found() -> list[CallRecord] | None:
        new = [call for call in await stage.calls() if call.call_id not in known]
        return new if len(new) >= count and all(call.outcome is not None for call in new) else None

    calls = await stage.until(found, 20, f"{count} new calls, all over")
    assert isinstance(calls, list)
    assert len(calls) == count
    return calls


async def pauses(stage: Stage, agent: str, since: float) -> list[Row]:
    """The pauses of an agent that began after `since`, oldest first."""
    table = agent_periods
    query = select(table).where(
        table.c.agent_id == agent, table.c.state == "paused", table.c.since_ms >= int(since * 1000)
    )
    return await rows(stage, query.order_by(table.c.entry))


async def call_rows(stage: Stage) -> list[Row]:
    """All rows of `calls` with all columns, oldest first."""
    return await rows(stage, select(calls).order_by(calls.c.arrived_ms))


# -- the API ----------------------------------------------------------------------------------------------------------


async def ready(stage: Stage, *ids: str) -> None:
    """Waits until these seats may be rung."""

    async def all_ready() -> bool:
        states = await seats(stage)
        return all(states[id_] == "ready" for id_ in ids)

    await stage.until(all_ready, 15, f"seats {', '.join(ids)} ready")


async def in_state(stage: Stage, seat: str, state: str, limit_s: float = 15) -> None:
    async def so() -> bool:
        return (await seats(stage))[seat] == state

    await stage.until(so, limit_s, f"seat {seat} {state}")


async def waiting(stage: Stage, number: str) -> tuple[int, float]:
    """(callers waiting on a line, longest wait in seconds)."""
    (line,) = [line for line in await stage.api("/api/v1/lines") if line["number"] == number]
    return line["waiting"], line["longest_wait_s"]


async def until_waiting(stage: Stage, number: str, count: int, wait_s: float = 0.0, limit_s: float = 15) -> None:
    """Waits until so many callers wait on a line, the longest for so long."""

    async def so() -> bool:
        now, longest_s = await waiting(stage, number)
        return now == count and longest_s >= wait_s

    await stage.until(so, limit_s, f"{count} waiting on {number} for {wait_s:g} s")


async def act(stage: Stage, agent: str, act: str, **body: str) -> httpx.Response:
    """An agent's act over the API: sign-in, sign-out, pause, ready."""
    headers = {"Authorization": f"Bearer {stage.settings.cli_token()}"}
    return await stage.http.post(f"/api/v1/agents/{agent}/{act}", headers=headers, json=body or None)


async def presentations_total(stage: Stage) -> Counter[str]:
    """`hotline_presentations_total` by outcome."""
    found = await stage.metrics()
    name = "hotline_presentations_total{"
    return Counter({key.split('"')[1]: int(value) for key, value in found.items() if key.startswith(name)})


# -- phones -----------------------------------------------------------------------------------------------------------


def caller_at(phone: Listener, leg: Leg | None = None) -> str:
    """The caller's number that the phone of a seat was shown for a call, the newest by default; "" for none."""
    number = phone.caller_of(leg or phone.leg)
    assert number is not None, phone.invite(leg)
    return number
