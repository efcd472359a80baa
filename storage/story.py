"""All that the records have of one call, for whoever asks why it went as it did. Nothing here is the caller's number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from routing.steps import Step
from storage import queries
from storage.decisions import Decision, KnownEdition, read_decisions, read_editions
from storage.engine import reading
from storage.queries import CallRecord
from storage.schema import calls, presentations

LAST: Final = "last"
NAMED_AT_MOST: Final = 5
_STAMP_DIGITS: Final = 13  # a call id begins with its arrival in epoch ms
_STAMPS_DIFFER_MS: Final = 60_000  # gross: by so much the arrival's own column may differ from it


@dataclass(frozen=True, slots=True)
class Story:
    """`decisions`: number of a step -> what every seat was to it, as long as that is kept; `editions`: those they refer
    to. `whys`: presentation -> the line of text that the first version kept with it."""

    call: CallRecord
    steps: tuple[Step, ...]
    whys: Mapping[str, str] = field(default_factory=dict)
    decisions: Mapping[int, Decision] = field(default_factory=dict)
    editions: Mapping[str, KnownEdition] = field(default_factory=dict)


async def call_ids(engine: AsyncEngine, wanted: str) -> list[str]:
    """The call of this id; else those whose id begins so, newest first, at most `NAMED_AT_MOST`. `last` is the newest."""
    query = select(calls.c.call_id).order_by(calls.c.arrived_ms.desc(), calls.c.call_id.desc())
    query = query.limit(1) if wanted == LAST else query.where(_begins_with(wanted)).limit(NAMED_AT_MOST)
    async with reading(engine) as connection:
        exact = (await connection.execute(select(calls.c.call_id).where(calls.c.call_id == wanted))).scalars().all()
        return list(exact) or list((await connection.execute(query)).scalars())


def _begins_with(beginning: str) -> ColumnElement[bool]:
    """By the index of arrivals, for a beginning with digits of the stamp: the table may hold millions of calls."""
    begins = calls.c.call_id.startswith(beginning, autoescape=True)
    stamp = beginning.partition("-")[0][:_STAMP_DIGITS]
    if not (stamp.isascii() and stamp.isdigit()):
        return begins
    unit = 10 ** (_STAMP_DIGITS - len(stamp))
    first = int(stamp) * unit
    window = calls.c.arrived_ms.between(first - _STAMPS_DIFFER_MS, first + unit + _STAMPS_DIFFER_MS)
    return and_(window, begins)


async def story(engine: AsyncEngine, call_id: str) -> Story | None:
    call = await queries.call(engine, call_id)
    if call is None:
        return None
    steps = tuple(await queries.steps(engine, call_id))
    async with reading(engine) as connection:
        decisions = await read_decisions(connection, call_id)
        editions = await read_editions(connection, (decision.edition for decision in decisions.values()))
        return Story(call, steps, await _whys(connection, call_id), decisions, editions)


async def _whys(connection: AsyncConnection, call_id: str) -> dict[str, str]:
    table = presentations
    query = select(table.c.presentation, table.c.why).where(table.c.call_id == call_id, table.c.why.is_not(None))
    return {row.presentation: row.why for row in await connection.execute(query)}
