"""Tables that the configuration fills and people change: agents, departments. One row an id, each with a revision.

The configuration adds whom the table does not have; after that the table rules. Nothing is deleted, for calls name it: what
is over is disabled. Two who change the same row at once: the second is told so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar, Final, Generic, Protocol, TypeVar

from sqlalchemy import Table, bindparam, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from storage.engine import reading

_INSERT: Final[dict[str, Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
NEW: Final = 0  # the revision of a row that the table does not have yet


class Row(Protocol):
    """A frozen dataclass whose fields are the columns of its table."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def id(self) -> str: ...
    @property
    def revision(self) -> int: ...
    @property
    def disabled(self) -> bool: ...


R = TypeVar("R", bound=Row)


class RowsChanged(Exception):
    """Somebody else changed these rows meanwhile; nothing was written."""

    def __init__(self, ids: Sequence[str]) -> None:
        self.ids = tuple(ids)
        super().__init__(", ".join(self.ids))


def same(one: R, other: R) -> bool:
    """Whether both say the same, whatever their revisions."""
    return replace(one, revision=NEW) == replace(other, revision=NEW)


@dataclass(frozen=True, slots=True)
class SeededTable(Generic[R]):
    """`row_of` makes a row of its columns. It must take whatever somebody wrote there by hand: a service has to start."""

    table: Table
    row_of: Callable[[dict[str, Any]], R]

    async def read(self, engine: AsyncEngine) -> list[R]:
        """All rows, by id."""
        async with reading(engine) as connection:
            return await self._all(connection)

    async def fill(self, engine: AsyncEngine, rows: Sequence[R]) -> list[R]:
        """Adds those that the table does not have and returns all."""
        known = await self.read(engine)
        there = {row.id for row in known}
        missing = [row for row in rows if row.id not in there]
        if not missing:
            return known
        async with engine.begin() as connection:
            statement = _INSERT[connection.dialect.name](self.table).on_conflict_do_nothing()
            await connection.execute(statement, [_values(row) for row in missing])
            return await self._all(connection)

    async def write(self, engine: AsyncEngine, rows: Sequence[R]) -> list[R]:
        """Writes all or none. `revision` of each is the one that was read, `NEW` for a new one; they come back grown.

        Raises:
            RowsChanged: a revision is not the table's any more.
        """
        try:
            async with engine.begin() as connection:
                await self._refuse_stale(connection, rows)
                new = [_values(row) for row in rows if row.revision == NEW]
                if new:
                    await connection.execute(insert(self.table), new)
                old = [{"which": row.id, **_values(row)} for row in rows if row.revision != NEW]
                if old:
                    await connection.execute(update(self.table).where(self.table.c.id == bindparam("which")), old)
        except IntegrityError:  # added by somebody else between our look and our insert
            raise RowsChanged([row.id for row in rows if row.revision == NEW]) from None
        return [replace(row, revision=row.revision + 1) for row in rows]

    async def _refuse_stale(self, connection: AsyncConnection, rows: Sequence[R]) -> None:
        columns = self.table.c
        ids = [row.id for row in rows]
        known: dict[str, int] = {}
        for start in range(0, len(ids), 500):
            query = select(columns.id, columns.revision).where(columns.id.in_(ids[start : start + 500]))
            known |= {row[0]: row[1] for row in (await connection.execute(query.with_for_update())).all()}
        stale = [row.id for row in rows if known.get(row.id, NEW) != row.revision]
        if stale:
            raise RowsChanged(stale)

    async def _all(self, connection: AsyncConnection) -> list[R]:
        found = await connection.execute(select(self.table).order_by(self.table.c.id))
        return [self.row_of(dict(row)) for row in found.mappings()]


def _values(row: Row) -> dict[str, Any]:
    return {**asdict(row), "revision": row.revision + 1}
