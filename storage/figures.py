"""Calls as figures see them: streamed from `calls`, or folded once more from `call_steps`, in the same shape.

An interval `[since_ms, until_ms)` is that of the arrival. Streams keep memory flat: a year is a million calls.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any, Final, NamedTuple

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from routing.steps import Step, StepKind
from storage.counted import NO_TESTS
from storage.days import Period, periods_within
from storage.engine import reading
from storage.fold import fold
from storage.schema import call_steps, calls, presentations

BATCH: Final = 5000
STAMPS_DIFFER_MS: Final = 60_000  # the arrival of a call and the stamp that its id begins with


class FiguredCall(NamedTuple):
    """What of one call makes figures. Times as in `storage.schema`; nothing of the caller."""

    call_id: str
    number: str
    line: str
    trunk: str
    emergency: bool
    arrived_ms: int
    answered_ms: int | None
    ended_ms: int | None
    wait_ms: int | None
    talk_ms: int
    agent_id: str | None
    requeued: int
    fallback_stage: str | None
    judged: str | None
    outcome: str | None
    ended_by: str | None
    flags: str

    @property
    def text(self) -> str:
        """One line that says all of it, for a sum over many calls; the same wherever it was read."""
        return "\x1f".join(["" if value is None else str(value) for value in self]) + "\n"


_COLUMNS: Final = [calls.c[name] for name in FiguredCall._fields]
_STEP: Final = call_steps.c
_STEPS: Final = select(_STEP.call_id, _STEP.seq, _STEP.at_ms, _STEP.kind, _STEP.data).order_by(_STEP.call_id, _STEP.seq)


async def figured_calls(engine: AsyncEngine, since_ms: int, until_ms: int) -> AsyncIterator[list[FiguredCall]]:
    """All calls that arrived in the interval, in batches, by arrival and id."""
    window = calls.c.arrived_ms >= since_ms, calls.c.arrived_ms < until_ms
    query = select(*_COLUMNS).where(*window).order_by(calls.c.arrived_ms, calls.c.call_id)
    async for batch in _streamed(engine, query):
        yield [FiguredCall._make(row) for row in batch]


async def recounted_calls(engine: AsyncEngine, since_ms: int, until_ms: int) -> AsyncIterator[list[FiguredCall]]:
    """The same calls from their steps alone, in batches, in no order: what `calls` must have said."""
    first, after = (str(at) for at in (since_ms - STAMPS_DIFFER_MS, until_ms + STAMPS_DIFFER_MS))
    stamped = _STEPS.where(_STEP.call_id >= first, _STEP.call_id < after)
    left: list[Any] = []
    async for batch in _streamed(engine, stamped):
        whole, left = _whole_calls([*left, *batch])
        yield list(_within(_told(whole), since_ms, until_ms))
    yield list(_within(_told(left), since_ms, until_ms))


async def recounted(engine: AsyncEngine, call_ids: Collection[str]) -> list[FiguredCall]:
    """Calls whose id begins with another time than their arrival, from their steps."""
    found: list[FiguredCall] = []
    names = sorted(call_ids)
    async with reading(engine) as connection:
        for at in range(0, len(names), 500):
            some = _STEPS.where(_STEP.call_id.in_(names[at : at + 500]))
            found += _told((await connection.execute(some)).all())
    return found


async def stays(engine: AsyncEngine, since_ms: int, until_ms: int) -> AsyncIterator[list[Period]]:
    """States of agents that reach into the interval, in batches."""
    async for batch in _streamed(engine, periods_within(since_ms, until_ms)):
        yield [Period(*row) for row in batch]


async def presented(engine: AsyncEngine, since_ms: int, until_ms: int) -> list[tuple[str, str, int]]:
    """(agent, `routing.steps.Outcome`, how often) of the presentations that were sent in the interval and are over."""
    table = presentations.c
    known = table.agent_id.is_not(None), table.outcome.is_not(None)
    joined = presentations.outerjoin(calls, calls.c.call_id == table.call_id)
    query = select(table.agent_id, table.outcome, func.count()).select_from(joined)
    query = query.where(*known, table.sent_ms.between(since_ms, until_ms - 1), NO_TESTS)
    async with reading(engine) as connection:
        found = await connection.execute(query.group_by(table.agent_id, table.outcome))
        return [(agent, outcome, count) for agent, outcome, count in found.all()]


async def _streamed(engine: AsyncEngine, query: Select[Any]) -> AsyncIterator[Sequence[Any]]:
    async with reading(engine) as connection:
        result = await connection.stream(query.execution_options(yield_per=BATCH))
        async for batch in result.partitions():
            yield batch


def _whole_calls(rows: list[Any]) -> tuple[list[Any], list[Any]]:
    """Rows of calls that are all there, and those of the last one, of which more may come."""
    if not rows:
        return [], []
    last = next((at for at in range(len(rows) - 1, -1, -1) if rows[at][0] != rows[-1][0]), -1) + 1
    return rows[:last], rows[last:]


def _told(rows: Iterable[Any]) -> Iterator[FiguredCall]:
    for call_id, its in groupby(rows, key=lambda row: row[0]):
        row = fold(None, [Step(call_id, seq, at_ms / 1000, StepKind(kind), data) for _, seq, at_ms, kind, data in its])
        yield FiguredCall._make(row[name] for name in FiguredCall._fields)


def _within(found: Iterable[FiguredCall], since_ms: int, until_ms: int) -> Iterator[FiguredCall]:
    return (call for call in found if since_ms <= call.arrived_ms < until_ms)
