"""The table `audit`: who did what with what is personal. Rows are appended; nothing here changes or deletes one.

A row is written before what it tells of is done or given. Acts of several parts are told in the transaction that does them:
`append_in`. No row holds a number: subjects are named by the ids of calls and entries.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from storage.engine import reading
from storage.schema import audit

UNSAVED: Final = 0
BY_ITSELF: Final = "service"  # role of what the service does without being asked


class Act(StrEnum):
    """What rows tell of. Further acts are added here, so that whoever reads the table finds them in one place."""

    READ = "read"  # a number or name was given in clear
    HIDE = "hide"
    SHOW = "show"  # hidden no longer
    KEY_RENEWED = "key_renewed"  # a new number key came into force
    RESEALED = "resealed"  # rows were sealed under the newest key
    KEY_RETIRED = "key_retired"  # an old number key went
    HOLD = "hold"  # a legal hold came into force
    LIFT = "lift"  # it is lifted
    FORGET = "forget"  # what is over its age, a citizen or a call is about to be forgotten
    FORGOTTEN = "forgotten"  # that was done, with counts


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One row; the columns are told in `storage.schema`."""

    at_ms: int
    actor: str
    role: str
    act: str
    subject_kind: str
    subject_id: str
    reason: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
    id: int = UNSAVED


async def append(engine: AsyncEngine, row: AuditRow) -> AuditRow:
    """The row with its id; it is kept when this returns."""
    async with engine.begin() as connection:
        return await append_in(connection, row)


async def append_in(connection: AsyncConnection, row: AuditRow) -> AuditRow:
    """The same within a transaction: the row is kept exactly when all else of it is."""
    values = {key: value for key, value in asdict(row).items() if key != "id"}
    done = await connection.execute(insert(audit).values(**values).returning(audit.c.id))
    return replace(row, id=done.scalar_one())


async def rows(
    engine: AsyncEngine, *, limit: int, since_ms: int = 0, until_ms: int | None = None, act: str = "",
    actor: str = "", subject_kind: str = "", subject_id: str = "", before_id: int | None = None,
) -> list[AuditRow]:  # fmt: skip
    """The newest first. `before_id`: what is older than that row, for whoever reads on; every other word is a filter."""
    query = select(audit).where(audit.c.at_ms >= since_ms)
    if until_ms is not None:
        query = query.where(audit.c.at_ms < until_ms)
    if before_id is not None:
        query = query.where(audit.c.id < before_id)
    equal = {"act": act, "actor": actor, "subject_kind": subject_kind, "subject_id": subject_id}
    for column, wanted in equal.items():
        if wanted:
            query = query.where(audit.c[column] == wanted)
    async with reading(engine) as connection:
        found = await connection.execute(query.order_by(audit.c.id.desc()).limit(limit))
        return [AuditRow(**row) for row in found.mappings()]


async def of_acts(engine: AsyncEngine, acts: Iterable[str]) -> list[AuditRow]:
    """All rows of rare acts, the oldest first."""
    query = select(audit).where(audit.c.act.in_([str(act) for act in acts]))
    async with reading(engine) as connection:
        return [AuditRow(**row) for row in (await connection.execute(query.order_by(audit.c.id))).mappings()]
