"""How long calls were talked and waited for, by interval: what says how many people callers need."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from routing.steps import CallOutcome
from storage.counted import CITIZENS
from storage.engine import reading
from storage.schema import calls


class Handled(NamedTuple):
    """Calls of one serving line that arrived in one interval and are over.

    place: of the interval, from 0. answered: by a person; talk_ms: all of these together. abandoned: given up. waited_ms:
    of all calls, until answered or given up.
    """

    line: str
    place: int
    answered: int
    talk_ms: int
    abandoned: int
    waited_ms: int


async def handled_by(engine: AsyncEngine, since_ms: int, until_ms: int, every_ms: int) -> list[Handled]:
    """Each interval that has any calls, by serving line; no tests, no restricted callers."""
    place = ((calls.c.arrived_ms - since_ms) // every_ms).label("place")
    over = calls.c.ended_ms.is_not(None), CITIZENS
    window = calls.c.arrived_ms >= since_ms, calls.c.arrived_ms < until_ms
    talk = func.sum(calls.c.talk_ms).filter(calls.c.answered_ms.is_not(None))
    counted = (
        func.count(calls.c.answered_ms),
        func.coalesce(talk, 0),
        func.count().filter(calls.c.outcome == CallOutcome.ABANDONED.value),
        func.coalesce(func.sum(calls.c.wait_ms), 0),
    )
    query = select(calls.c.line, place, *counted).where(*window, *over).group_by(calls.c.line, place)
    async with reading(engine) as connection:
        return [Handled(line, *map(int, found)) for line, *found in (await connection.execute(query)).all()]
