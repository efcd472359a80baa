"""Recordings: a row is a fold of the steps of its call, as in `storage.fold`; and the questions that are asked of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

from sqlalchemy import and_, or_, select
from sqlalchemy.ext.asyncio import AsyncEngine

from routing.steps import Step, StepKind
from storage.engine import reading
from storage.fold import Row, milliseconds, text
from storage.schema import calls, outbound_calls, recordings

_ASKED_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class RecordingRow:
    """One row of `recordings`. Times as in `storage.schema`."""

    call_id: str
    outcome: str | None
    file: str | None
    started_ms: int | None
    ended_ms: int | None
    seconds: float | None
    bytes: int | None
    sha256: str | None
    spans: Sequence[Sequence[int]]
    paused: Sequence[Sequence[Any]]
    problem: str | None
    deleted_ms: int | None


def after(row: Row | None, step: Step) -> Row:
    """The row after one step of kind RECORDING; the same row when the step is already in it."""
    if row is None:
        row = dict.fromkeys(recordings.c.keys()) | {"call_id": step.call_id, "last_seq": -1}
        row |= {"spans": [], "paused": []}
    if step.kind is not StepKind.RECORDING or step.seq <= row["last_seq"]:
        return row
    what = step.data.get("what")
    changes: Row = {}
    if what == "paused":
        reason, by = (text(step.data.get(key)) or "" for key in ("reason", "by"))
        changes = {"paused": [*_let_go(row, step), [milliseconds(step.at), None, reason, by]]}
    elif what == "resumed":
        changes = {"paused": _let_go(row, step)}
    elif what == "ended":
        changes = _ended(row, step)
    elif what == "deleted":
        changes = {"deleted_ms": milliseconds(step.at)}
    return {**row, **changes, "last_seq": step.seq}


def _let_go(row: Row, step: Step, at_ms: int | None = None) -> list[list[Any]]:
    """The pauses, the open one closed."""
    until = milliseconds(step.at) if at_ms is None else at_ms
    return [[since, until if to is None else to, reason, by] for since, to, reason, by in row["paused"]]


def _ended(row: Row, step: Step) -> Row:
    data = step.data
    ended_ms = milliseconds(data.get("ended_at")) or milliseconds(step.at)
    size, seconds = data.get("bytes"), data.get("seconds")
    return {
        "outcome": text(data.get("outcome")),
        "file": text(data.get("file")),
        "started_ms": milliseconds(data.get("started_at")),
        "ended_ms": ended_ms,
        "seconds": float(seconds) if isinstance(seconds, int | float) else None,
        "bytes": size if isinstance(size, int) else None,
        "sha256": text(data.get("sha256")),
        "spans": _spans(str(data.get("spans") or "")),
        "paused": _let_go(row, step, ended_ms),
        "problem": text(data.get("problem")),
    }


def _spans(told: str) -> list[list[int]]:
    """`"1795302613422-1795302618000,..."`; what is none is left out."""
    parts = (span.partition("-") for span in told.split(","))
    return [[int(since), int(until)] for since, _, until in parts if since.isdecimal() and until.isdecimal()]


async def recording(engine: AsyncEngine, call_id: str) -> RecordingRow | None:
    columns = [recordings.c[item.name] for item in fields(RecordingRow)]
    async with reading(engine) as connection:
        found = await connection.execute(select(*columns).where(recordings.c.call_id == call_id))
        row = found.mappings().one_or_none()
    return None if row is None else RecordingRow(**row)


async def unsettled(engine: AsyncEngine, since_ms: int) -> list[tuple[str, int | None]]:
    """(call, when it ended) of the calls that arrived since then, are open or were answered, and whose recording nobody
    has looked at, oldest first; then the same of calls that agents placed."""
    spoken = or_(calls.c.ended_ms.is_(None), calls.c.answered_ms.is_not(None))
    arrived = select(calls.c.call_id, calls.c.ended_ms).where(
        and_(calls.c.arrived_ms >= since_ms, calls.c.recording.is_(None), spoken)
    )
    outs = outbound_calls.c
    placed = (
        select(outs.id, outs.ended_ms)
        .outerjoin(recordings, recordings.c.call_id == outs.id)
        .where(outs.asked_ms >= since_ms, recordings.c.outcome.is_(None))
        .where(or_(outs.ended_ms.is_(None), outs.answered_ms.is_not(None)))
    )
    async with reading(engine) as connection:
        queries = arrived.order_by(calls.c.arrived_ms), placed.order_by(outs.asked_ms)
        return [tuple(row) for query in queries for row in (await connection.execute(query)).all()]


async def last_steps(engine: AsyncEngine, call_ids: Iterable[str]) -> dict[str, int]:
    """Call -> number of its last step, of those that the records have."""
    names = list(call_ids)
    found: dict[str, int] = {}
    async with reading(engine) as connection:
        for first in range(0, len(names), _ASKED_AT_ONCE):
            for table in (recordings, calls):  # of a call that an agent placed the first alone has one
                some = table.c.call_id.in_(names[first : first + _ASKED_AT_ONCE])
                query = select(table.c.call_id, table.c.last_seq).where(some)
                found |= {row[0]: row[1] for row in (await connection.execute(query)).all()}
    return found
