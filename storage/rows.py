"""One batch of entries into SQL, inside the caller's transaction, with statements that both databases understand.

Everything is idempotent: steps by (call_id, seq), calls by `last_seq`, presentations by "the first known value stays",
handoffs by being made anew, agents' periods by (agent, moment, state).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy import Table, bindparam, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from routing.outbound import Outbound, is_outbound
from routing.probe import Probe
from routing.steps import Step, StepKind
from storage import probes as probed
from storage import recordings as recorded
from storage.decisions import write_decisions, write_editions
from storage.entries import KeptEdition, KeptEntry, SignIn
from storage.facts import Event, call_events, outbound_event
from storage.fold import Row, arrival_ms, fold, merged, milliseconds, period_rows, presentation_rows
from storage.handoffs import write_handoffs
from storage.outbound import row_of, settle_callbacks
from storage.outbox import add_events
from storage.schema import (
    agent_periods,
    call_steps,
    calls,
    forgotten_days,
    journal_position,
    outbound_calls,
    presentations,
    probes,
    recordings,
)
from storage.segments import Position

_INSERT: Final[dict[str, Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


async def write_entries(connection: AsyncConnection, entries: Sequence[KeptEntry], *, hand_over: bool = False) -> None:
    """`hand_over`: what the work-order platform is told of goes into the outbox, in the same transaction."""
    events: list[Event] = []
    await write_editions(connection, [entry for entry in entries if isinstance(entry, KeptEdition)])
    steps = await _of_known_days(connection, [entry for entry in entries if isinstance(entry, Step)])
    if steps:
        await _write_steps(connection, steps)
        events += await _write_calls(connection, [step for step in steps if not is_outbound(step.call_id)])
        await _write_presentations(connection, steps)
        await write_handoffs(connection, steps)
        await _write_recordings(connection, [step for step in steps if step.kind is StepKind.RECORDING])
        await write_decisions(connection, steps)
    outs = [entry for entry in entries if isinstance(entry, Outbound)]
    if outs:
        await _upsert(connection, outbound_calls, list({out.id: row_of(out) for out in outs}.values()))
        await settle_callbacks(connection, outs)
        events += [event for out in outs if (event := outbound_event(out)) is not None]
    tests = {entry.id: probed.row_of(entry) for entry in entries if isinstance(entry, Probe)}
    if tests:
        await _upsert(connection, probes, list(tests.values()))
    if hand_over:
        await add_events(connection, events)
    signs = [entry for entry in entries if isinstance(entry, SignIn)]
    if signs:
        await _write_periods(connection, signs)


async def read_position(connection: AsyncConnection, journal_id: str) -> Position:
    table = journal_position
    query = select(table.c.segment, table.c.offset).where(table.c.journal_id == journal_id)
    found = (await connection.execute(query)).one_or_none()
    return Position() if found is None else Position(found[0], found[1])


async def write_position(connection: AsyncConnection, journal_id: str, position: Position) -> None:
    row = {"journal_id": journal_id, "segment": position.segment, "offset": position.offset}
    await _upsert(connection, journal_position, [row])


async def _of_known_days(connection: AsyncConnection, steps: list[Step]) -> list[Step]:
    """Without those of calls that were deleted with their day: a late step must not make a call of its own."""
    if not steps:
        return steps
    until_ms = (await connection.execute(select(func.max(forgotten_days.c.until_ms)))).scalar()
    old = {step.call_id for step in steps if until_ms is not None and (arrival_ms(step.call_id) or until_ms) < until_ms}
    if not old:
        return steps
    kept = [
        *(await connection.execute(select(calls.c.call_id).where(calls.c.call_id.in_(old)))).scalars(),
        *(await connection.execute(select(outbound_calls.c.id).where(outbound_calls.c.id.in_(old)))).scalars(),
    ]
    return [step for step in steps if step.call_id not in old.difference(kept)]


async def _write_steps(connection: AsyncConnection, steps: Iterable[Step]) -> None:
    statement = _INSERT[connection.dialect.name](call_steps).on_conflict_do_nothing()
    await connection.execute(statement, [_step_row(step) for step in steps])


def _step_row(step: Step) -> Row:
    data = {key: value for key, value in step.data.items() if key != "caller_sealed"}  # kept once, in `calls`
    at = milliseconds(step.at) or 0
    return {"call_id": step.call_id, "seq": step.seq, "at_ms": at, "kind": step.kind.value, "data": data}


async def _write_calls(connection: AsyncConnection, steps: Sequence[Step]) -> list[Event]:
    """What is new in them for the work-order platform."""
    if not steps:
        return []
    by_call: defaultdict[str, list[Step]] = defaultdict(list)
    for step in steps:
        by_call[step.call_id].append(step)
    # locked against whoever forgets a caller meanwhile: the row is written back as a whole
    found = await connection.execute(select(calls).where(calls.c.call_id.in_(by_call)).with_for_update())
    known: dict[str, Row] = {row["call_id"]: dict(row) for row in found.mappings()}
    rows = [fold(known.get(call_id), its_steps) for call_id, its_steps in by_call.items()]
    await _upsert(connection, calls, rows)
    return [event for row in rows for event in call_events(known.get(row["call_id"]), row)]


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


async def _write_recordings(connection: AsyncConnection, steps: Sequence[Step]) -> None:
    if not steps:
        return
    known = await connection.execute(select(recordings).where(recordings.c.call_id.in_({s.call_id for s in steps})))
    rows: dict[str, Row] = {row["call_id"]: dict(row) for row in known.mappings()}
    for step in sorted(steps, key=lambda step: step.seq):
        rows[step.call_id] = recorded.after(rows.get(step.call_id), step)
    await _upsert(connection, recordings, list(rows.values()))


async def _write_periods(connection: AsyncConnection, signs: Sequence[SignIn]) -> None:
    """Each entry opens a period and ends the one before it, whether that is in this batch or in SQL."""
    rows = period_rows(signs)
    table = agent_periods
    first = {row["agent_id"]: row for row in reversed(rows)}
    before = (
        update(table)
        .where(table.c.agent_id == bindparam("agent"), table.c.until_ms.is_(None), table.c.entry < bindparam("number"))
        .values(until_ms=bindparam("at"))
    )
    ends = [{"agent": row["agent_id"], "number": row["entry"], "at": row["since_ms"]} for row in first.values()]
    await connection.execute(before, ends)
    statement = _INSERT[connection.dialect.name](table)
    end = func.coalesce(table.c.until_ms, statement.excluded.until_ms)
    statement = statement.on_conflict_do_update(index_elements=list(table.primary_key), set_={"until_ms": end})
    await connection.execute(statement, rows)


async def _upsert(connection: AsyncConnection, table: Table, rows: list[Row]) -> None:
    statement = _INSERT[connection.dialect.name](table)
    values = {column.name: statement.excluded[column.name] for column in table.c if not column.primary_key}
    statement = statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=values)
    await connection.execute(statement, rows)
