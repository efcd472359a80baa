"""The table `restrictions`. Entries come, are approved and ended; none is deleted. Of one that is over, the number may be
forgotten; nothing else is ever changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import NamedTuple

from sqlalchemy import func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from storage.engine import reading
from storage.schema import calls, restrictions

UNSAVED = 0  # the id of an entry that the table does not have yet


@dataclass(frozen=True, slots=True)
class RestrictionRow:
    """One entry; the columns are told in `storage.schema`. `sealed` is no secret to whoever has the number key."""

    ref: str
    sealed: str
    block: bool
    kind: str
    afterwards: str
    talk_ms: int | None
    reason: str
    evidence: str
    approver: str
    added_by: str
    added_ms: int
    until_ms: int
    second_approver: str | None = None
    ended_by: str | None = None
    ended_ms: int | None = None
    id: int = UNSAVED


class Use(NamedTuple):
    """Calls that an entry was on, and the arrival of the newest of them, epoch ms."""

    times: int
    last_ms: int


async def read_restrictions(engine: AsyncEngine) -> list[RestrictionRow]:
    """All of them, oldest first."""
    async with reading(engine) as connection:
        return await _all(connection)


async def add_restrictions(engine: AsyncEngine, rows: Sequence[RestrictionRow]) -> list[RestrictionRow]:
    """Adds all or none; returns the whole table. Their ids grow with time."""
    async with engine.begin() as connection:
        newest = (await connection.execute(select(func.coalesce(func.max(restrictions.c.id), 0)))).scalar_one()
        new = [{**asdict(row), "id": newest + number} for number, row in enumerate(rows, 1)]
        if new:
            await connection.execute(insert(restrictions), new)
        return await _all(connection)


async def approve_restriction(engine: AsyncEngine, entry_id: int, by: str) -> list[RestrictionRow]:
    """Names the second approver, if there is none yet; returns the whole table."""
    return await _set(engine, entry_id, "second_approver", {"second_approver": by})


async def end_restriction(engine: AsyncEngine, entry_id: int, by: str, at_ms: int) -> list[RestrictionRow]:
    """Ends an entry, if it was not ended; returns the whole table."""
    return await _set(engine, entry_id, "ended_ms", {"ended_by": by, "ended_ms": at_ms})


async def forget_restrictions(engine: AsyncEngine, ref: str, now_ms: int) -> list[RestrictionRow]:
    """The number out of entries of a citizen that are in force no more; returns the whole table."""
    table = restrictions.c
    over = or_(table.ended_ms.is_not(None), table.until_ms <= now_ms)
    async with engine.begin() as connection:
        his = table.ref == ref, ~table.block, over
        await connection.execute(update(restrictions).where(*his).values(ref="", sealed=""))
        return await _all(connection)


async def _set(engine: AsyncEngine, entry_id: int, unset: str, values: Mapping[str, object]) -> list[RestrictionRow]:
    table = restrictions
    async with engine.begin() as connection:
        await connection.execute(update(table).where(table.c.id == entry_id, table.c[unset].is_(None)).values(values))
        return await _all(connection)


async def uses(engine: AsyncEngine) -> dict[int, Use]:
    """Entry id -> how often it was used, of those that were."""
    query = select(calls.c.restriction, func.count(), func.max(calls.c.arrived_ms))
    query = query.where(calls.c.restriction.is_not(None)).group_by(calls.c.restriction)
    async with reading(engine) as connection:
        return {row[0]: Use(row[1], row[2]) for row in (await connection.execute(query)).all()}


async def caller_of(engine: AsyncEngine, call_id: str) -> tuple[str, str] | None:
    """`(caller_ref, caller_sealed)` of a call; None when there is no such call, or its caller withheld his number."""
    query = select(calls.c.caller_ref, calls.c.caller_sealed).where(calls.c.call_id == call_id)
    async with reading(engine) as connection:
        row = (await connection.execute(query)).one_or_none()
    return None if row is None or row[0] is None or row[1] is None else (row[0], row[1])


async def _all(connection: AsyncConnection) -> list[RestrictionRow]:
    found = await connection.execute(select(restrictions).order_by(restrictions.c.id))
    return [RestrictionRow(**row) for row in found.mappings()]
