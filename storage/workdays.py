"""The table `workdays`: one row a date. What an operator set stays when official days are filled in, unless he says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncEngine

from routing.workdays import Day, DayKind
from storage.engine import reading
from storage.schema import workdays

_INSERT: Final[dict[str, Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


@dataclass(frozen=True, slots=True)
class DayRow:
    """One date. `official`: from the decreed calendar, not set by an operator."""

    day: Day
    official: bool


async def read_workdays(engine: AsyncEngine) -> list[DayRow]:
    """All of them, by date. What somebody wrote there by hand and makes no sense is left out."""
    async with reading(engine) as connection:
        found = (await connection.execute(select(workdays).order_by(workdays.c.date))).mappings().all()
    return [row for values in found if (row := _row(dict(values))) is not None]


async def write_workdays(engine: AsyncEngine, rows: Sequence[DayRow], *, over_operators: bool) -> list[DayRow]:
    """Writes all or none and returns the whole table. `over_operators`: official rows replace what operators set too."""
    async with engine.begin() as connection:
        insert = _INSERT[connection.dialect.name](workdays)
        new = insert.excluded
        kept = None if over_operators else workdays.c.official | ~new.official
        values = {"kind": new.kind, "name": new.name, "official": new.official}
        statement = insert.on_conflict_do_update(index_elements=[workdays.c.date], set_=values, where=kept)
        if rows:
            await connection.execute(statement, [_values(row) for row in rows])
    return await read_workdays(engine)


def _values(row: DayRow) -> dict[str, Any]:
    day = row.day
    return {"date": day.date.isoformat(), "kind": day.kind.value, "name": day.name, "official": row.official}


def _row(values: dict[str, Any]) -> DayRow | None:
    try:
        day = Day(date.fromisoformat(values["date"]), DayKind(values["kind"]), values["name"])
    except ValueError:
        return None
    return DayRow(day, bool(values["official"]))
