"""The table `intake`: what agents write down of a call while they talk (T20). Each row is told in the same transaction.

Rows are never changed. A correction is a row of its own with the root of the first and the next revision, so two people
who correct the same one at once cannot both succeed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from storage.counted import NO_TESTS
from storage.engine import reading
from storage.facts import intake_event
from storage.outbox import add_events, in_turn
from storage.schema import calls, intake

KINDS: Final = ("咨询", "求助", "投诉", "举报", "建议")
UNSAVED: Final = 0


class RevisedSince(Exception):
    """Somebody else corrected the same intake meanwhile."""


@dataclass(frozen=True, slots=True)
class IntakeRow:
    """One row; the columns are told in `storage.schema`. With a root it corrects what has that root."""

    call_id: str
    kind: str
    subject: str
    name_sealed: str | None
    hidden: bool
    text_sealed: str
    district: str
    by: str
    at_ms: int
    root: int = UNSAVED
    revision: int = 1
    id: int = UNSAVED


async def add_intake(engine: AsyncEngine, row: IntakeRow, *, hand_over: bool) -> IntakeRow:
    """The row with its id. Raises RevisedSince when its revision is not the next one of its root."""
    async with engine.begin() as connection:
        await in_turn(connection)
        newest = (await connection.execute(select(func.coalesce(func.max(intake.c.id), 0)))).scalar_one()
        if row.root != UNSAVED:
            revision = select(func.max(intake.c.revision)).where(intake.c.root == row.root)
            if (await connection.execute(revision)).scalar_one() != row.revision - 1:
                raise RevisedSince
        row = replace(row, id=newest + 1, root=row.root or newest + 1)
        await connection.execute(insert(intake), [asdict(row)])
        if hand_over:
            await add_events(connection, [intake_event(row)])
    return row


async def intakes_of(engine: AsyncEngine, call_id: str) -> list[IntakeRow]:
    """Every row of a call, the oldest first."""
    async with reading(engine) as connection:
        return await read_intakes(connection, [call_id])


async def read_intakes(connection: AsyncConnection, call_ids: Iterable[str]) -> list[IntakeRow]:
    found = await connection.execute(select(intake).where(intake.c.call_id.in_(list(call_ids))).order_by(intake.c.id))
    return [IntakeRow(**row) for row in found.mappings()]


def in_force(rows: Iterable[IntakeRow]) -> dict[int, IntakeRow]:
    """Root -> the row that holds."""
    newest: dict[int, IntakeRow] = {}
    for row in rows:
        if row.root not in newest or newest[row.root].revision < row.revision:
            newest[row.root] = row
    return newest


async def last_call_of(engine: AsyncEngine, agent_id: str, since_ms: int) -> str | None:
    """The call that this agent answered last, of those that arrived since then."""
    query = select(calls.c.call_id).where(calls.c.arrived_ms >= since_ms, calls.c.agent_id == agent_id, NO_TESTS)
    async with reading(engine) as connection:
        found: Any = (await connection.execute(query.order_by(calls.c.answered_ms.desc()).limit(1))).scalar()
    return None if found is None else str(found)
