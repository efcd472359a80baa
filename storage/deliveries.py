"""What of the outbox may be delivered now, and what attempts made of it. The theory is told in `storage.outbox`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import and_, delete, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from storage.engine import reading
from storage.holds import held_id
from storage.intake import IntakeRow, read_intakes
from storage.outbox import COLUMNS, OPEN, OutboxRow, State, pending
from storage.schema import calls, outbox

LONGEST_ERROR: Final = 200


@dataclass(frozen=True, slots=True)
class Due:
    """A row to be delivered now, with what is kept elsewhere: the caller, sealed, and all intakes of the call."""

    row: OutboxRow
    caller_ref: str | None
    caller_sealed: str | None
    intakes: Sequence[IntakeRow]


@dataclass(frozen=True, slots=True)
class Tried:
    """What an attempt made of a row."""

    row: OutboxRow
    state: State
    at_ms: int
    next_ms: int
    error: str | None = None


async def due(engine: AsyncEngine, now_ms: int, limit: int) -> list[Due]:
    """At most one row of each call; whose time came first goes first.

    That is the order of the index, so the first few are found at once also when a hundred thousand wait: what is held up
    stands behind what holds it up, with the same time.
    """
    before = outbox.alias("before")
    held_up = exists().where(before.c.call_id == outbox.c.call_id, before.c.id < outbox.c.id, before.c.state.in_(OPEN))
    query = (
        select(*COLUMNS, calls.c.caller_ref, calls.c.caller_sealed)
        .outerjoin(calls, calls.c.call_id == outbox.c.call_id)
        .where(outbox.c.state == State.PENDING.value, outbox.c.next_ms <= now_ms, ~held_up)
        .order_by(outbox.c.next_ms, outbox.c.id)
        .limit(limit)
    )
    async with reading(engine) as connection:
        found = [dict(row) for row in (await connection.execute(query)).mappings()]
        intakes = await read_intakes(connection, {row["call_id"] for row in found})
    return [
        Due(
            caller_ref=row.pop("caller_ref"),
            caller_sealed=row.pop("caller_sealed"),
            intakes=[intake for intake in intakes if intake.call_id == row["call_id"]],
            row=OutboxRow(**row),
        )
        for row in found
    ]


async def settle(engine: AsyncEngine, tries: Sequence[Tried]) -> None:
    """What attempts made of rows. One that a person dropped meanwhile stays dropped."""
    async with engine.begin() as connection:
        for tried in tries:
            row = tried.row
            values: dict[str, Any] = {"state": tried.state.value, "attempts": row.attempts + 1}
            values |= {"first_ms": row.first_ms if row.first_ms is not None else tried.at_ms}
            values |= {"next_ms": tried.next_ms, "last_error": tried.error and tried.error[:LONGEST_ERROR]}
            values |= {"closed_ms": tried.at_ms if tried.state is State.DELIVERED else None}
            await connection.execute(update(outbox).where(pending(outbox.c.id == row.id)).values(**values))
            behind = and_(outbox.c.call_id == row.call_id, outbox.c.id > row.id)
            await connection.execute(update(outbox).where(pending(behind)).values(next_ms=tried.next_ms))


async def delete_closed(engine: AsyncEngine, before_ms: int, limit: int) -> int:
    """Delivered and dropped rows that were closed before then, but for those of calls that are held; the newest row stays,
    so that ids never begin anew."""
    newest = select(func.max(outbox.c.id)).scalar_subquery()
    closed = and_(outbox.c.state.not_in(OPEN), outbox.c.closed_ms < before_ms, outbox.c.id < newest)
    old = select(outbox.c.id).where(closed, ~held_id(outbox.c.call_id))
    async with engine.begin() as connection:
        gone = await connection.execute(delete(outbox).where(outbox.c.id.in_(old.limit(limit))))
    return gone.rowcount
