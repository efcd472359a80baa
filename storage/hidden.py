"""The table `hidden`: callers who asked that their data be hidden (T15). Entries come and are ended; none is deleted.

Each change stands in `audit` too, in the same transaction. What agents wrote into an intake counts as well: it is
read here, so that there is one answer to the question who is hidden.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from sqlalchemy import exists, insert, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from storage.audit import AuditRow, append_in
from storage.engine import reading
from storage.schema import hidden, intake

UNSAVED: Final = 0


@dataclass(frozen=True, slots=True)
class HiddenRow:
    """One entry; the columns are told in `storage.schema`. It names a call or a reference."""

    call_id: str | None
    ref: str | None
    reason: str
    by: str
    at_ms: int
    ended_by: str | None = None
    ended_ms: int | None = None
    ended_reason: str | None = None
    id: int = UNSAVED


async def read_hidden(engine: AsyncEngine) -> tuple[list[HiddenRow], set[str]]:
    """Entries, the oldest first; and the calls of which an intake, as corrected last, says that the caller is hidden."""
    newer = intake.alias("newer")
    corrected = exists().where(newer.c.root == intake.c.root, newer.c.revision > intake.c.revision)
    calls = select(intake.c.call_id).where(intake.c.hidden, ~corrected).distinct()
    async with reading(engine) as connection:
        found = await connection.execute(select(hidden).order_by(hidden.c.id))
        rows = [HiddenRow(**row) for row in found.mappings()]
        return rows, set((await connection.execute(calls)).scalars())


async def add_hidden(engine: AsyncEngine, row: HiddenRow, told: AuditRow) -> HiddenRow:
    """The entry with its id."""
    values = {key: value for key, value in asdict(row).items() if key != "id"}
    async with engine.begin() as connection:
        done = await connection.execute(insert(hidden).values(**values).returning(hidden.c.id))
        row = replace(row, id=done.scalar_one())
        await append_in(connection, replace(told, details={**told.details, "entry": row.id}))
    return row


async def end_hidden(engine: AsyncEngine, entry_id: int, values: Mapping[str, Any], told: AuditRow) -> HiddenRow | None:
    """The entry after it; None when there is none that was not ended."""
    async with engine.begin() as connection:
        change = update(hidden).where(hidden.c.id == entry_id, hidden.c.ended_ms.is_(None)).values(**values)
        if not (await connection.execute(change)).rowcount:
            return None
        await append_in(connection, told)
        row = (await connection.execute(select(hidden).where(hidden.c.id == entry_id))).mappings().one()
    return HiddenRow(**row)
