"""What a day of calls was made of, for whoever replays it: the calls, how long phones rang, and who was there when."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import Select, case, or_, select
from sqlalchemy.ext.asyncio import AsyncEngine

from routing.agent_state import AgentState
from routing.probe import TESTED
from storage.counted import CITIZENS, NO_TESTS
from storage.engine import reading
from storage.queries import CallRecord
from storage.schema import agent_periods, calls, presentations

_RECORD = [calls.c[item.name] for item in fields(CallRecord)]


@dataclass(frozen=True, slots=True)
class Shown:
    """One presentation at one seat. `outcome`: a `routing.steps.Outcome`; `picked_up_ms`: sent until it was over."""

    call_id: str
    outcome: str | None
    picked_up_ms: int | None


@dataclass(frozen=True, slots=True)
class Period:
    """One state of one agent. `until_ms` None: still so."""

    agent_id: str
    seat_id: str | None
    state: str
    reason: str
    since_ms: int
    until_ms: int | None


async def real_calls(engine: AsyncEngine, since_ms: int, until_ms: int) -> list[CallRecord]:
    """Calls that arrived in the interval, oldest first; tests and restricted callers left out."""
    query = select(*_RECORD).where(
        calls.c.arrived_ms >= since_ms,
        calls.c.arrived_ms < until_ms,
        CITIZENS,
    )
    async with reading(engine) as connection:
        found = await connection.execute(query.order_by(calls.c.arrived_ms, calls.c.call_id))
        return [CallRecord(**row) for row in found.mappings()]


async def shown_seats(engine: AsyncEngine, since_ms: int, until_ms: int) -> list[Shown]:
    """Presentations of the calls that arrived in the interval, in the order in which they were sent."""
    table = presentations
    window = calls.c.arrived_ms >= since_ms, calls.c.arrived_ms < until_ms, NO_TESTS
    rang = table.c.ringing_ms - table.c.sent_ms + table.c.ring_ms
    query = (
        select(table.c.call_id, table.c.outcome, rang).join(calls, calls.c.call_id == table.c.call_id).where(*window)
    )
    async with reading(engine) as connection:
        found = await connection.execute(query.order_by(table.c.sent_ms, table.c.seat_id))
        return [Shown(*row) for row in found.all()]


def periods_within(since_ms: int, until_ms: int) -> Select[Any]:
    """States of agents that reach into the interval, oldest first, with the columns of `Period`.

    Who rang or talked for a test call was there for citizens as before it: that is no talk of his.
    """
    table = agent_periods
    plain = case((table.c.reason == TESTED, AgentState.READY.value), else_=table.c.state).label("state")
    columns = [plain if item.name == "state" else table.c[item.name] for item in fields(Period)]
    reaches = table.c.since_ms < until_ms, or_(table.c.until_ms.is_(None), table.c.until_ms > since_ms)
    return select(*columns).where(*reaches).order_by(table.c.entry)


async def periods(engine: AsyncEngine, since_ms: int, until_ms: int) -> list[Period]:
    """All of them."""
    async with reading(engine) as connection:
        found = await connection.execute(periods_within(since_ms, until_ms))
        return [Period(*row) for row in found.all()]
