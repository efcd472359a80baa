"""Who works here, with which skills: the table `agents`.

The configuration fills in whom the table does not have; after that the table rules. Nobody is deleted, for calls name
him: who works here no more is disabled. Two who change the same agent at once: the second is told so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from routing.model import SignIn
from storage.engine import reading
from storage.schema import agents

_INSERT: Final[dict[str, Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
NEW: Final = 0  # the revision of an agent whom the table does not have yet


@dataclass(frozen=True, slots=True)
class AgentRow:
    """One agent. `skills`: id -> level 1..10. `sign_in`: "phone" or "agent"."""

    id: str
    name: str
    skills: Mapping[str, int] = field(default_factory=dict)
    zone: str | None = None
    sign_in: str = "phone"
    disabled: bool = False
    revision: int = NEW

    def same_person(self, other: AgentRow) -> bool:
        """Whether both say the same of him, whatever their revisions."""
        return replace(self, revision=NEW) == replace(other, revision=NEW)


class AgentsChanged(Exception):
    """Somebody else changed these agents meanwhile; nothing was written."""

    def __init__(self, ids: Sequence[str]) -> None:
        self.ids = tuple(ids)
        super().__init__(", ".join(self.ids))


async def read_agents(engine: AsyncEngine) -> list[AgentRow]:
    """All of them, by id."""
    async with reading(engine) as connection:
        return await _all(connection)


async def fill_agents(engine: AsyncEngine, rows: Sequence[AgentRow]) -> list[AgentRow]:
    """Adds those whom the table does not have and returns all."""
    known = await read_agents(engine)
    there = {row.id for row in known}
    missing = [row for row in rows if row.id not in there]
    if not missing:
        return known
    async with engine.begin() as connection:
        statement = _INSERT[connection.dialect.name](agents).on_conflict_do_nothing()
        await connection.execute(statement, [_values(row) for row in missing])
        return await _all(connection)


async def write_agents(engine: AsyncEngine, rows: Sequence[AgentRow]) -> list[AgentRow]:
    """Writes all or none. `revision` of each is the one that was read, `NEW` for somebody new; they come back grown.

    Raises:
        AgentsChanged: a revision is not the table's any more.
    """
    try:
        async with engine.begin() as connection:
            await _refuse_stale(connection, rows)
            new = [_values(row) for row in rows if row.revision == NEW]
            if new:
                await connection.execute(insert(agents), new)
            old = [{"which": row.id, **_values(row)} for row in rows if row.revision != NEW]
            if old:
                await connection.execute(update(agents).where(agents.c.id == bindparam("which")), old)
    except IntegrityError:  # added by somebody else between our look and our insert
        raise AgentsChanged([row.id for row in rows if row.revision == NEW]) from None
    return [replace(row, revision=row.revision + 1) for row in rows]


async def _refuse_stale(connection: AsyncConnection, rows: Sequence[AgentRow]) -> None:
    ids = [row.id for row in rows]
    known: dict[str, int] = {}
    for start in range(0, len(ids), 500):
        query = select(agents.c.id, agents.c.revision).where(agents.c.id.in_(ids[start : start + 500]))
        known |= {row[0]: row[1] for row in (await connection.execute(query.with_for_update())).all()}
    stale = [row.id for row in rows if known.get(row.id, NEW) != row.revision]
    if stale:
        raise AgentsChanged(stale)


def _values(row: AgentRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "skills": dict(row.skills),
        "zone": row.zone,
        "sign_in": row.sign_in,
        "disabled": row.disabled,
        "revision": row.revision + 1,
    }


async def _all(connection: AsyncConnection) -> list[AgentRow]:
    found = await connection.execute(select(agents).order_by(agents.c.id))
    return [_row(dict(row)) for row in found.mappings()]


def _row(values: dict[str, Any]) -> AgentRow:
    """What somebody wrote there by hand and makes no sense is left out: a service must start all the same."""
    skills = values["skills"] if isinstance(values["skills"], dict) else {}
    good = {skill: level for skill, level in skills.items() if isinstance(level, int) and 1 <= level <= 10}
    sign_in = values["sign_in"] if values["sign_in"] in set(SignIn) else SignIn.PHONE.value
    return AgentRow(**values | {"skills": good, "sign_in": sign_in})
