"""One batch of entries into SQL, inside the caller's transaction, with statements that both databases understand.

Everything is idempotent: steps by (call_id, seq), calls by `last_seq`, presentations by "the first known value stays",
agents' periods by (agent, moment, state).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy import Table, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from routing.commands import WriteSignIn
from routing.steps import Step
from storage.entries import Entry
from storage.fold import Row, fold, merged, milliseconds, presentation_rows
from storage.schema import agent_periods, call_steps, calls, journal_position, presentations
from storage.segments import Position

_INSERT: Final[dict[str, Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


async def write_entries(connection: AsyncConnection, entries: Sequence[Entry]) -> None:
    steps = [entry for entry in entries if isinstance(entry, Step)]
    if steps:
        await _write_steps(connection, steps)
        await _write_calls(connection, steps)
        await _write_presentations(connection, steps)
    for entry in entries:
        if isinstance(entry, WriteSignIn):
            await _write_period(connection, entry)


async def read_position(connection: AsyncConnection, journal_id: str) -> Position:
    table = journal_position
    query = select(table.c.segment, table.c.offset).where(table.c.journal_id == journal_id)
    found = (await connection.execute(query)).one_or_none()
    return Position() if found is None else Position(found[0], found[1])


async def write_position(connection: AsyncConnection, journal_id: str, position: Position) -> None:
    row = {"journal_id": journal_id, "segment": position.segment, "offset": position.offset}
    await _upsert(connection, journal_position, [row])


async def _write_steps(connection: AsyncConnection, steps: Iterable[Step]) -> None:
    statement = _INSERT[connection.dialect.name](call_steps).on_conflict_do_nothing()
    await connection.execute(statement, [_step_row(step) for step in steps])


def _step_row(step: Step) -> Row:
    data = {key: value for key, value in step.data.items() if key != "caller_sealed"}  # kept once, in `calls`
    at = milliseconds(step.at) or 0
    return {"call_id": step.call_id, "seq": step.seq, "at_ms": at, "kind": step.kind.value, "data": data}


async def _write_calls(connection: AsyncConnection, steps: Iterable[Step]) -> None:
    by_call: defaultdict[str, list[Step]] = defaultdict(list)
    for step in steps:
        by_call[step.call_id].append(step)
    found = await connection.execute(select(calls).where(calls.c.call_id.in_(by_call)))
    known: dict[str, Row] = {row["call_id"]: dict(row) for row in found.mappings()}
    rows = [fold(known.get(call_id), its_steps) for call_id, its_steps in by_call.items()]
    await _upsert(connection, calls, rows)


async def _write_presentations(connection: AsyncConnection, steps: Iterable[Step]) -> None:
    rows: dict[tuple[str, str, str], Row] = {}
    for step in steps:
        for row in presentation_rows(step):
            key = (row["call_id"], row["presentation"], row["seat_id"])
            rows[key] = merged(rows[key], row) if key in rows else row
    if not rows:
        return
    statement = _INSERT[connection.dialect.name](presentations)
    keep = {c.name: func.coalesce(c, statement.excluded[c.name]) for c in presentations.c if not c.primary_key}
    statement = statement.on_conflict_do_update(index_elements=list(presentations.primary_key), set_=keep)
    await connection.execute(statement, list(rows.values()))


async def _write_period(connection: AsyncConnection, entry: WriteSignIn) -> None:
    """Opens the agent's period and closes the one before. A repeated entry finds its row and changes nothing."""
    at = milliseconds(entry.at) or 0
    row = {"agent_id": entry.agent_id, "since_ms": at, "state": entry.state}
    row |= {"seat_id": entry.seat_id, "reason": entry.reason}
    table = agent_periods
    mine = (table.c.agent_id == entry.agent_id, table.c.since_ms == at, table.c.state == entry.state)
    if (await connection.execute(select(table.c.agent_id).where(*mine))).first() is not None:
        return
    open_before = (table.c.agent_id == entry.agent_id, table.c.until_ms.is_(None), table.c.since_ms <= at)
    await connection.execute(update(table).where(*open_before).values(until_ms=at))
    await connection.execute(table.insert(), row)


async def _upsert(connection: AsyncConnection, table: Table, rows: list[Row]) -> None:
    statement = _INSERT[connection.dialect.name](table)
    values = {column.name: statement.excluded[column.name] for column in table.c if not column.primary_key}
    statement = statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=values)
    await connection.execute(statement, rows)
