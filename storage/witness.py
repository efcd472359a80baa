"""What the records have of calls that somebody else names, to hold both against each other."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from routing.witness import Kept
from storage.engine import reading
from storage.schema import calls

ASKED_AT_ONCE: Final = 200
AROUND_MS: Final = 60_000  # the arrival by an id and by the channel's birth differ by milliseconds
_COLUMNS: Final = (calls.c.call_id, calls.c.arrived_ms, calls.c.answered_ms, calls.c.ended_ms)


async def kept(engine: AsyncEngine, call_ids: Iterable[str]) -> dict[str, Kept]:
    """Those of the calls that the records have, by id."""
    names = list(call_ids)
    found: dict[str, Kept] = {}
    async with reading(engine) as connection:
        for first in range(0, len(names), ASKED_AT_ONCE):
            query = select(*_COLUMNS).where(calls.c.call_id.in_(names[first : first + ASKED_AT_ONCE]))
            found |= {row.call_id: Kept(*row) for row in (await connection.execute(query)).all()}
    return found


async def kept_of_channel(engine: AsyncEngine, channel: str, arrived_ms: int) -> Kept | None:
    """The call whose caller's channel has this uniqueid and arrived about then."""
    near = calls.c.arrived_ms.between(arrived_ms - AROUND_MS, arrived_ms + AROUND_MS)
    query = select(*_COLUMNS).where(near, calls.c.call_id.endswith(f"-{channel}", autoescape=True))
    async with reading(engine) as connection:
        row = (await connection.execute(query)).first()
    return None if row is None else Kept(*row)


async def ended_calls(engine: AsyncEngine, since_ms: int, until_ms: int, ended_before_ms: int) -> int:
    """How many calls arrived in the interval and were over by then."""
    there = calls.c.arrived_ms >= since_ms, calls.c.arrived_ms < until_ms, calls.c.ended_ms < ended_before_ms
    async with reading(engine) as connection:
        return int((await connection.execute(select(func.count()).where(*there))).scalar_one())
