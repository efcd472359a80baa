"""The table `outbox`: what is still to be delivered, written in the transaction of what it tells of.

Theory of operation
* Ids are given out and committed in one order (`in_turn`), so whoever sees a row sees every earlier one. Order is kept by
  call: of each call only the first row that is open (pending or dead) may be delivered, the rest waits behind it.
* States: pending -> delivered, or -> dead when it was tried for too long; a person makes it pending again, or drops it.
* When a row fails, the rows behind it are put off with it: they could not go anyway, and need not be looked at.
* What is personal is opened and added when a row is delivered (`storage.deliveries`): it is stored once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import and_, func, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from storage.engine import reading
from storage.facts import Event
from storage.schema import outbox

_TURN: Final = 12346  # PostgreSQL advisory lock; SQLite has one writer anyway
_INSERT: Final[dict[str, Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


class State(StrEnum):
    PENDING = "pending"
    DEAD = "dead"  # tried for too long; waits for a person, and its call behind it
    DELIVERED = "delivered"
    DROPPED = "dropped"  # by a person, with a reason


OPEN: Final = (State.PENDING.value, State.DEAD.value)


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One row; the columns are told in `storage.schema`."""

    id: int
    event: str
    call_id: str
    type: str
    body: Mapping[str, Any]
    intake: int | None
    made_ms: int
    state: str
    attempts: int
    first_ms: int | None
    next_ms: int
    last_error: str | None
    closed_ms: int | None
    closed_by: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Counts:
    pending: int
    dead: int


COLUMNS: Final = [outbox.c[item.name] for item in fields(OutboxRow)]


# -- writing, inside the transaction of somebody else --


async def in_turn(connection: AsyncConnection) -> None:
    """From here to the end of the transaction nobody else adds rows, so ids become visible in their order."""
    if connection.dialect.name == "postgresql":
        await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _TURN})


async def add_events(connection: AsyncConnection, events: Sequence[Event]) -> None:
    """An event that is there already is not added again."""
    if not events:
        return
    await in_turn(connection)
    newest = (await connection.execute(select(func.coalesce(func.max(outbox.c.id), 0)))).scalar_one()
    rows = [
        {
            "id": newest + place, "event": event.event, "call_id": event.call_id, "type": event.type,
            "body": dict(event.body), "intake": event.intake, "made_ms": event.made_ms, "state": State.PENDING.value,
            "attempts": 0, "next_ms": 0,
        }
        for place, event in enumerate(events, 1)
    ]  # fmt: skip
    await connection.execute(_INSERT[connection.dialect.name](outbox).on_conflict_do_nothing(), rows)


def pending(which: Any) -> Any:
    return and_(which, outbox.c.state == State.PENDING.value)


# -- for people --


async def count_outbox(engine: AsyncEngine) -> Counts:
    query = select(outbox.c.state, func.count()).where(outbox.c.state.in_(OPEN)).group_by(outbox.c.state)
    async with reading(engine) as connection:
        found = {row[0]: row[1] for row in (await connection.execute(query)).all()}
    return Counts(found.get(State.PENDING.value, 0), found.get(State.DEAD.value, 0))


async def list_outbox(engine: AsyncEngine, state: State, limit: int) -> list[OutboxRow]:
    """The oldest first."""
    query = select(*COLUMNS).where(outbox.c.state == state.value).order_by(outbox.c.id).limit(limit)
    async with reading(engine) as connection:
        return [OutboxRow(**row) for row in (await connection.execute(query)).mappings()]


async def outbox_row(engine: AsyncEngine, row_id: int) -> OutboxRow | None:
    async with reading(engine) as connection:
        row = (await connection.execute(select(*COLUMNS).where(outbox.c.id == row_id))).mappings().one_or_none()
    return None if row is None else OutboxRow(**row)


async def retry(engine: AsyncEngine, row_id: int | None) -> int:
    """A row that is open, or every dead one, as if it had never been tried; how many."""
    which = outbox.c.state == State.DEAD.value if row_id is None else outbox.c.id == row_id
    values = {"state": State.PENDING.value, "attempts": 0, "first_ms": None, "next_ms": 0}
    async with engine.begin() as connection:
        done = await connection.execute(update(outbox).where(which, outbox.c.state.in_(OPEN)).values(**values))
    return done.rowcount


async def drop(engine: AsyncEngine, row: OutboxRow, by: str, reason: str, at_ms: int) -> bool:
    """False when it is closed already. What waited behind it may go now."""
    values = {"state": State.DROPPED.value, "closed_by": by, "reason": reason, "closed_ms": at_ms}
    behind = and_(outbox.c.call_id == row.call_id, outbox.c.id > row.id)
    async with engine.begin() as connection:
        dropped = update(outbox).where(outbox.c.id == row.id, outbox.c.state.in_(OPEN)).values(**values)
        done = await connection.execute(dropped)
        await connection.execute(update(outbox).where(pending(behind)).values(next_ms=0))
    return done.rowcount == 1
