"""What is kept of days whose calls were deleted: a row a day with its sum, and a row a day and dialled number with figures.

The figures are those of each quarter of an hour, with the waits themselves: every report of the day, and of any month or
year that it lies in, is the same to the last call. Nobody is in them: no caller, no agent, no single call but one whose
times were broken (`untimed`), by its id.

Body of a row: `{"<epoch ms of the quarter>": quarter}`. Keys of a quarter, absent where there is nothing: answered,
abandoned (lists of waits, ms), flowed_out, failed, restricted, test, waiting, emergency, requeued (counts), flags,
flow_outs, ended_by, fallback (word -> count), untimed (ids).
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncEngine

from storage.engine import reading
from storage.schema import forgotten_days, kept_figures

Quarter = Mapping[str, Any]
Body = Mapping[str, Quarter]
_INSERT: Final[dict[str, Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
_ARRIVED: Final = ("flowed_out", "failed", "waiting")


@dataclass(frozen=True, slots=True)
class ForgottenDay:
    """`[since_ms, until_ms)` is a local day; `data` the sum of its calls, as reports named it; `at_ms`: deleted then."""

    day: str
    since_ms: int
    until_ms: int
    calls: int
    data: str
    at_ms: int


async def keep_day(engine: AsyncEngine, day: ForgottenDay, bodies: Mapping[str, Body]) -> None:
    """From now on reports take the day from here. What is kept of a day stays as it was kept first."""
    rows = [
        {"since_ms": day.since_ms, "number": number, "body": zlib.compress(json.dumps(body).encode())}
        for number, body in bodies.items()
    ]
    async with engine.begin() as connection:
        new = _INSERT[connection.dialect.name]
        done = await connection.execute(new(forgotten_days).on_conflict_do_nothing().values(**asdict(day)))
        if done.rowcount and rows:
            await connection.execute(new(kept_figures), rows)


async def read_forgotten_days(engine: AsyncEngine, since_ms: int, until_ms: int) -> list[ForgottenDay]:
    """Those that reach into the interval, in order."""
    table = forgotten_days
    query = select(table).where(table.c.since_ms < until_ms, table.c.until_ms > since_ms).order_by(table.c.since_ms)
    async with reading(engine) as connection:
        return [ForgottenDay(**row) for row in (await connection.execute(query)).mappings()]


async def read_kept(engine: AsyncEngine, since_ms: int) -> dict[str, Body]:
    """Dialled number -> figures of the day that begins then."""
    query = select(kept_figures.c.number, kept_figures.c.body).where(kept_figures.c.since_ms == since_ms)
    async with reading(engine) as connection:
        found = (await connection.execute(query.order_by(kept_figures.c.number))).all()
    return {number: json.loads(zlib.decompress(body)) for number, body in found}


async def first_kept_ms(engine: AsyncEngine) -> int | None:
    async with reading(engine) as connection:
        found: int | None = (await connection.execute(select(func.min(forgotten_days.c.since_ms)))).scalar()
    return found


async def kept_arrivals(engine: AsyncEngine, since_ms: int, until_ms: int, every_ms: int) -> dict[tuple[str, int], int]:
    """As `storage.queries.arrivals_by`, of forgotten days, by the quarter of an hour in which a call arrived."""
    found: dict[tuple[str, int], int] = {}
    for day in await read_forgotten_days(engine, since_ms, until_ms):
        for number, body in (await read_kept(engine, day.since_ms)).items():
            for at, quarter in body.items():
                if since_ms <= int(at) < until_ms and (calls := _arrived(quarter)):
                    place = number, (int(at) - since_ms) // every_ms
                    found[place] = found.get(place, 0) + calls
    return found


def _arrived(quarter: Quarter) -> int:
    """Without tests and restricted callers."""
    lists = sum(len(quarter.get(key, ())) for key in ("answered", "abandoned", "untimed"))
    return lists + sum(int(quarter.get(key, 0)) for key in _ARRIVED)
