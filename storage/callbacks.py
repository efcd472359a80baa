"""The table `callbacks`: citizens who want to be called back. What a call makes of an entry is in `storage.outbound`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from storage.engine import reading
from storage.outbound import CLOSED
from storage.schema import callbacks

STATES: Final = ("open", "placed", "reached", "not_reached", "given_up", "done", "served")
UNSAVED: Final = 0
_OPEN: Final = callbacks.c.state.not_in(CLOSED | {"reached"})  # somebody still has to call


@dataclass(frozen=True, slots=True)
class CallbackRow:
    """One entry; the columns are told in `storage.schema`."""

    ref: str
    sealed: str
    line: str
    due_ms: int
    added_by: str
    added_ms: int
    wanted_ms: int | None = None
    consent: bool = True
    note: str = ""
    case_id: str = ""
    call_id: str = ""
    state: str = "open"
    attempts: int = 0
    last_ms: int | None = None
    closed_by: str | None = None
    closed_ms: int | None = None
    owed_ms: int | None = None
    tried_ms: int | None = None
    reason: str = ""
    id: int = UNSAVED


async def add_callback(engine: AsyncEngine, row: CallbackRow) -> CallbackRow:
    """The entry with its id; ids grow with time."""
    async with engine.begin() as connection:
        return await added(connection, row)


async def added(connection: AsyncConnection, row: CallbackRow) -> CallbackRow:
    newest = (await connection.execute(select(func.coalesce(func.max(callbacks.c.id), 0)))).scalar_one()
    values = {**asdict(row), "id": newest + 1}
    await connection.execute(insert(callbacks), [values])
    return CallbackRow(**values)


async def callback(engine: AsyncEngine, entry_id: int) -> CallbackRow | None:
    async with reading(engine) as connection:
        row = (await connection.execute(select(callbacks).where(callbacks.c.id == entry_id))).mappings().one_or_none()
    return None if row is None else CallbackRow(**row)


async def list_callbacks(
    engine: AsyncEngine, *, states: tuple[str, ...] = (), due_before_ms: int | None = None, limit: int = 1000
) -> list[CallbackRow]:
    """Who is due first comes first. `due_before_ms`: only those still to be called that are due before."""
    query = select(callbacks)
    if states:
        query = query.where(callbacks.c.state.in_(states))
    if due_before_ms is not None:
        query = query.where(_OPEN, callbacks.c.due_ms < due_before_ms)
    async with reading(engine) as connection:
        found = await connection.execute(query.order_by(callbacks.c.due_ms, callbacks.c.id).limit(limit))
        return [CallbackRow(**row) for row in found.mappings()]


async def change_callback(engine: AsyncEngine, entry_id: int, values: Mapping[str, Any]) -> CallbackRow | None:
    """The entry after it; one whose call is under way keeps its state."""
    async with engine.begin() as connection:
        found = update(callbacks).where(callbacks.c.id == entry_id)
        if "state" in values:
            found = found.where(callbacks.c.state != "placed")
        await connection.execute(found.values(**values))
        row = (await connection.execute(select(callbacks).where(callbacks.c.id == entry_id))).mappings().one_or_none()
    return None if row is None else CallbackRow(**row)


async def count_callbacks(engine: AsyncEngine, now_ms: int) -> tuple[dict[str, int], int]:
    """Entries by state, and how many are to be called and past their time."""
    counts = select(callbacks.c.state, func.count()).group_by(callbacks.c.state)
    overdue = select(func.count()).where(_OPEN, callbacks.c.due_ms < now_ms)
    async with reading(engine) as connection:
        found = (await connection.execute(counts)).all()
        return {row[0]: row[1] for row in found}, int((await connection.execute(overdue)).scalar_one())
